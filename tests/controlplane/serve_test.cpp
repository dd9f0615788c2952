#include "controlplane/serve.h"

#include <fstream>
#include <signal.h>
#include <sys/stat.h>

#include <gtest/gtest.h>

#include "http/listener.h"
#include "support/temporary_folder.h"

namespace moenet::controlplane {
namespace {

// run_server blocks the signals that it waits for.
class Serve : public ::testing::Test {
 protected:
  Serve() { ::pthread_sigmask(SIG_SETMASK, nullptr, &signals_); }
  ~Serve() override { ::pthread_sigmask(SIG_SETMASK, &signals_, nullptr); }

  int status_with(const std::string& listen) {
    CommandLine line;
    line.state_dir = (folder_.path() / "state").string();
    ServeCommand command;
    command.listen = {listen};
    ::testing::internal::CaptureStderr();
    const int status = run_server(line, command);
    told_ = ::testing::internal::GetCapturedStderr();
    return status;
  }

  sigset_t signals_;
  support::TemporaryFolder folder_;
  std::string told_;
};

TEST_F(Serve, IsToBeStartedAgainWhenItsAddressIsInUse) {
  const auto holder = http::listen_on({IpAddress::v4({127, 0, 0, 1}), 0});
  ASSERT_TRUE(holder);
  EXPECT_EQ(status_with("127.0.0.1:" + std::to_string(http::local_port(holder->get()))), EXIT_FAILURE);
  EXPECT_NE(told_.find("in use"), std::string::npos) << told_;
}

TEST_F(Serve, IsNotToBeStartedAgainWithWhatStaysWrong) {
  EXPECT_EQ(status_with("localhost"), 78);
  std::filesystem::create_directory(folder_.path() / "state");
  std::ofstream(folder_.path() / "state" / "admin-token") << "secret\n";
  ::chmod((folder_.path() / "state" / "admin-token").c_str(), 0644);
  EXPECT_EQ(status_with("127.0.0.1:0"), 78);
  EXPECT_NE(told_.find("chmod 600"), std::string::npos) << told_;
}

TEST(AllMoved, MeansEachOfThem) {
  EXPECT_TRUE(all_moved({}, {1, 1})) << "the first look";
  EXPECT_TRUE(all_moved({1, 1}, {2, 5}));
  EXPECT_FALSE(all_moved({1, 1}, {2, 1}));
}

}  // namespace
}  // namespace moenet::controlplane
