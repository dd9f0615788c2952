#include "agent/handshake_clock.h"

#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

const SteadyTime kNow{hours(1)};
const WallTime kWall{hours(24 * 365 * 56)};

Key key(std::uint8_t number) {
  Key::Bytes bytes{};
  bytes[0] = number;
  return Key(bytes);
}

std::vector<net::WgPeer> shaken(std::optional<WallTime> at, std::uint8_t peer = 1) {
  std::vector<net::WgPeer> peers(1);
  peers[0].public_key = key(peer);
  peers[0].last_handshake = at;
  return peers;
}

TEST(HandshakeClock, CountsFromWhatWireGuardTells) {
  HandshakeClock clock;
  clock.look(shaken(kWall - seconds(30)), kWall, kNow);
  EXPECT_EQ(clock.age(key(1), kNow), seconds(30));
  EXPECT_EQ(clock.age(key(1), kNow + seconds(100)), seconds(130));
  EXPECT_EQ(clock.age(key(2), kNow), std::nullopt);
}

TEST(HandshakeClock, NeverIsNoTime) {
  HandshakeClock clock;
  clock.look(shaken(std::nullopt), kWall, kNow);
  EXPECT_EQ(clock.age(key(1), kNow), std::nullopt);
}

TEST(HandshakeClock, AStepOfTheWallClockMakesNoLivePeerSilent) {
  HandshakeClock clock;
  clock.look(shaken(kWall - seconds(5)), kWall, kNow);
  clock.look(shaken(kWall - seconds(5)), kWall + hours(3), kNow + seconds(10));
  EXPECT_EQ(clock.age(key(1), kNow + seconds(10)), seconds(15));
  // Told by the old clock, after the step.
  clock.look(shaken(kWall + seconds(12)), kWall + hours(3), kNow + seconds(20));
  EXPECT_EQ(clock.age(key(1), kNow + seconds(20)), seconds(10)) << "not older than the last look";
}

TEST(HandshakeClock, AStepBackMakesNoDeadPeerAlive) {
  HandshakeClock clock;
  clock.look(shaken(kWall - seconds(100)), kWall, kNow);
  clock.look(shaken(kWall - seconds(100)), kWall - hours(3), kNow + seconds(60));
  EXPECT_EQ(clock.age(key(1), kNow + seconds(60)), seconds(160));
}

TEST(HandshakeClock, ATimeInTheFutureIsNow) {
  HandshakeClock clock;
  clock.look(shaken(kWall + hours(1)), kWall, kNow);
  EXPECT_EQ(clock.age(key(1), kNow), seconds(0));
}

}  // namespace
}  // namespace moenet::agent
