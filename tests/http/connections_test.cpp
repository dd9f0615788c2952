#include "http/connections.h"

#include <sys/socket.h>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/fd.h"

namespace moenet::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Pairs of sockets; one end of each is the server's.
class ConnectionsTest : public testing::Test {
 protected:
  void make(ConnectionLimits limits) {
    ASSERT_TRUE(parking_->start());
    connections_ = std::make_unique<Connections>(limits, parking_);
  }
  // Each is older than the next.
  int open() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    fds_.emplace_back(ends[0]);
    fds_.emplace_back(ends[1]);
    far_[ends[0]] = ends[1];
    connections_->opened(ends[0]);
    return ends[0];
  }
  bool is_cut(int socket, milliseconds within = milliseconds(0)) {
    const timeval limit{0, std::max<long>(1, within.count() * 1'000)};
    ::setsockopt(far_.at(socket), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    char byte = 0;
    return ::recv(far_.at(socket), &byte, 1, 0) == 0;
  }
  void TearDown() override { parking_->close(); }

  std::vector<UniqueFd> fds_;
  std::map<int, int> far_;
  std::shared_ptr<Parking> parking_ = std::make_shared<Parking>();
  std::unique_ptr<Connections> connections_;
};

TEST_F(ConnectionsTest, TheOldestThatDoesNotWaitMakesRoom) {
  make({8, 1'000, seconds(60), seconds(60)});
  std::vector<int> sockets;
  for (int i = 0; i < 7; ++i) sockets.push_back(open());
  connections_->reads(sockets[0]);
  connections_->waits(sockets[0]);
  connections_->reads(sockets[1]);  // since now: the others are older
  for (const int socket : sockets) EXPECT_FALSE(is_cut(socket));
  const int eighth = open();
  EXPECT_TRUE(is_cut(sockets[2]));
  for (const int socket : {sockets[0], sockets[1], sockets[3], eighth}) EXPECT_FALSE(is_cut(socket));
  connections_->closed(sockets[2]);
  connections_->closed(sockets[3]);
  open();
  EXPECT_FALSE(is_cut(sockets[4])) << "there is room";
}

TEST_F(ConnectionsTest, ACutOneMakesRoomOnce) {
  make({8, 1'000, seconds(60), seconds(60)});
  std::vector<int> sockets;
  for (int i = 0; i < 10; ++i) sockets.push_back(open());
  for (int i = 0; i < 10; ++i) EXPECT_EQ(is_cut(sockets[static_cast<std::size_t>(i)]), i < 3) << i;
}

TEST_F(ConnectionsTest, WhoTakesTooLongIsCut) {
  make({100, 1'000, milliseconds(30), milliseconds(30)});
  const int resting = open();
  const int reading = open();
  connections_->reads(reading);
  const int sending = open();
  EXPECT_TRUE(connections_->sends(sending, 10));
  const int waiting = open();
  connections_->waits(waiting);
  for (const int socket : {resting, reading, sending}) EXPECT_TRUE(is_cut(socket, milliseconds(900)));
  EXPECT_FALSE(is_cut(waiting, milliseconds(50)));
}

TEST_F(ConnectionsTest, WhoReadsAnAnswerSlowlyMakesRoomForAnother) {
  make({100, 100'000, seconds(60), seconds(60)});
  const int slow = open();
  const int next = open();
  EXPECT_TRUE(connections_->sends(slow, 90'000));
  EXPECT_FALSE(connections_->sends(next, 90'000)) << "it has only just begun";
  EXPECT_TRUE(connections_->sends(next, 100)) << "a small one";
  std::this_thread::sleep_for(milliseconds(1'050));  // as long as it may have
  EXPECT_TRUE(connections_->sends(next, 90'000));
  EXPECT_TRUE(is_cut(slow));
  connections_->rests(next);
  EXPECT_TRUE(connections_->sends(next, 1'000'000)) << "however large, when it is alone";
}

}  // namespace
}  // namespace moenet::http
