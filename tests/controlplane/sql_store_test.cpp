// The Store's contract, for every Store there is: another one joins by one more value of INSTANTIATE_TEST_SUITE_P.
#include "controlplane/sql_store.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <set>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "controlplane/seeds.h"
#include "model/lifecycle.h"

namespace moenet::controlplane {
namespace {

using support::TemporaryFolder;
using testing::must;
using testing::node_of;

struct StoreKind {
  const char* name;
  std::function<std::unique_ptr<Store>(const TemporaryFolder&)> open;
};
void PrintTo(const StoreKind& kind, std::ostream* out) { *out << kind.name; }

class StoreTest : public ::testing::TestWithParam<StoreKind> {
 protected:
  StoreTest() : store_(GetParam().open(folder_)) {
    store_->set_change_listener([this](NodeId node, std::int64_t changes) { told_.emplace_back(node, changes); });
  }
  NodeId add(const std::string& name) {
    return must(store_->add_node(node_of(0, name, 101, false, "1G"), hash_of_token(name))).id;
  }
  static StoredSession row(NodeId node, model::Asn asn) {
    StoredSession session;
    session.uuid = make_uuid();
    session.node = node;
    session.asn = asn;
    session.interface_name = "dn42-" + std::to_string(asn);
    session.port = 30'000 + asn % 10'000;
    return session;
  }
  static SessionChange set_status(const StoredSession& session, model::SessionStatus status) {
    return {session.uuid, [status](const StoredSession& now) -> Checked<Verdict> {
              StoredSession wanted = now;
              wanted.status = status;
              return Replace{wanted};
            }};
  }

