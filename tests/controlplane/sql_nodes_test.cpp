// The Store's contract: what it keeps of nodes.
#include <gtest/gtest.h>

#include "controlplane/store_fixture.h"

namespace moenet::controlplane {
namespace {

using testing::must;
using testing::node_of;

class StoreNodes : public testing::StoreTest {};
INSTANTIATE_TEST_SUITE_P(All, StoreNodes, ::testing::ValuesIn(testing::database_kinds()), testing::name_of_kind);

TEST_P(StoreNodes, GivesTheLowestFreeId) {
  must(store_->add_node(testing::kTester, node_of(2, "two", 101, false, "1G"), "hash"));
  EXPECT_EQ(add("a"), 1);
  EXPECT_EQ(add("b"), 3);
}

TEST_P(StoreNodes, RefusesATakenNameOrId) {
  add("a");
  const auto same_name = store_->add_node(testing::kTester, node_of(0, "a", 101, false, "1G"), "x");
  ASSERT_FALSE(same_name);
  EXPECT_EQ(same_name.error().field, "name");
  EXPECT_EQ(store_->add_node(testing::kTester, node_of(1, "b", 101, false, "1G"), "x").error().field, "id");
  EXPECT_EQ(store_->add_node(testing::kTester, node_of(1'000, "c", 101, false, "1G"), "x").error().field, "id");
}

TEST_P(StoreNodes, HasAsManyAsThePrefixOfTheLoopbacksHasRoomFor) {
  for (int i = 1; i <= 62; ++i) add("n" + std::to_string(i));
  const auto late = store_->add_node(testing::kTester, node_of(0, "late", 101, false, "1G"), "x");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().field, "loopbackIpv4");
  EXPECT_NE(late.error().error.what.find("widen ipv4Prefix"), std::string::npos) << late.error().error.what;
  must(store_->change_settings(testing::kTester, [](Settings settings) -> Checked<Settings> {
    settings.ipv4_prefix = "172.22.188.0/22";
    return settings;
  }));
  EXPECT_EQ(add("late"), 63);
  Node last = node_of(kMaxNodeId, "last", 101, false, "1G");
  must(store_->add_node(testing::kTester, last, "last"));
  EXPECT_EQ(store_->add_node(testing::kTester, node_of(kMaxNodeId, "more", 101, false, "1G"), "x").error().field, "id");
}

TEST_P(StoreNodes, TellsWhoEditsWhatSomebodyElseEditedMeanwhile) {
  const NodeId id = add("jp1");
  const auto move_to = [&](int region, ExpectedVersion seen) {
    return store_->change_node(
        testing::kTester, "jp1",
        [&](Node node) -> Checked<Node> {
          node.region_code = region;
          return node;
        },
        seen);
  };
  const auto seen = must(store_->find_node("jp1")).version;
  const Node moved = must(move_to(102, seen));
  EXPECT_EQ(moved.version, seen + 1);
  const auto late = move_to(103, seen);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().error.code, Errc::conflict);
  EXPECT_EQ(late.error().field, "version");
  EXPECT_EQ(store_->delete_node(testing::kTester, "jp1", seen).error().field, "version");
  told_.clear();
  EXPECT_EQ(must(move_to(102, moved.version)).version, moved.version) << "which changes nothing";
  EXPECT_TRUE(told_.empty());
  must(store_->record_heartbeat(id, {"v1", "{}", "key", "192.0.2.1", std::nullopt, 5}));
  EXPECT_EQ(must(store_->find_node("jp1")).version, moved.version) << "a node is nobody who edits";
  EXPECT_EQ(must(store_->find_node("jp1")).region_code, 102);
  must(store_->delete_node(testing::kTester, "jp1", moved.version));
}

TEST_P(StoreNodes, KeepsTheLoopbacksThatTheOperatorChose) {
  add("a");
  Node node = node_of(0, "b", 101, false, "1G");
  node.loopback_ipv4 = "172.22.188.40";
  node.loopback_ipv6 = "fd00:4242:7777::b";
  must(store_->add_node(testing::kTester, node, "b"));
  EXPECT_EQ(must(store_->find_node("b")).loopback_ipv4, "172.22.188.40");
  EXPECT_EQ(must(store_->find_node("b")).loopback_ipv6, "fd00:4242:7777::b");
  node.name = "c";
  EXPECT_EQ(store_->add_node(testing::kTester, node, "c").error().field, "loopbackIpv4");
  const auto taken = store_->change_node(testing::kTester, "a", [&](Node wanted) -> Checked<Node> {
    wanted.loopback_ipv6 = node.loopback_ipv6;
    return wanted;
  });
  EXPECT_EQ(taken.error().field, "loopbackIpv6");
  EXPECT_EQ(taken.error().error.code, Errc::conflict);
  EXPECT_EQ(must(store_->find_node("a")).loopback_ipv6, "");
  const auto moved = store_->change_settings(testing::kTester, [](Settings settings) -> Checked<Settings> {
    settings.ipv4_prefix = "172.23.0.0/26";
    return settings;
  });
  EXPECT_EQ(moved.error().field, "ipv4Prefix");
  EXPECT_EQ(must(store_->settings()).ipv4_prefix, Settings{}.ipv4_prefix);
}

TEST_P(StoreNodes, LeavesNothingOfADeletedNodeToTheNextOneOfItsId) {
  const NodeId id = add("old");
  add("other");
  const std::string uuid = must(store_->find_node("old")).uuid;
  must(store_->record_heartbeat(id, {"v1", R"({"kernel":"6"})", "key", "192.0.2.1", "2001:db8::1", 5}));
  must(store_->record_reports(id, {{"dn42_1", "{}", 1}}, Store::Reports::replace));
  must(store_->record_document(id, "mesh-status", "{}", 1));
  must(store_->put_bootstrap(testing::kTester, "line", {id, "https://cp", 100}));
  const std::int64_t before = must(store_->find_node("old")).changes;
  told_.clear();
  EXPECT_EQ(must(store_->delete_node(testing::kTester, "old")).id, id);
  EXPECT_EQ(told_.size(), 2u) << "its own readers, and the others'";
  EXPECT_EQ(store_->node_of_token(hash_of_token("old")), std::nullopt);
  EXPECT_EQ(store_->find_node("old").error().code, Errc::not_found);
  EXPECT_EQ(store_->delete_node(testing::kTester, "old").error().error.code, Errc::not_found);
  EXPECT_EQ(store_->redeem_bootstrap(testing::kTester, "line", "x", 50).error().code, Errc::not_found);

  EXPECT_EQ(add("new"), id) << "the lowest free one";
  const Node node = must(store_->find_node("new"));
  EXPECT_NE(node.uuid, uuid);
  EXPECT_EQ(node.mesh_public_key + node.seen_ipv4 + node.seen_ipv6 + node.agent_version + node.status_json, "");
  EXPECT_EQ(node.last_seen, 0);
  EXPECT_GT(node.changes, before + 1) << "whoever waited for the old one must see that this is later";
  EXPECT_TRUE(must(store_->reports_of(id)).empty());
  EXPECT_FALSE(must(store_->document_of(id, "mesh-status")));
}

TEST_P(StoreNodes, DeletesANodeWithItsSessions) {
  const NodeId jp = add("jp1");
  must(store_->add_session(testing::kTester, row(jp, 1)));
  must(store_->delete_node(testing::kTester, "jp1"));
  EXPECT_TRUE(must(store_->sessions({})).empty());
}

TEST_P(StoreNodes, ANodeThatLeavesIsGoneWithItsLastSession) {
  const NodeId jp = add("jp1");
  const auto first = must(store_->add_session(testing::kTester, row(jp, 1)));
  const auto second = must(store_->add_session(testing::kTester, row(jp, 2)));
  const auto drop = [&](const StoredSession& session) {
    must(store_->change_session(testing::kTester,
                                {session.uuid, [](const StoredSession&) -> Checked<Verdict> { return Drop{}; }}));
  };
  const Node before = must(store_->find_node("jp1"));
  const Node leaving = must(store_->retire_node(testing::kTester, "jp1", before.version));
  EXPECT_TRUE(leaving.is_leaving);
  EXPECT_TRUE(must(store_->find_node("jp1")).is_leaving);
  EXPECT_EQ(leaving.version, before.version + 1);
  EXPECT_EQ(must(store_->retire_node(testing::kTester, "jp1")).version, leaving.version) << "again changes nothing";
  EXPECT_EQ(store_->add_session(testing::kTester, row(jp, 3)).error().field, "node");
  drop(first);
  EXPECT_TRUE(store_->find_node("jp1"));
  told_.clear();
  drop(second);
  EXPECT_EQ(store_->find_node("jp1").error().code, Errc::not_found);
  EXPECT_EQ(store_->node_of_token(hash_of_token("jp1")), std::nullopt);
  EXPECT_FALSE(told_.empty()) << "its own readers";
  EXPECT_EQ(add("next"), jp);
}

TEST_P(StoreNodes, ANodeWithoutSessionsIsGoneAtOnce) {
  add("jp1");
  EXPECT_EQ(store_->retire_node(testing::kTester, "jp1", 9).error().field, "version");
  EXPECT_FALSE(must(store_->retire_node(testing::kTester, "jp1")).is_leaving);
  EXPECT_EQ(store_->find_node("jp1").error().code, Errc::not_found);
  EXPECT_EQ(store_->retire_node(testing::kTester, "jp1").error().error.code, Errc::not_found);
}

TEST_P(StoreNodes, ANodeThatStaysOutlivesItsLastSession) {
  const NodeId jp = add("jp1");
  const auto only = must(store_->add_session(testing::kTester, row(jp, 1)));
  must(store_->change_session(testing::kTester,
                              {only.uuid, [](const StoredSession&) -> Checked<Verdict> { return Drop{}; }}));
  EXPECT_TRUE(store_->find_node("jp1"));
}

TEST_P(StoreNodes, FindsNodesByNameAndByUuid) {
  add("jp1");
  const Node node = must(store_->find_node("jp1"));
  EXPECT_EQ(must(store_->find_node(node.uuid)).id, node.id);
  EXPECT_EQ(store_->find_node("JP1").error().code, Errc::not_found);
}

TEST_P(StoreNodes, KeepsANodeThatTheEditRefused) {
  add("jp1");
  told_.clear();
  const auto refused = store_->change_node(
      testing::kTester, "jp1", [](const Node&) -> Checked<Node> { return refuse(Errc::invalid, "no", "region"); });
  EXPECT_EQ(refused.error().field, "region");
  EXPECT_EQ(store_->change_node(testing::kTester, "none", [](const Node& node) -> Checked<Node> { return node; })
                .error()
                .error.code,
            Errc::not_found);
  EXPECT_TRUE(told_.empty());
}

TEST_P(StoreNodes, AHeartbeatThatTellsNothingNewWakesNobody) {
  const NodeId jp = add("jp1");
  add("hk");
  Heartbeat heartbeat{"v1", "{}", "key", "192.0.2.1", std::nullopt, 5};
  must(store_->record_heartbeat(jp, heartbeat));
  told_.clear();
  heartbeat.at = 6;
  must(store_->record_heartbeat(jp, heartbeat));
  EXPECT_TRUE(told_.empty());
  heartbeat.mesh_public_key = "another";
  must(store_->record_heartbeat(jp, heartbeat));
  EXPECT_EQ(told_.size(), 2u) << "the key is what the others' mesh is made of";
  EXPECT_EQ(must(store_->find_node("jp1")).last_seen, 6);
}

TEST_P(StoreNodes, ForgetsTheAddressOfAFamilyThatANodeHasLost) {
  const NodeId jp = add("jp1");
  const auto seen_after = [&](std::optional<std::string> ipv4, std::optional<std::string> ipv6) {
    must(store_->record_heartbeat(jp, {"v1", "{}", std::nullopt, std::move(ipv4), std::move(ipv6), 5}));
    const Node node = must(store_->find_node("jp1"));
    return node.seen_ipv4 + " " + node.seen_ipv6;
  };
  EXPECT_EQ(seen_after("192.0.2.1", "2001:db8::1"), "192.0.2.1 2001:db8::1");
  EXPECT_EQ(seen_after(std::nullopt, std::nullopt), "192.0.2.1 2001:db8::1") << "it told no address at all";
  EXPECT_EQ(seen_after(std::nullopt, "2001:db8::1"), " 2001:db8::1");
  EXPECT_EQ(seen_after("192.0.2.2", std::nullopt), "192.0.2.2 ");
}

}  // namespace
}  // namespace moenet::controlplane
