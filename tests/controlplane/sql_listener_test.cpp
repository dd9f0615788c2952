// Several control planes on one PostgreSQL, each as a store of its own; and a PostgreSQL that goes away or stands
// still.
#include "controlplane/sql_listener.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "controlplane/store_fixture.h"

namespace moenet::controlplane {
namespace {

using support::PostgreSql;
using testing::must;
using testing::node_of;
using testing::PostgreSqlTestDatabase;

TEST(ChangeMessage, IsReadAsItWasWritten) {
  const auto message = read_change_message(write_change_message({"me", true, false, {{1, 20}, {999, 3}}}));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->instance, "me");
  EXPECT_TRUE(message->tokens);
  EXPECT_FALSE(message->all);
  EXPECT_EQ(message->changes, (std::vector<std::pair<NodeId, std::int64_t>>{{1, 20}, {999, 3}}));
  EXPECT_TRUE(read_change_message(write_change_message({"me", true, false, {}}))->changes.empty());
}

TEST(ChangeMessage, OfMoreThanNotifyTakesSaysAll) {
  ChangeMessage message{"me", false, false, {}};
  for (NodeId node = 1; node <= kMaxNodeId; ++node) message.changes.emplace_back(node, 1'000'000);
  const std::string text = write_change_message(message);
  EXPECT_LT(text.size(), 8'000u);
  EXPECT_TRUE(read_change_message(text)->all);
}

TEST(ChangeMessage, OfSomebodyElseIsNone) {
  for (const char* text :
       {"", "hello", "me", "me x all", "me - 1", "me - 1:", "me - :1", "me - 1:2,,3:4", "me - 1:2x"}) {
    EXPECT_FALSE(read_change_message(text)) << text;
  }
}

// What a store's listener was told, to be waited for.
class Told {
 public:
  explicit Told(Store& store) : store_(store) {
    store.set_change_listener([this](NodeId node, std::int64_t changes) {
      const std::lock_guard lock(mutex_);
      counters_[node] = std::max(counters_[node], changes);
      ++calls_;
      changed_.notify_all();
    });
  }
  ~Told() { store_.set_change_listener({}); }

  // False when it does not come within half a minute, which no sound run needs.
  bool comes_to(NodeId node, std::int64_t changes) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return counters_[node] >= changes; });
  }
  int calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  Store& store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<NodeId, std::int64_t> counters_;
  int calls_ = 0;
};