  TemporaryFolder folder_;
  std::unique_ptr<Store> store_;
  std::vector<std::pair<NodeId, std::int64_t>> told_;
};

TEST_P(StoreTest, GivesTheLowestFreeId) {
  must(store_->add_node(node_of(2, "two", 101, false, "1G"), "hash"));
  EXPECT_EQ(add("a"), 1);
  EXPECT_EQ(add("b"), 3);
}

TEST_P(StoreTest, RefusesATakenNameOrIdAndTheSixtyThirdNode) {
  add("a");
  const auto same_name = store_->add_node(node_of(0, "a", 101, false, "1G"), "x");
  ASSERT_FALSE(same_name);
  EXPECT_EQ(same_name.error().field, "name");
  EXPECT_EQ(store_->add_node(node_of(1, "b", 101, false, "1G"), "x").error().field, "id");
  for (int i = 2; i <= kMaxNodeId; ++i) add("n" + std::to_string(i));
  EXPECT_EQ(store_->add_node(node_of(0, "late", 101, false, "1G"), "x").error().field, "id");
}

TEST_P(StoreTest, KeepsTheLoopbacksThatTheOperatorChose) {
  add("a");
  Node node = node_of(0, "b", 101, false, "1G");
  node.loopback_ipv4 = "172.22.188.40";
  node.loopback_ipv6 = "fd00:4242:7777::b";
  must(store_->add_node(node, "b"));
  EXPECT_EQ(must(store_->find_node("b")).loopback_ipv4, "172.22.188.40");
  EXPECT_EQ(must(store_->find_node("b")).loopback_ipv6, "fd00:4242:7777::b");
  node.name = "c";
  EXPECT_EQ(store_->add_node(node, "c").error().field, "loopbackIpv4");
  const auto taken = store_->change_node("a", [&](Node wanted) -> Checked<Node> {
    wanted.loopback_ipv6 = node.loopback_ipv6;
    return wanted;
  });
  EXPECT_EQ(taken.error().field, "loopbackIpv6");
  EXPECT_EQ(taken.error().error.code, Errc::conflict);
  EXPECT_EQ(must(store_->find_node("a")).loopback_ipv6, "");
  const auto moved = store_->change_settings([](Settings settings) -> Checked<Settings> {
    settings.ipv4_prefix = "172.23.0.0/26";
    return settings;
  });
  EXPECT_EQ(moved.error().field, "ipv4Prefix");
  EXPECT_EQ(must(store_->settings()).ipv4_prefix, Settings{}.ipv4_prefix);
}

TEST_P(StoreTest, LeavesNothingOfADeletedNodeToTheNextOneOfItsId) {
  const NodeId id = add("old");
  add("other");
  const std::string uuid = must(store_->find_node("old")).uuid;
  must(store_->record_heartbeat(id, {"v1", R"({"kernel":"6"})", "key", "192.0.2.1", "2001:db8::1", 5}));
  must(store_->record_reports(id, {{"dn42_1", "{}", 1}}));
  must(store_->record_document(id, "mesh-status", "{}", 1));
  must(store_->put_bootstrap("line", {id, "https://cp", 100}));
  const std::int64_t before = must(store_->find_node("old")).changes;
  told_.clear();
  EXPECT_EQ(must(store_->delete_node("old", false)).id, id);
  EXPECT_EQ(told_.size(), 2u) << "its own readers, and the others'";
  EXPECT_EQ(store_->node_of_token(hash_of_token("old")), std::nullopt);
  EXPECT_EQ(store_->find_node("old").error().code, Errc::not_found);
  EXPECT_EQ(store_->delete_node("old", false).error().error.code, Errc::not_found);
  EXPECT_EQ(store_->redeem_bootstrap("line", "x", 50).error().code, Errc::not_found);

  EXPECT_EQ(add("new"), id) << "the lowest free one";
  const Node node = must(store_->find_node("new"));
  EXPECT_NE(node.uuid, uuid);
  EXPECT_EQ(node.mesh_public_key + node.seen_ipv4 + node.seen_ipv6 + node.agent_version + node.status_json, "");
  EXPECT_EQ(node.last_seen, 0);
  EXPECT_GT(node.changes, before + 1) << "whoever waited for the old one must see that this is later";
  EXPECT_TRUE(must(store_->reports_of(id)).empty());
  EXPECT_FALSE(must(store_->document_of(id, "mesh-status")));
}

TEST_P(StoreTest, DeletesANodeWithItsSessionsOnlyWhenAsked) {
  const NodeId jp = add("jp1");
  must(store_->add_session(row(jp, 1)));
  const auto refused = store_->delete_node("jp1", false);
  EXPECT_EQ(refused.error().error.code, Errc::conflict);
  EXPECT_EQ(refused.error().field, "");
  EXPECT_EQ(must(store_->sessions()).size(), 1u);
  must(store_->delete_node("jp1", true));
  EXPECT_TRUE(must(store_->sessions()).empty());
}

TEST_P(StoreTest, FindsNodesByNameAndByUuid) {
  add("jp1");
  const Node node = must(store_->find_node("jp1"));
  EXPECT_EQ(must(store_->find_node(node.uuid)).id, node.id);
  EXPECT_EQ(store_->find_node("JP1").error().code, Errc::not_found);
}

TEST_P(StoreTest, ANewTokenEndsTheOldOne) {
  const NodeId node = add("jp1");
  EXPECT_EQ(store_->node_of_token(hash_of_token("jp1")), node);
  must(store_->replace_node_token(node, hash_of_token("new")));
  EXPECT_EQ(store_->node_of_token(hash_of_token("jp1")), std::nullopt);
  EXPECT_EQ(store_->node_of_token(hash_of_token("new")), node);
}

TEST_P(StoreTest, ABootstrapTokenIsGoodOnceAndNotForEver) {
  const NodeId node = add("jp1");
  must(store_->put_bootstrap("first", {node, "https://cp", 100}));
  EXPECT_EQ(store_->redeem_bootstrap("first", "late", 100).error().code, Errc::not_found);
  must(store_->put_bootstrap("second", {node, "https://cp", 200}));
  EXPECT_EQ(store_->redeem_bootstrap("first", "late", 50).error().code, Errc::not_found) << "a new one ends the old";
  EXPECT_EQ(store_->node_of_token(hash_of_token("jp1")), node) << "what fails changes nothing";
  const RedeemedBootstrap redeemed = must(store_->redeem_bootstrap("second", "fresh", 199));
  EXPECT_EQ(redeemed.node_name, "jp1");
  EXPECT_EQ(redeemed.url, "https://cp");
  EXPECT_EQ(store_->node_of_token("fresh"), node);
  EXPECT_EQ(store_->redeem_bootstrap("second", "again", 150).error().code, Errc::not_found);
}

TEST_P(StoreTest, KeepsEveryFieldOfASession) {
  StoredSession session = row(add("jp1"), 4'294'967'295);
  session.status = model::SessionStatus::problem;
  session.name = "O'Brien \"; DROP TABLE session; --";
  session.description = "\xE2\x82\xAC";
  session.ipv4 = "172.20.0.1";
  session.ipv6 = "fd00::1";
  session.ipv6_link_local = "fe80::1";
  session.extensions_json = R"(["mp_bgp"])";
  session.endpoint = "[2001:db8::1]:5";
  session.credential = R"({"public_key":"x"})";
  session.data_json = R"({"a":1})";
  session.mtu = 1280;
  session.policy = "peer";
  session.last_error = "no handshake";
  session.created_at = 1'795'440'902'589;
  session.updated_at = session.created_at;
  must(store_->add_session(session));
  EXPECT_EQ(must(store_->find_session(session.uuid)), session);
}

TEST_P(StoreTest, NamesTheFieldThatAnotherSessionOfTheNodeHolds) {
  const NodeId node = add("jp1");
  StoredSession first = row(node, 1);
  first.ipv4 = "172.20.0.1";
  first.ipv6 = "fd00::1";
  must(store_->add_session(first));
  const auto field_of = [&](auto change) {
    StoredSession second = row(node, 2);
    change(second);
    const auto added = store_->add_session(second);
    return added ? std::string("added") : added.error().field;
  };
  EXPECT_EQ(field_of([](StoredSession& s) { s.asn = 1; }), "asn");
  EXPECT_EQ(field_of([](StoredSession& s) { s.interface_name = "dn42-1"; }), "interface");
  EXPECT_EQ(field_of([&](StoredSession& s) { s.port = first.port; }), "port");
  EXPECT_EQ(field_of([](StoredSession& s) { s.ipv4 = "172.20.0.1"; }), "ipv4");
  EXPECT_EQ(field_of([](StoredSession& s) { s.ipv6 = "fd00::1"; }), "ipv6");
  EXPECT_EQ(must(store_->sessions_of(node)).rows.size(), 1u);
}

TEST_P(StoreTest, LetsSessionsShareWhatIsNothing) {
  const NodeId node = add("jp1");
  for (const model::Asn asn : {1u, 2u}) {
    StoredSession session = row(node, asn);
    session.port = 0;
    session.ipv6 = "fe80::1";
    session.credential = "the same key";
    must(store_->add_session(session));
  }
}

TEST_P(StoreTest, LetsTwoNodesPeerWithTheSameNetwork) {
  must(store_->add_session(row(add("a"), 1)));
  EXPECT_TRUE(store_->add_session(row(add("b"), 1)));
}

TEST_P(StoreTest, RaisesTheCounterOfTheNodeAndTellsAfterTheCommit) {
  const NodeId jp = add("jp1");
  const NodeId hk = add("hk");
  const StoredSession session = must(store_->add_session(row(jp, 1)));
  const auto before = must(store_->sessions_of(jp)).changes;
  const auto other = must(store_->sessions_of(hk)).changes;
  told_.clear();
  ASSERT_TRUE(store_->change_session(set_status(session, model::SessionStatus::queued_for_setup)));
  EXPECT_EQ(must(store_->sessions_of(jp)).changes, before + 1);
  EXPECT_EQ(must(store_->sessions_of(hk)).changes, other);
  const std::vector<std::pair<NodeId, std::int64_t>> told{{jp, before + 1}};
  EXPECT_EQ(told_, told);
}

TEST_P(StoreTest, ChangesNothingForKeepAndForAnEqualRow) {
  const NodeId jp = add("jp1");
  const StoredSession session = must(store_->add_session(row(jp, 1)));
  told_.clear();
  ASSERT_TRUE(store_->change_session({session.uuid, [](const StoredSession&) -> Checked<Verdict> { return Keep{}; }}));
  ASSERT_TRUE(store_->change_session(set_status(session, session.status)));
  EXPECT_EQ(must(store_->find_session(session.uuid)), session);
  EXPECT_TRUE(told_.empty());
}

TEST_P(StoreTest, CountsVersionsOfARow) {
  const StoredSession session = must(store_->add_session(row(add("jp1"), 1)));
  const auto changed = must(store_->change_session(set_status(session, model::SessionStatus::rejected)));
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->version, session.version + 1);
  EXPECT_GT(changed->updated_at, 0);
}

TEST_P(StoreTest, OneRefusedChangeDoesNotStopTheOthers) {
  const NodeId jp = add("jp1");
  const StoredSession one = must(store_->add_session(row(jp, 1)));
  const StoredSession two = must(store_->add_session(row(jp, 2)));
  const auto results = must(store_->change_sessions({
      {one.uuid, [](const StoredSession&) -> Checked<Verdict> { return refuse(Errc::invalid, "no", "status"); }},
      {make_uuid(), [](const StoredSession&) -> Checked<Verdict> { return Drop{}; }},
      {two.uuid, [](const StoredSession&) -> Checked<Verdict> { return Drop{}; }},
  }));
  EXPECT_EQ(results[0].error().field, "status");
  EXPECT_EQ(results[1].error().error.code, Errc::not_found);
  ASSERT_TRUE(results[2]);
  EXPECT_FALSE(results[2]->has_value());
  const auto left = must(store_->sessions_of(jp)).rows;
  ASSERT_EQ(left.size(), 1u);
  EXPECT_EQ(left.front().uuid, one.uuid);
}

TEST_P(StoreTest, AHeartbeatThatTellsNothingNewWakesNobody) {
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

TEST_P(StoreTest, ForgetsTheAddressOfAFamilyThatANodeHasLost) {
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

TEST_P(StoreTest, KeepsTheLatestReportOnly) {
  const NodeId jp = add("jp1");
  must(store_->record_reports(jp, {{"dn42_1", "{}", 1}, {"dn42_2", "{}", 1}}));
  must(store_->record_reports(jp, {{"dn42_2", R"({"state":"up"})", 2}}));
  const auto reports = must(store_->reports_of(jp));
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports.front().json, R"({"state":"up"})");
}

TEST_P(StoreTest, KeepsTheLatestDocumentOfAKind) {
  const NodeId jp = add("jp1");
  EXPECT_EQ(must(store_->document_of(jp, "rtt")), std::nullopt);
  must(store_->record_document(jp, "rtt", "{}", 1));
  must(store_->record_document(jp, "rtt", R"({"a":1})", 2));
  must(store_->record_document(jp, "mesh-status", "[]", 3));
  EXPECT_EQ(must(store_->document_of(jp, "rtt")), (Document{R"({"a":1})", 2}));
}

TEST_P(StoreTest, KeepsSettings) {
  Settings settings;
  settings.asn = 4'242'421'111;
  settings.mesh.preshared_keys = true;
  settings.policy->blocked_asns = {1, 4'294'967'295};
  settings.policy->blocked_prefixes = {IpPrefix::parse("172.20.1.0/24").value(),
                                       IpPrefix::parse("fd00:1::/48").value()};
  must(store_->change_settings([&](const Settings&) -> Checked<Settings> { return settings; }));
  EXPECT_EQ(must(store_->settings()), settings);
  settings.policy.reset();
  must(store_->change_settings([&](const Settings&) -> Checked<Settings> { return settings; }));
  EXPECT_EQ(must(store_->settings()), settings);
}

TEST_P(StoreTest, MakesTheNetworksSecretOnce) {
  std::vector<Secret> secrets(8);
  {
    std::vector<std::jthread> askers;
    for (Secret& secret : secrets) askers.emplace_back([&] { secret = must(store_->network_secret()); });
  }
  for (const Secret& secret : secrets) EXPECT_TRUE(secret == secrets.front());
  EXPECT_GE(secrets.front().reveal().size(), 43u);
  EXPECT_TRUE(must(GetParam().open(folder_)->network_secret()) == secrets.front()) << "after a restart";
}

TEST_P(StoreTest, LosesNoneOfTwoEditsAtATime) {
  add("jp1");
  store_->set_change_listener({});  // the fixture's is for one thread
  constexpr int kRounds = 200;
  const auto edit = [&](auto change_node, auto change_settings) {
    for (int i = 1; i <= kRounds; ++i) {
      must(store_->change_node("jp1", [&](Node node) -> Checked<Node> {
        change_node(node);
        return node;
      }));
      must(store_->change_settings([&](Settings settings) -> Checked<Settings> {
        change_settings(settings);
        return settings;
      }));
    }
  };
  {
    std::jthread one([&] {
      edit([](Node& node) { node.region_code++; }, [](Settings& settings) { settings.policy->ebgp_import_limit++; });
    });
    edit([](Node& node) { node.location += "x"; }, [](Settings& settings) { settings.policy->ebgp_import_limit++; });
  }
  EXPECT_EQ(must(store_->find_node("jp1")).region_code, 101 + kRounds);
  EXPECT_EQ(must(store_->find_node("jp1")).location.size(), std::string_view("jp1").size() + kRounds);
  EXPECT_EQ(must(store_->settings()).policy->ebgp_import_limit, PolicySettings{}.ebgp_import_limit + 2 * kRounds);
}

TEST_P(StoreTest, KeepsANodeThatTheEditRefused) {
  add("jp1");
  told_.clear();
  const auto refused =
      store_->change_node("jp1", [](const Node&) -> Checked<Node> { return refuse(Errc::invalid, "no", "region"); });
  EXPECT_EQ(refused.error().field, "region");
  EXPECT_EQ(store_->change_node("none", [](const Node& node) -> Checked<Node> { return node; }).error().error.code,
            Errc::not_found);
  EXPECT_TRUE(told_.empty());
}

std::unique_ptr<Store> open_sqlite(const TemporaryFolder& folder) {
  return must(SqlStore::open_sqlite(folder.path() / "moenet.db", [] { return UnixMs{1000}; }));
}

INSTANTIATE_TEST_SUITE_P(All, StoreTest, ::testing::Values(StoreKind{"sqlite", open_sqlite}),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(SqliteFile, IsForItsOwnerOnly) {
  const TemporaryFolder folder;
  const auto store = open_sqlite(folder);
  must(store->add_node(node_of(0, "jp1", 101, false, "1G"), "hash"));
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    struct stat status{};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << entry.path();
  }
}

TEST(SqliteFile, IsReadAgainAfterItsWriterIsGone) {
  const TemporaryFolder folder;
  must(open_sqlite(folder)->add_node(node_of(0, "jp1", 101, false, "1G"), "hash"));
  EXPECT_EQ(must(open_sqlite(folder)->nodes()).size(), 1u);
}

// As another program, or another version, may write it.
void write_behind(const TemporaryFolder& folder, const std::string& statement) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((folder.path() / "moenet.db").c_str(), &database), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(database, statement.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
}

TEST(SqliteFile, WithSettingsOfAnotherVersionGivesWhatItCanReadAndSaysSoOnce) {
  const TemporaryFolder folder;
  const auto store = open_sqlite(folder);
  write_behind(folder, R"(INSERT INTO settings VALUES (1, '{"asn":4242421111,"ipv4Prefix":"nonsense","colour":"red",
      "policy":{"asPathMaxLen":0,"ebgpImportLimit":7,"rpkiServers":[{"name":"x"}]},"agent":{"bird":{"poolSize":9,
      "poolSizeMax":4}}}'))");
  Settings expected;
  expected.asn = 4'242'421'111;
  expected.policy->ebgp_import_limit = 7;
  expected.agent.bird_pool_size = expected.agent.bird_pool_size_max = 4;
  ::testing::internal::CaptureStderr();
  for (int i = 0; i < 2; ++i) EXPECT_EQ(must(store->settings()), expected);
  const std::string told = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("ipv4Prefix: "), std::string::npos) << told;
  EXPECT_NE(told.find("colour: "), std::string::npos) << told;
  EXPECT_EQ(std::ranges::count(told, '\n'), 1) << told;
}

TEST(SqliteFile, WithAnUnknownStatusHasTheNodeLeaveTheSessionAlone) {
  const TemporaryFolder folder;
  const auto store = open_sqlite(folder);
  StoredSession session;
  session.uuid = make_uuid();
  session.node = must(store->add_node(node_of(0, "jp1", 101, false, "1G"), "hash")).id;
  session.asn = 1;
  must(store->add_session(session));
  write_behind(folder, "UPDATE session SET status = 99");
  const auto status = must(store->find_session(session.uuid)).status;
  EXPECT_EQ(model::intent_of(static_cast<int>(status)), model::Intent::untouched) << model::name_of(status);
}

TEST(SqliteFile, OfAnOlderProgramIsBroughtUpToDate) {
  const TemporaryFolder folder;
  must(open_sqlite(folder)->add_node(node_of(0, "jp1", 101, false, "1G"), "hash"));
  write_behind(folder,
               "DELETE FROM schema_step WHERE number > 2; ALTER TABLE node DROP COLUMN loopback_ipv4; "
               "ALTER TABLE node DROP COLUMN loopback_ipv6; DROP TABLE retired_node; DROP TABLE network_secret");
  const auto store = open_sqlite(folder);
  EXPECT_EQ(must(store->find_node("jp1")).loopback_ipv4, "");
  EXPECT_EQ(store->node_of_token("hash"), 1);
  must(store->delete_node("jp1", false));
}

TEST(SqliteFile, IsNotAskedForATokenAgain) {
  const TemporaryFolder folder;
  must(open_sqlite(folder)->add_node(node_of(0, "jp1", 101, false, "1G"), "hash"));
  const auto store = open_sqlite(folder);
  write_behind(folder, "DELETE FROM node_token");
  EXPECT_EQ(store->node_of_token("hash"), 1);
  EXPECT_EQ(store->node_of_token("guess"), std::nullopt);
}

TEST(SqliteFile, OfANewerProgramIsRefused) {
  const TemporaryFolder folder;
  open_sqlite(folder);
  write_behind(folder, "INSERT INTO schema_step VALUES (999, 0)");
  const auto opened = SqlStore::open_sqlite(folder.path() / "moenet.db", [] { return UnixMs{0}; });
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::invalid);
}

TEST(SqliteFile, ThatIsNoDatabaseIsAnErrorNotACrash) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "moenet.db") << std::string(4096, 'x');
  EXPECT_FALSE(SqlStore::open_sqlite(folder.path() / "moenet.db", [] { return UnixMs{0}; }));
}

