// Databases as a whole: who may read them, what a crash and other versions of the program do to them. The Store's
// contract is tested in sql_nodes_test.cpp, sql_sessions_test.cpp, sql_tokens_test.cpp and sql_documents_test.cpp;
// several processes on one database in sql_listener_test.cpp.
#include "controlplane/sql_store.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "controlplane/store_fixture.h"
#include "model/lifecycle.h"

namespace moenet::controlplane {
namespace {

using testing::must;
using testing::node_of;
using testing::SqliteTestDatabase;
using testing::TestDatabase;

class Databases : public ::testing::TestWithParam<testing::DatabaseKind> {
 protected:
  std::unique_ptr<TestDatabase> database_ = GetParam().make();
};
INSTANTIATE_TEST_SUITE_P(All, Databases, ::testing::ValuesIn(testing::database_kinds()), testing::name_of_kind);

TEST_P(Databases, AreReadAgainAfterTheirWriterIsGone) {
  must(database_->open()->add_node(testing::kTester, node_of(0, "jp1", 101, false, "1G"), "hash"));
  EXPECT_EQ(must(database_->open()->nodes()).size(), 1u);
}

TEST_P(Databases, WithSettingsOfAnotherVersionGiveWhatTheyCanAndSaySoOnce) {
  const auto store = database_->open();
  database_->execute(R"(INSERT INTO settings (id, body) VALUES (1, '{"asn":4242421111,"ipv4Prefix":"nonsense",
      "colour":"red","policy":{"asPathMaxLen":0,"ebgpImportLimit":7,"rpkiServers":[{"name":"x"}]},
      "agent":{"bird":{"poolSize":9,"poolSizeMax":4}}}'))");
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

TEST_P(Databases, WithAnUnknownStatusHaveTheNodeLeaveTheSessionAlone) {
  const auto store = database_->open();
  StoredSession session;
  session.uuid = make_uuid();
  session.node = must(store->add_node(testing::kTester, node_of(0, "jp1", 101, false, "1G"), "hash")).id;
  session.asn = 1;
  must(store->add_session(testing::kTester, session));
  database_->execute("UPDATE session SET status = 99");
  const auto status = must(store->find_session(session.uuid)).status;
  EXPECT_EQ(model::intent_of(static_cast<int>(status)), model::Intent::untouched) << model::name_of(status);
}

TEST_P(Databases, OfANewerProgramAreRefused) {
  database_->open();
  database_->execute("INSERT INTO schema_step VALUES (999, 0)");
  const auto opened = SqlStore::open(database_->name(), [] { return UnixMs{0}; });
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::invalid);
}

TEST_P(Databases, TellNoValueInAnError) {
  const auto store = database_->open();
  StoredSession session;
  session.uuid = make_uuid();
  session.node = 7;  // there is none
  session.asn = 1;
  session.credential = "the-preshared-key";
  const auto added = store->add_session(testing::kTester, session);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().error.what.find(session.credential), std::string::npos) << added.error().error.what;
  EXPECT_EQ(added.error().error.what.find(session.uuid), std::string::npos) << added.error().error.what;
}

TEST_P(Databases, HaveNothingOfANameThatNoTextCanBe) {
  const auto store = database_->open();
  for (const std::string& name : {std::string("\xff\xfe"), std::string("a\0b", 3), std::string("\xc0\x80")}) {
    EXPECT_EQ(store->find_node(name).error().code, Errc::not_found);
    EXPECT_EQ(store->find_session(name).error().code, Errc::not_found);
  }
}

TEST(SqliteFile, IsForItsOwnerOnly) {
  const SqliteTestDatabase database;
  const auto store = database.open();
  must(store->add_node(testing::kTester, node_of(0, "jp1", 101, false, "1G"), "hash"));
  for (const auto& entry : std::filesystem::directory_iterator(database.folder())) {
    struct stat status{};
    ASSERT_EQ(::stat(entry.path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << entry.path();
  }
}

TEST(SqliteFile, IsNotAskedForATokenAgain) {
  const SqliteTestDatabase database;
  must(database.open()->add_node(testing::kTester, node_of(0, "jp1", 101, false, "1G"), "hash"));
  const auto store = database.open();
  database.execute("DELETE FROM node_token");
  EXPECT_EQ(store->node_of_token("hash"), 1);
  EXPECT_EQ(store->node_of_token("guess"), std::nullopt);
}

TEST(SqliteFile, ThatIsNoDatabaseIsAnErrorNotACrash) {
  const SqliteTestDatabase database;
  std::ofstream(database.name().file) << std::string(4096, 'x');
  EXPECT_FALSE(SqlStore::open(database.name(), [] { return UnixMs{0}; }));
}

// Writes rows and tells each through a pipe once it was committed, until it is killed.
[[noreturn]] void write_until_killed(const TestDatabase& database, int pipe) {
  const auto store = database.open();
  const NodeId node = must(store->add_node(testing::kTester, node_of(0, "jp1", 101, false, "1G"), "hash")).id;
  for (model::Asn asn = 1;; ++asn) {
    StoredSession session;
    session.uuid = make_uuid();
    session.node = node;
    session.asn = asn;
    session.interface_name = "dn42-" + std::to_string(asn);
    must(store->add_session(testing::kTester, session));
    if (::write(pipe, session.uuid.data(), 36) != 36) ::_exit(1);
  }
}

TEST_P(Databases, LoseNothingThatWasCommittedWhenTheirWriterIsKilled) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t writer = ::fork();
  if (writer == 0) write_until_killed(*database_, pipe[1]);
  ::close(pipe[1]);
  std::set<std::string> told;
  char uuid[36];
  while (told.size() < 50 && ::read(pipe[0], uuid, sizeof uuid) == sizeof uuid) told.emplace(uuid, sizeof uuid);
  ::kill(writer, SIGKILL);
  while (::read(pipe[0], uuid, sizeof uuid) == sizeof uuid) told.emplace(uuid, sizeof uuid);
  ::waitpid(writer, nullptr, 0);
  ::close(pipe[0]);
  ASSERT_GE(told.size(), 50u);

  const auto store = database_->open();
  for (const StoredSession& row : must(store->sessions({}))) told.erase(row.uuid);
  EXPECT_TRUE(told.empty()) << told.size() << " rows were told as written and are lost";
  EXPECT_TRUE(store->add_node(testing::kTester, node_of(0, "after", 101, false, "1G"), "other"));
}

}  // namespace
}  // namespace moenet::controlplane