bool comes_true(const std::function<bool()>& condition) {
  for (const auto deadline = Deadline::after(std::chrono::seconds(30)); !deadline.passed();) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

constexpr SqlOptions kOnlyNotified{.recheck = std::chrono::hours(1), .longest_call = std::chrono::seconds(20)};
constexpr SqlOptions kOftenChecked{.recheck = std::chrono::milliseconds(50), .longest_call = std::chrono::seconds(20)};

Node jp1() { return node_of(0, "jp1", 101, false, "1G"); }

TEST(TwoControlPlanes, HearOfEachOthersCommits) {
  const PostgreSqlTestDatabase database;
  const auto one = database.open(kOnlyNotified);
  const auto two = database.open(kOnlyNotified);
  Told told_one(*one);
  Told told_two(*two);
  const NodeId node = must(one->add_node(testing::kTester, jp1(), "first")).id;
  EXPECT_TRUE(told_two.comes_to(node, 2));
  const auto changed = must(two->change_node(testing::kTester, "jp1", [](Node wanted) -> Checked<Node> {
    wanted.location = "Osaka";
    return wanted;
  }));
  EXPECT_TRUE(told_one.comes_to(node, changed.changes));
  EXPECT_EQ(must(one->find_node("jp1")).location, "Osaka");
  EXPECT_EQ(told_one.calls(), 2) << "its own commit is told once, by itself";
}

TEST(TwoControlPlanes, EndATokenOfBoth) {
  const PostgreSqlTestDatabase database;
  const auto one = database.open(kOnlyNotified);
  const auto two = database.open(kOnlyNotified);
  const NodeId node = must(one->add_node(testing::kTester, jp1(), "first")).id;
  EXPECT_TRUE(comes_true([&] { return two->node_of_token("first") == node; }));
  must(one->replace_node_token(testing::kTester, node, "second", 0));
  EXPECT_TRUE(comes_true([&] { return two->node_of_token("first") == std::nullopt; }));
  EXPECT_EQ(two->node_of_token("second"), node);
  must(two->delete_node(testing::kTester, "jp1"));
  EXPECT_TRUE(comes_true([&] { return one->node_of_token("second") == std::nullopt; }));
}

TEST(TwoControlPlanes, HearOfWhatNobodyNotifiedOf) {
  const PostgreSqlTestDatabase database;
  const auto store = database.open(kOftenChecked);
  Told told(*store);
  const NodeId node = must(store->add_node(testing::kTester, jp1(), "token")).id;
  database.execute("UPDATE node SET changes = 50; DELETE FROM node_token");
  EXPECT_TRUE(told.comes_to(node, 50));
  EXPECT_TRUE(comes_true([&] { return store->node_of_token("token") == std::nullopt; }));
}

TEST(TwoControlPlanes, LetATokenInThatNobodyNotifiedOf) {
  const PostgreSqlTestDatabase database;
  const auto store = database.open(kOnlyNotified);
  const NodeId node = must(store->add_node(testing::kTester, jp1(), "token")).id;
  database.execute("UPDATE node_token SET hash = 'made elsewhere'");
  EXPECT_TRUE(comes_true([&] { return store->node_of_token("made elsewhere") == node; }));
}

TEST(TwoControlPlanes, LoseNoEditAndNoCounter) {
  const PostgreSqlTestDatabase database;
  const auto one = database.open(kOnlyNotified);
  const auto two = database.open(kOnlyNotified);
  const Node node = must(one->add_node(testing::kTester, jp1(), "token"));
  constexpr int kThreads = 3;
  constexpr int kRounds = 50;
  const auto edit = [&](SqlStore& store) {
    for (int i = 0; i < kRounds; ++i) {
      must(store.change_settings(testing::kTester, [](Settings settings) -> Checked<Settings> {
        settings.policy->ebgp_import_limit++;
        return settings;
      }));
      must(store.record_heartbeat(node.id, {"v1", "{}", std::nullopt, std::nullopt, std::nullopt, i}));
      must(store.record_reports(node.id, {{"dn42_1", "{}", i}}, Store::Reports::replace));
    }
  };
  Told told_one(*one);
  Told told_two(*two);
  {
    std::vector<std::jthread> editors;
    for (int i = 0; i < kThreads; ++i) {
      editors.emplace_back([&] { edit(*one); });
      editors.emplace_back([&] { edit(*two); });
    }
  }
  constexpr int kEdits = 2 * kThreads * kRounds;
  EXPECT_EQ(must(one->settings()).policy->ebgp_import_limit, PolicySettings{}.ebgp_import_limit + kEdits);
  EXPECT_EQ(must(one->versioned_settings()).version, kEdits);
  const std::int64_t last = must(two->find_node("jp1")).changes;
  EXPECT_EQ(last, node.changes + kEdits);
  EXPECT_TRUE(told_one.comes_to(node.id, last));
  EXPECT_TRUE(told_two.comes_to(node.id, last));
}

TEST(TwoControlPlanes, DoNotWaitForEachOtherForEver) {
  const PostgreSqlTestDatabase database;
  const auto one = database.open(kOnlyNotified);
  const auto two = database.open(kOnlyNotified);
  const auto raise = [](Settings settings) -> Checked<Settings> {
    settings.policy->ebgp_import_limit++;
    return settings;
  };
  const auto slow = one->change_settings(testing::kTester, [&](const Settings& settings) -> Checked<Settings> {
    const auto waited = two->change_settings(testing::kTester, raise);
    EXPECT_FALSE(waited);
    EXPECT_EQ(waited.has_value() ? Errc::internal : waited.error().error.code, Errc::unavailable);
    EXPECT_EQ(must(two->versioned_settings()).version, 0) << "reads wait for nobody";
    return raise(settings);
  });
  EXPECT_EQ(must(slow).version, 1);
  EXPECT_EQ(must(two->change_settings(testing::kTester, raise)).version, 2)
      << "the connection that waited in vain is as good as new";
}

TEST(PostgreSqlThatRestarts, IsUsedAgainByItself) {
  PostgreSql server(PostgreSql::Disk::real);
  const PostgreSqlTestDatabase database(server);
  const auto store = database.open(kOnlyNotified);
  const auto other = database.open(kOnlyNotified);
  Told told(*store);
  const NodeId node = must(store->add_node(testing::kTester, jp1(), "first")).id;
  server.restart_at_once();
  EXPECT_EQ(must(store->find_node("jp1")).id, node) << "the next call works";
  must(other->replace_node_token(testing::kTester, node, "second", 0));
  EXPECT_TRUE(comes_true([&] { return store->node_of_token("first") == std::nullopt; })) << "and the listener's too";

  server.stop_at_once();
  const auto away = store->find_node("jp1");
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code, Errc::unavailable);
  EXPECT_EQ(store->node_of_token("second"), node) << "what is known stays known";
  server.start();
  const Node changed = must(other->change_node(testing::kTester, "jp1", [](Node wanted) -> Checked<Node> {
    wanted.location = "Osaka";
    return wanted;
  }));
  EXPECT_TRUE(told.comes_to(node, changed.changes)) << "also what was said while nobody listened";
}

TEST(PostgreSqlThatStandsStill, EndsACallWithAnError) {
  PostgreSql server(PostgreSql::Disk::skipped);
  const PostgreSqlTestDatabase database(server);
  const auto store = database.open({.recheck = std::chrono::hours(1), .longest_call = std::chrono::milliseconds(300)});
  must(store->add_node(testing::kTester, jp1(), "token"));
  server.freeze();
  const auto read = store->find_node("jp1");
  const auto write = store->replace_node_token(testing::kTester, 1, "other", 0);
  server.thaw();
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Errc::unavailable);
  ASSERT_FALSE(write);
  EXPECT_EQ(write.error().code, Errc::unavailable);
  EXPECT_TRUE(comes_true([&] { return store->find_node("jp1").has_value(); }));
}

TEST(PostgreSqlServer, MustHoldUtf8) {
  support::shared_postgresql().execute(
      "postgres", "CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'");
  const auto opened =
      SqlStore::open(must(parse_database_name(support::shared_postgresql().uri("latin"))), [] { return UnixMs{0}; });
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().what.find("UTF8"), std::string::npos) << opened.error().what;
}

TEST(PostgreSqlServer, ThatIsAwayIsUnavailable) {
  const auto opened = SqlStore::open(must(parse_database_name("postgresql:///x?host=/nonexistent&password=secret")),
                                     [] { return UnixMs{0}; });
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::unavailable);
  EXPECT_EQ(opened.error().what.find("secret"), std::string::npos) << opened.error().what;
}

}  // namespace
}  // namespace moenet::controlplane