// Writes rows and tells each through a pipe once it was committed, until it is killed.
[[noreturn]] void write_until_killed(const TemporaryFolder& folder, int pipe) {
  const auto store = open_sqlite(folder);
  const NodeId node = must(store->add_node(node_of(0, "jp1", 101, false, "1G"), "hash")).id;
  for (model::Asn asn = 1;; ++asn) {
    StoredSession session;
    session.uuid = make_uuid();
    session.node = node;
    session.asn = asn;
    session.interface_name = "dn42-" + std::to_string(asn);
    must(store->add_session(session));
    if (::write(pipe, session.uuid.data(), 36) != 36) ::_exit(1);
  }
}

TEST(SqliteFile, LosesNothingThatWasCommittedWhenItsWriterIsKilled) {
  const TemporaryFolder folder;
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t writer = ::fork();
  if (writer == 0) write_until_killed(folder, pipe[1]);
  ::close(pipe[1]);
  std::set<std::string> told;
  char uuid[36];
  while (told.size() < 50 && ::read(pipe[0], uuid, sizeof uuid) == sizeof uuid) told.emplace(uuid, sizeof uuid);
  ::kill(writer, SIGKILL);
  while (::read(pipe[0], uuid, sizeof uuid) == sizeof uuid) told.emplace(uuid, sizeof uuid);
  ::waitpid(writer, nullptr, 0);
  ::close(pipe[0]);
  ASSERT_GE(told.size(), 50u);

  const auto store = open_sqlite(folder);
  for (const StoredSession& row : must(store->sessions())) told.erase(row.uuid);
  EXPECT_TRUE(told.empty()) << told.size() << " rows were told as written and are lost";
  EXPECT_TRUE(store->add_node(node_of(0, "after", 101, false, "1G"), "other"));
}

}  // namespace
}  // namespace moenet::controlplane
