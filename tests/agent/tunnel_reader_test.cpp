#include "agent/tunnel_reader.h"

#include <map>
#include <set>

#include <gtest/gtest.h>

#include "agent/measured.h"

namespace moenet::agent {
namespace {

using namespace testing;
using std::chrono::seconds;

const SteadyTime kStart{std::chrono::hours(1)};
const WallTime kWall{std::chrono::hours(1000)};

// Devices of which some hang: those spend all the time that they are given.
struct FakeWireGuard : net::WireGuard {
  std::map<std::string, net::WgDevice, std::less<>> devices;
  std::set<std::string, std::less<>> hanging;
  std::vector<std::string> asked;

  Result<std::vector<std::string>> list(Deadline) override { return std::vector<std::string>{}; }
  Result<net::WgDevice> get(std::string_view name, Deadline deadline) override {
    asked.emplace_back(name);
    if (hanging.contains(name)) {
      Wakeup().wait(deadline, {});
      return fail(Errc::timeout, "hangs");
    }
    const auto device = devices.find(name);
    return device == devices.end() ? Result<net::WgDevice>(fail(Errc::not_found, "none")) : device->second;
  }
  Result<void> set(std::string_view, const net::WgChange&, Deadline) override { return fail(Errc::internal, "set"); }
  std::vector<Result<void>> create(const std::vector<NewDevice>& wanted, Deadline) override {
    return std::vector<Result<void>>(wanted.size(), fail(Errc::internal, "create"));
  }
  Result<void> remove(std::string_view, Deadline) override { return fail(Errc::internal, "remove"); }
  std::string_view link_kind() const override { return "tun"; }
};

class TunnelReaderTest : public ::testing::Test {
 protected:
  // The peer of session `asn` shook hands at `handshake`, or never.
  void shake(model::Asn asn, std::optional<WallTime> handshake) {
    net::WgDevice device;
    device.name = "dn42_" + std::to_string(asn);
    net::WgPeer peer;
    peer.last_handshake = handshake;
    peer.rx_bytes = 1000 * asn;
    device.peers.push_back(peer);
    fake_->devices[device.name] = device;
  }
  void read(TunnelReader::Depth depth, seconds at) {
    fake_->asked.clear();
    reader_.read(links_, depth, kWall + at, kStart + at, Deadline::after(seconds(20)), {});
  }
  std::optional<seconds> age(model::Asn asn, seconds at) {
    const auto state = reader_.state_of("dn42_" + std::to_string(asn), kStart + at);
    return state ? state->handshake_age : std::nullopt;
  }

  FakeWireGuard* fake_ = new FakeWireGuard;
  TunnelReader reader_{nullptr, std::unique_ptr<net::WireGuard>(fake_)};
  std::vector<net::CountedLink> links_{counted_link(1, 1), counted_link(2, 2)};
};

using Depth = TunnelReader::Depth;

TEST_F(TunnelReaderTest, ABriefLookAsksOnlyWhoMayHaveGoneSilent) {
  shake(1, kWall);
  shake(2, kWall - seconds(145));
  read(Depth::all, seconds(0));
  EXPECT_EQ(age(1, seconds(0)), seconds(0));
  EXPECT_EQ(age(2, seconds(0)), seconds(145));
  shake(2, kWall + seconds(5));
  read(Depth::silent, seconds(10));
  EXPECT_EQ(fake_->asked, std::vector<std::string>{"dn42_2"});
  EXPECT_EQ(age(1, seconds(10)), seconds(10));
  EXPECT_EQ(age(2, seconds(10)), seconds(5));
  links_.push_back(counted_link(3, 3));
  shake(3, std::nullopt);
  read(Depth::silent, seconds(20));
  EXPECT_EQ(fake_->asked, std::vector<std::string>{"dn42_3"}) << "a new one";
  read(Depth::silent, seconds(30));
  EXPECT_EQ(fake_->asked, std::vector<std::string>{"dn42_3"}) << "one that never shook hands";
  EXPECT_EQ(reader_.state_of("dn42_3", kStart)->rx_bytes, 3000u);
}

TEST_F(TunnelReaderTest, WhoHasLongBeenSilentHoldsUpNobodyWhoMayGoSilent) {
  links_.clear();
  for (model::Asn asn = 1; asn < 10; ++asn) {
    links_.push_back(counted_link(asn, static_cast<int>(asn)));
    shake(asn, asn == 9 ? std::optional(kWall - seconds(145)) : std::nullopt);
  }
  read(Depth::all, seconds(0));
  std::set<std::string> asked;
  for (int look = 1; look <= 2; ++look) {
    read(Depth::silent, seconds(10 * look));
    EXPECT_EQ(fake_->asked.size(), 5u);
    EXPECT_EQ(fake_->asked.front(), "dn42_9") << "it is asked at each look";
    asked.insert(fake_->asked.begin(), fake_->asked.end());
  }
  EXPECT_EQ(asked.size(), 9u) << "the others in turns";
}

TEST_F(TunnelReaderTest, ADaemonThatHangsCostsNobodyElseHisMeasurement) {
  for (model::Asn asn = 1; asn < 10; ++asn) shake(asn, kWall);
  links_.clear();
  for (model::Asn asn = 1; asn < 10; ++asn) links_.push_back(counted_link(asn, static_cast<int>(asn)));
  fake_->hanging = {"dn42_1", "dn42_2", "dn42_3", "dn42_4", "dn42_5", "dn42_6"};
  read(Depth::all, seconds(0));
  EXPECT_FALSE(reader_.state_of("dn42_1", kStart));
  for (model::Asn asn = 7; asn < 10; ++asn) EXPECT_EQ(age(asn, seconds(60)), seconds(60));
  read(Depth::silent, seconds(10));
  EXPECT_TRUE(fake_->asked.empty()) << "nobody waits for them between rounds";
  const auto began = steady_now();
  read(Depth::all, seconds(60));
  EXPECT_LT(steady_now() - began, seconds(4)) << "all of them together have two seconds";
  ASSERT_GE(fake_->asked.size(), 4u);
  EXPECT_EQ(fake_->asked[0] + fake_->asked[1] + fake_->asked[2], "dn42_7dn42_8dn42_9") << "those come last";
  fake_->hanging.clear();
  read(Depth::all, seconds(120));
  EXPECT_TRUE(reader_.state_of("dn42_1", kStart)) << "it answers again";
}

TEST_F(TunnelReaderTest, AnotherLinkOfTheSameNameIsAnotherTunnel) {
  shake(1, kWall - seconds(20));
  read(Depth::all, seconds(0));
  EXPECT_TRUE(age(1, seconds(0)));
  fake_->devices.clear();
  links_ = {counted_link(1, 9)};
  read(Depth::silent, seconds(10));
  EXPECT_FALSE(reader_.state_of("dn42_1", kStart));
  links_.clear();
  read(Depth::silent, seconds(20));
  EXPECT_FALSE(reader_.state_of("dn42_1", kStart));
}

TEST_F(TunnelReaderTest, ALinkThatIsNoWireGuardIsNotAskedFor) {
  links_ = {counted_link(1, 1)};
  links_[0].link.kind = "gre";
  read(Depth::all, seconds(0));
  EXPECT_TRUE(fake_->asked.empty());
}

}  // namespace
}  // namespace moenet::agent
