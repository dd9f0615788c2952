// The Store's contract: every change is in the audit log, in its own transaction, for good.
#include <gtest/gtest.h>

#include "controlplane/session_moves.h"
#include "controlplane/store_fixture.h"

namespace moenet::controlplane {
namespace {

namespace json = boost::json;
using testing::kTester;
using testing::must;

class StoreAudit : public testing::StoreTest {
 protected:
  std::vector<AuditEntry> entries(const AuditFilter& filter = {}) { return must(store_->audit(filter)); }
  AuditEntry newest() {
    const auto all = entries();
    return all.empty() ? AuditEntry{} : all.front();
  }
  std::size_t count() { return entries().size(); }
};
INSTANTIATE_TEST_SUITE_P(All, StoreAudit, ::testing::ValuesIn(testing::database_kinds()), testing::name_of_kind);

TEST_P(StoreAudit, SaysWhoDidWhatToWhatAndFromWhere) {
  add("jp1");
  const AuditEntry added = newest();
  EXPECT_EQ(added.seq, 1);
  EXPECT_EQ(added.at, 1'000);
  EXPECT_EQ(added.who, "tester");
  EXPECT_EQ(added.address, "192.0.2.1");
  EXPECT_EQ(added.action, "node.add");
  EXPECT_EQ(added.object, "node jp1");
  EXPECT_EQ(added.before_json, "");
  EXPECT_EQ(json::parse(added.after_json).at("name").as_string(), "jp1");
  must(store_->change_node({"owner", ""}, "jp1", [](const Node& node) -> Checked<Node> {
    Node wanted = node;
    wanted.provider = "other";
    return wanted;
  }));
  EXPECT_EQ(newest().who, "owner");
  EXPECT_EQ(newest().before_json, R"({"provider":"lab"})") << "what differs, and no more";
  EXPECT_EQ(newest().after_json, R"({"provider":"other"})");
  must(store_->delete_node(kTester, "jp1"));
  EXPECT_EQ(newest().action, "node.delete");
  EXPECT_EQ(newest().after_json, "");
  EXPECT_EQ(newest().seq, 3) << "without a gap";
}

TEST_P(StoreAudit, HasEveryKindOfChange) {
  const NodeId node = add("jp1");
  must(store_->replace_node_token(kTester, node, "t", 0));
  must(store_->revoke_node_tokens(kTester, node));
  must(store_->put_bootstrap(kTester, "b", {node, "https://cp", 9'000}));
  must(store_->redeem_bootstrap(kTester, "b", "u", 1'000));
  must(store_->change_settings(kTester, [](const Settings& settings) -> Checked<Settings> {
    Settings wanted = settings;
    wanted.asn = 4'242'421'111;
    return wanted;
  }));
  const StoredSession session = must(store_->add_session(kTester, row(node, 7)));
  must(
      store_->change_session(kTester, {session.uuid, [](const StoredSession&) -> Checked<Verdict> { return Drop{}; }}));
  must(store_->sign_in(kTester, 7, {"s", "", "", "", 9'000}, 1'000));
  must(store_->end_web_session(kTester, "s"));
  const ApiToken token = must(store_->add_api_token(kTester, {"", "", "", "ci", Role::user, 0, 0, 0}, "h"));
  must(store_->revoke_api_token(kTester, token.uuid, [](const ApiToken&) -> Checked<void> { return {}; }));
  must(store_->change_user(kTester, "AS7", [](const User& user) -> Checked<User> {
    User wanted = user;
    wanted.role = Role::admin;
    return wanted;
  }));
  must(store_->delete_user(kTester, "AS7", [](const User&) -> Checked<void> { return {}; }));
  std::vector<std::string> actions;
  for (const AuditEntry& entry : entries()) actions.insert(actions.begin(), entry.action);
  EXPECT_EQ(actions, (std::vector<std::string>{"node.add", "node.token", "node.token.revoke", "node.bootstrap",
                                               "node.bootstrap.redeem", "settings.change", "session.add",
                                               "session.delete", "user.add", "user.sign-in", "user.sign-out",
                                               "token.add", "token.revoke", "user.change", "user.delete"}));
}

TEST_P(StoreAudit, HoldsNoSecret) {
  const NodeId node = add("jp1");
  StoredSession session = row(node, 7);
  session.credential = R"({"public_key":"uJskkgsWIKjUdj4GVtWL07j7wGWGrSLW5g3jUjtfgmk=","preshared_key":"PSK1"})";
  session.data_json = R"({"password":"PASS1"})";
  must(store_->add_session(kTester, session));
  must(store_->change_session(kTester, {session.uuid, [](const StoredSession& before) -> Checked<Verdict> {
                                          StoredSession wanted = before;
                                          wanted.data_json = R"({"password":"PASS2"})";
                                          return Replace{wanted};
                                        }}));
  EXPECT_EQ(newest().before_json, R"({"password":"***"})");
  EXPECT_EQ(newest().after_json, R"x({"password":"*** (changed)"})x");
  must(store_->add_api_token(kTester, {"", "", "", "ci", Role::user, 0, 0, 0}, "HASH"));
  for (const AuditEntry& entry : entries()) {
    for (const char* secret : {"PSK", "PASS", "HASH"}) {
      EXPECT_EQ((entry.before_json + entry.after_json).find(secret), std::string::npos) << entry.after_json;
    }
  }
}

TEST_P(StoreAudit, KeepsStatusMovesOfNodesAndNotTheirChatter) {
  const NodeId node = add("jp1");
  StoredSession session = row(node, 7);
  session.status = model::SessionStatus::queued_for_setup;
  must(store_->add_session(kTester, session));
  const auto says = [&](int status, const char* error) {
    must(store_->change_session({"node jp1", ""}, {session.uuid, [=](const StoredSession& before) {
                                                     return decide_agent_report(before, status, error);
                                                   }}));
  };
  says(2, "");
  EXPECT_EQ(newest().who, "node jp1");
  EXPECT_EQ(newest().before_json, R"({"status":"QUEUED_FOR_SETUP"})");
  EXPECT_EQ(newest().after_json, R"({"status":"ENABLED"})");
  const std::size_t before = count();
  says(2, "");
  says(2, "still");
  EXPECT_EQ(count(), before);
  says(6, "broken");
  EXPECT_EQ(count(), before + 1);
}

TEST_P(StoreAudit, WhatWasRefusedIsNotInIt) {
  const NodeId node = add("jp1");
  must(store_->add_session(kTester, row(node, 7)));
  const std::size_t before = count();
  EXPECT_FALSE(store_->add_session(kTester, row(node, 7)));
  EXPECT_FALSE(store_->add_node(kTester, testing::node_of(0, "jp1", 101, false, "1G"), "x"));
  EXPECT_FALSE(store_->retire_node(kTester, "jp1", 9));
  EXPECT_EQ(count(), before);
}

TEST_P(StoreAudit, IsReadInPartsAndByFilters) {
  for (const char* name : {"a", "b", "c"}) add(name);
  must(store_->delete_node({"owner", ""}, "b"));
  AuditFilter filter;
  filter.limit = 3;
  const auto first = entries(filter);
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(first[0].seq, 4);
  filter.before_seq = first.back().seq;
  ASSERT_EQ(entries(filter).size(), 1u);
  EXPECT_EQ(entries(filter)[0].seq, 1);

  AuditFilter of_b;
  of_b.object = "node b";
  EXPECT_EQ(entries(of_b).size(), 2u);
  of_b.who = "owner";
  EXPECT_EQ(entries(of_b).size(), 1u);
  of_b.who = std::string("o\0w", 3);
  EXPECT_EQ(entries(of_b).size(), 0u);
  AuditFilter late;
  late.since = 1'001;
  EXPECT_EQ(entries(late).size(), 0u);
  late.since = 1'000;
  EXPECT_EQ(entries(late).size(), 4u);
}

TEST_P(StoreAudit, CannotBeChanged) {
  add("jp1");
  for (const char* attempt :
       {"UPDATE audit SET who = 'nobody'", "DELETE FROM audit", "DELETE FROM audit WHERE seq = 1"})
    EXPECT_THROW(database_->execute(attempt), std::runtime_error) << attempt;
  const std::string row =
      "INTO audit (seq, at, who, address, action, object, before_json, after_json) "
      "VALUES (1, 0, 'nobody', '', '', '', '', '')";
  EXPECT_THROW(database_->execute("INSERT " + row + " ON CONFLICT (seq) DO UPDATE SET who = 'nobody'"),
               std::runtime_error);
  EXPECT_THROW(database_->execute("INSERT " + row), std::runtime_error);
  const std::string own = std::string_view(GetParam().name) == "sqlite" ? "REPLACE " + row : "TRUNCATE audit";
  EXPECT_THROW(database_->execute(own), std::runtime_error);
  EXPECT_EQ(count(), 1u);
  EXPECT_EQ(newest().who, "tester");
}

}  // namespace
}  // namespace moenet::controlplane
