// Backup, restore, and the move from one database to another: everything arrives, or nothing does.
#include "controlplane/sql_copy.h"

#include <fstream>
#include <sys/stat.h>
#include <thread>

#include <gtest/gtest.h>

#include "controlplane/database_commands.h"
#include "controlplane/sql_migrations.h"
#include "controlplane/store_fixture.h"

namespace moenet::controlplane {
namespace {

using testing::must;
using testing::node_of;
using testing::SqliteTestDatabase;
using testing::TestDatabase;

constexpr const char* kUuid = "0b7c34d1-9d3c-4c4e-9a52-5f0a4a6f3a77";

// Two hours of a session that is new, so that there are samples, events and deliveries.
void fill_series(SqlStore& store) {
  StoredSession row = must(store.sessions({})).front();
  row.uuid = kUuid;
  row.asn = 77;
  row.interface_name = "dn42-77";
  row.port = 0;
  row.ipv4 = row.ipv6 = "";
  must(store.add_session(testing::kTester, row));
  for (UnixSeconds at = 1'000'200; at < 1'007'400; at += 60) {
    Reading reading;
    reading.at = at;
    reading.rtt_us = 20'000;
    must(store.record_reports(row.node, {{"dn42_77", "{}", at * 1'000, row.uuid, reading}}, Store::Reports::add));
  }
}

void fill(SqlStore& store) {
  testing::add_sample_nodes(store);
  testing::add_sample_sessions(store);
  must(store.record_heartbeat(2, {"v1", R"({"a":"'\" ü ,:x"})", "key", "192.0.2.1", std::nullopt, 5}));
  must(store.record_reports(2, {{"dn42_1", "{}", 1}, {"dn42_2", R"({"state":"up"})", 2}}, Store::Reports::replace));
  std::vector<SessionReport> many;
  for (int i = 0; i < 1'100; ++i) many.push_back({"dn42_" + std::to_string(i), "{}", i});
  must(store.record_reports(27, many, Store::Reports::replace));
  must(store.record_document(2, "rtt", R"({"a":1})", 3));
  must(store.change_node(testing::kTester, "jp1", [](Node node) -> Checked<Node> {
    node.max_sessions = 7;
    node.is_closed = true;
    node.min_bandwidth_mbit = 100;
    node.peering_note = "ask first";
    return node;
  }));
  must(store.put_bootstrap(testing::kTester, "line", {27, "https://cp", 100}));
  must(store.replace_node_token(testing::kTester, 27, "new-token-of-de1", 9'000));
  const User user = must(store.sign_in(testing::kTester, 4'242'420'101, {"cookie", "", "", "", 9'000}, 1'000));
  must(store.add_api_token(testing::kTester, {"", user.uuid, "", "ci", Role::user, 0, 0, 0}, "api-token"));
  must(store.put_challenge({"challenge", 7, "sign this", 9'000}, 1'000));
  must(store.change_settings(testing::kTester, [](Settings settings) -> Checked<Settings> {
    settings.asn = 4'242'421'111;
    settings.webhooks = {{"hook", "https://hook.example.net/", Secret("a secret of sixteen"), {}}};
    return settings;
  }));
  fill_series(store);
  must(store.network_secret());
  must(store.add_node(testing::kTester, node_of(9, "gone", 101, false, "1G"), "token-of-gone"));
  must(store.delete_node(testing::kTester, "gone"));
}

void expect_equal(SqlStore& copy, SqlStore& original) {
  EXPECT_EQ(must(copy.sessions({})), must(original.sessions({})));
  EXPECT_GT(must(copy.sessions({})).size(), 10u);
  const auto nodes = must(copy.nodes());
  const auto expected = must(original.nodes());
  ASSERT_EQ(nodes.size(), expected.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    EXPECT_EQ(nodes[i].uuid + nodes[i].name + nodes[i].status_json,
              expected[i].uuid + expected[i].name + expected[i].status_json);
    EXPECT_EQ(nodes[i].version, expected[i].version);
    EXPECT_EQ(std::tie(nodes[i].max_sessions, nodes[i].is_closed, nodes[i].peering_note, nodes[i].min_bandwidth_mbit),
              std::tie(expected[i].max_sessions, expected[i].is_closed, expected[i].peering_note,
                       expected[i].min_bandwidth_mbit));
    EXPECT_GE(nodes[i].changes, expected[i].changes);
  }
  EXPECT_EQ(must(copy.settings()), must(original.settings()));
  EXPECT_EQ(must(copy.versioned_settings()).version, must(original.versioned_settings()).version);
  EXPECT_TRUE(must(copy.network_secret()) == must(original.network_secret()));
  EXPECT_EQ(must(copy.reports_of(2)).size(), 2u);
  EXPECT_EQ(must(copy.reports_of(27)).size(), 1'100u) << "more than are read at a time";
  EXPECT_EQ(must(copy.document_of(2, "rtt")), must(original.document_of(2, "rtt")));
  EXPECT_EQ(copy.node_of_token(hash_of_token("token-of-jp1")), 2);
  EXPECT_EQ(must(copy.find_bootstrap("line", 50)).node_name, "de1");
  EXPECT_EQ(copy.node_of_token("new-token-of-de1"), 27);
  EXPECT_EQ(copy.node_of_token(hash_of_token("token-of-de1")), 27) << "for a while";
  EXPECT_EQ(must(copy.users()), must(original.users()));
  EXPECT_EQ(must(copy.holder_of_web_session("cookie", 1'000)).user_name, "AS4242420101");
  EXPECT_EQ(must(copy.api_tokens()), must(original.api_tokens()));
  EXPECT_EQ(must(copy.audit({})).size(), must(original.audit({})).size());
  EXPECT_EQ(must(copy.slots_of_session(kUuid, Span::day)), must(original.slots_of_session(kUuid, Span::day)));
  EXPECT_EQ(must(copy.events_of(kUuid)), must(original.events_of(kUuid)));
  EXPECT_EQ(must(copy.waiting_deliveries()), 1);
}

class Copies : public ::testing::TestWithParam<std::tuple<testing::DatabaseKind, testing::DatabaseKind>> {
 protected:
  std::unique_ptr<TestDatabase> from_ = std::get<0>(GetParam()).make();
  std::unique_ptr<TestDatabase> to_ = std::get<1>(GetParam()).make();
};
INSTANTIATE_TEST_SUITE_P(All, Copies,
                         ::testing::Combine(::testing::ValuesIn(testing::database_kinds()),
                                            ::testing::ValuesIn(testing::database_kinds())),
                         [](const auto& tested) {
                           return std::string(std::get<0>(tested.param).name) + "_to_" + std::get<1>(tested.param).name;
                         });

TEST_P(Copies, HaveEverything) {
  const auto original = from_->open();
  fill(*original);
  const auto copied = must(copy_database(from_->name(), to_->name(), Existing::refuse, 7));
  ASSERT_EQ(copied.size(), 19u);
  EXPECT_EQ(copied.front().name, "node");
  EXPECT_EQ(copied.front().rows, 3);
  for (const CopiedTable& table : copied) EXPECT_GT(table.rows, 0) << table.name;
  const auto copy = to_->open();
  expect_equal(*copy, *original);
  EXPECT_EQ(must(copy->add_node(testing::kTester, node_of(9, "new", 101, false, "1G"), "x")).changes,
            must(original->add_node(testing::kTester, node_of(9, "new", 101, false, "1G"), "x")).changes)
      << "ids that were given up go on";
}

TEST_P(Copies, GoNowhereWhereSomethingIs) {
  fill(*from_->open());
  must(to_->open()->add_node(testing::kTester, node_of(0, "mine", 101, false, "1G"), "x"));
  const auto refused = copy_database(from_->name(), to_->name(), Existing::refuse, 7);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_EQ(must(to_->open()->nodes()).size(), 1u);
}

TEST_P(Copies, ThatReplaceLeaveNothingAndLowerNoCounter) {
  const auto original = from_->open();
  fill(*original);
  {
    const auto before = to_->open();
    must(before->add_node(testing::kTester, node_of(2, "mine", 101, false, "1G"), "mine"));
    must(before->add_node(testing::kTester, node_of(30, "other", 101, false, "1G"), "other"));
  }
  to_->execute("UPDATE node SET changes = 1000 + id");
  must(copy_database(from_->name(), to_->name(), Existing::replace, 7));
  const auto copy = to_->open();
  expect_equal(*copy, *original);
  EXPECT_EQ(copy->node_of_token("mine"), std::nullopt);
  EXPECT_EQ(must(copy->find_node("jp1")).changes, 1003) << "whoever waits for node 2 waits for more than 1002";
  EXPECT_GT(must(copy->add_node(testing::kTester, node_of(30, "next", 101, false, "1G"), "x")).changes, 1030);
}

TEST_P(Copies, LeaveNoTableOut) {
  fill(*from_->open());
  from_->execute("CREATE TABLE forgotten (id BIGINT)");
  const auto refused = copy_database(from_->name(), to_->name(), Existing::refuse, 7);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("forgotten"), std::string::npos) << refused.error().what;
  EXPECT_TRUE(must(to_->open()->nodes()).empty());
}

TEST_P(Copies, AreOfOneMomentWhileOthersWrite) {
  const auto original = from_->open();
  must(original->add_node(testing::kTester, node_of(0, "jp1", 101, false, "1G"), "x"));
  {
    std::jthread writer([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        must(original->change_settings(testing::kTester, [](Settings settings) -> Checked<Settings> {
          settings.policy->ebgp_import_limit++;
          return settings;
        }));
      }
    });
    while (must(original->versioned_settings()).version < 5) std::this_thread::yield();
    must(copy_database(from_->name(), to_->name(), Existing::refuse, 7));
  }
  const auto copy = to_->open();
  EXPECT_GE(must(copy->versioned_settings()).version, 5);
  EXPECT_EQ(must(copy->versioned_settings()).version, must(copy->find_node("jp1")).changes - 2)
      << "each edit raises both in one transaction";
}

TEST(Restore, WaitsForNobodyWhoHasTheFileOpen) {
  const SqliteTestDatabase from;
  const SqliteTestDatabase to;
  fill(*from.open());
  const auto running = to.open();
  const auto refused = copy_database(from.name(), to.name(), Existing::replace, 7);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_NE(refused.error().what.find("stop the control plane"), std::string::npos) << refused.error().what;
}

class DatabaseCommands : public ::testing::TestWithParam<testing::DatabaseKind> {
 protected:
  int run(DatabaseCommand::Kind kind, bool replace = false) {
    DatabaseCommand command;
    command.kind = kind;
    (database_->name().is_file() ? command.database.db : command.database.db_file) = argument();
    command.file = file_;
    command.replace = replace;
    ::testing::internal::CaptureStderr();
    ::testing::internal::CaptureStdout();
    const int status = run_database_command(CommandLine(), command);
    told_ = ::testing::internal::GetCapturedStdout() + ::testing::internal::GetCapturedStderr();
    return status;
  }
  std::string argument() const {
    const DatabaseName name = database_->name();
    if (name.is_file()) return name.file.string();
    const std::string file = folder_ / "uri";
    std::ofstream(file) << name.uri.reveal() << "\n";
    ::chmod(file.c_str(), 0600);
    return file;
  }

  std::unique_ptr<TestDatabase> database_ = GetParam().make();
  support::TemporaryFolder folder_;
  std::string file_ = folder_ / "backup";
  std::string told_;
};
INSTANTIATE_TEST_SUITE_P(All, DatabaseCommands, ::testing::ValuesIn(testing::database_kinds()), testing::name_of_kind);

TEST_P(DatabaseCommands, BringBackWhatWasThere) {
  {
    const auto store = database_->open();
    fill(*store);
    EXPECT_EQ(run(DatabaseCommand::Kind::backup), 0) << told_ << "while it runs";
  }
  struct stat status{};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
    EXPECT_TRUE(entry.path() == file_ || entry.path().filename() == "uri") << entry.path();
  }
  EXPECT_EQ(run(DatabaseCommand::Kind::backup), 1) << "no backup is written over another";

  must(database_->open()->delete_node(testing::kTester, "jp1"));
  EXPECT_EQ(run(DatabaseCommand::Kind::restore), 1);
  EXPECT_NE(told_.find("--replace"), std::string::npos) << told_;
  EXPECT_EQ(must(database_->open()->nodes()).size(), 2u);
  EXPECT_EQ(run(DatabaseCommand::Kind::restore, true), 0) << told_;
  const auto original = must(SqlStore::open_sqlite(file_, [] { return UnixMs{1}; }));
  expect_equal(*database_->open(), *original);
}

TEST_P(DatabaseCommands, RestoreWhatAnOlderProgramLeft) {
  const SqliteTestDatabase older;
  must(migrate_database(older.name(), 1, 2));
  older.execute("INSERT INTO settings (id, body) VALUES (1, '{\"asn\":4242421111}')");
  std::filesystem::copy_file(older.name().file, file_);
  EXPECT_EQ(run(DatabaseCommand::Kind::restore), 0) << told_;
  EXPECT_EQ(must(database_->open()->settings()).asn, 4'242'421'111u);
}

TEST_P(DatabaseCommands, RefuseAFileThatIsNoBackup) {
  must(database_->open()->add_node(testing::kTester, node_of(0, "jp1", 101, false, "1G"), "x"));
  EXPECT_EQ(run(DatabaseCommand::Kind::restore, true), 1);
  EXPECT_NE(told_.find("no such file"), std::string::npos) << told_;
  for (const std::size_t size : {0u, 100u, 4096u}) {
    std::ofstream(file_) << std::string(size, 'x');
    EXPECT_EQ(run(DatabaseCommand::Kind::restore, true), 1) << size << told_;
  }
  std::filesystem::remove(file_);
  EXPECT_EQ(run(DatabaseCommand::Kind::backup), 0) << told_;
  std::fstream(file_, std::ios::in | std::ios::out).seekp(4'096) << std::string(3'000, 'x');
  EXPECT_EQ(run(DatabaseCommand::Kind::restore, true), 1) << "a damaged one";
  EXPECT_EQ(must(database_->open()->nodes()).size(), 1u);
}

}  // namespace
}  // namespace moenet::controlplane
