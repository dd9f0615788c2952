#include "controlplane/database_name.h"

#include <fstream>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "controlplane/seeds.h"

namespace moenet::controlplane {
namespace {

using testing::must;

TEST(DatabaseName, IsAFileOrAUri) {
  EXPECT_EQ(must(parse_database_name("/var/lib/x/moenet.db")).file, "/var/lib/x/moenet.db");
  EXPECT_FALSE(must(parse_database_name("postgresql://db.example.net/moenet")).is_file());
  EXPECT_FALSE(must(parse_database_name("postgres:///moenet?host=/run/postgresql")).is_file());
  for (const char* wrong : {"", "mysql://x/y", "postgresql://[::1/x", "postgresql://x/y?colour=red"}) {
    EXPECT_EQ(parse_database_name(wrong).error().code, Errc::invalid) << wrong;
  }
}

TEST(DatabaseName, IsShownWithoutItsPassword) {
  EXPECT_EQ(must(parse_database_name("moenet.db")).shown(), "moenet.db");
  EXPECT_EQ(must(parse_database_name("postgresql://me:secret@db.example.net:5433/moenet?password=secret")).shown(),
            "postgresql://me@db.example.net:5433/moenet");
}

TEST(DatabaseName, WithAPasswordIsNotTakenFromTheCommandLine) {
  for (const char* told :
       {"postgresql://me:secret@db/moenet", "postgresql://me@db/moenet?password=secret",
        "postgresql://me@db/moenet?%70assword=secret", "postgresql://me@db/moenet?sslpassword=secret"}) {
    const auto name = database_name_from_argument(told);
    ASSERT_FALSE(name) << told;
    EXPECT_EQ(name.error().code, Errc::denied);
    EXPECT_NE(name.error().what.find("--db-file"), std::string::npos);
    EXPECT_EQ(name.error().what.find("secret"), std::string::npos);
  }
  EXPECT_TRUE(database_name_from_argument("postgresql://me@db/moenet"));
}

TEST(DatabaseName, OfAFileThatOthersMayReadIsRefused) {
  const support::TemporaryFolder folder;
  const std::string file = folder / "db";
  std::ofstream(file) << "postgresql://me:secret@db/moenet\n";
  ::chmod(file.c_str(), 0644);
  EXPECT_EQ(read_database_name(file).error().code, Errc::denied);
  ::chmod(file.c_str(), 0600);
  EXPECT_EQ(must(read_database_name(file)).uri.reveal(), "postgresql://me:secret@db/moenet");
  ::chmod(file.c_str(), 0440);
  EXPECT_FALSE(read_database_name(file));
  ::setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
  EXPECT_TRUE(read_database_name(file)) << "as systemd has it";
  ::unsetenv("CREDENTIALS_DIRECTORY");
  ::chmod(file.c_str(), 0600);
  std::ofstream(file) << "mysql://me:secret@db/moenet\n";
  const auto wrong = read_database_name(file);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().what.find("secret"), std::string::npos) << wrong.error().what;
}

}  // namespace
}  // namespace moenet::controlplane
