// The real node over real links and real wireguard-go daemons, in namespaces of their own; BIRD is away.
#include "agent/linux_node.h"

#include <algorithm>
#include <csignal>
#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "agent/ownership_mark.h"
#include "net/namespaces.h"
#include "reconcile/peerings.h"
#include "support/temporary_folder.h"

namespace moenet::agent {
namespace {

using model::Tunnel;
using net::testing::soon;
using reconcile::CreateTunnel;
using reconcile::NodeState;
using reconcile::RemoveTunnel;
using reconcile::TunnelAction;
using reconcile::UpdateTunnel;

const auto* const kEnvironment = ::testing::AddGlobalTestEnvironment(new net::testing::OwnNamespaces);

// As the kernel and every daemon keep it: clamped (RFC 7748 section 5).
Key private_key() {
  Key::Bytes bytes{};
  bytes[0] = 8;
  bytes[31] = 64;
  return Key(bytes);
}

Tunnel tunnel(unsigned number) {
  Tunnel tunnel = reconcile::tunnel_of(number);
  tunnel.name = "wgn" + std::to_string(number);
  tunnel.private_key = private_key();
  return tunnel;
}

class LinuxNodeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    AgentConfig config;
    config.bird.control_socket = folder_ / "bird.ctl";
    config.bird.peer_folder = folder_ / "peers";
    config.wireguard.backend = WireGuardBackend::userspace;
    auto opened = LinuxNode::open(config);
    ASSERT_TRUE(opened) << opened.error().what;
    node_ = std::move(*opened);
  }
  void TearDown() override {
    const auto links = net::list_links(route_, soon()).value();
    for (const auto& link : links) {
      if (link.name == "lo") continue;
      if (link.kind == by_hand_->link_kind()) {
        EXPECT_TRUE(by_hand_->remove(link.name, soon()));
      } else {
        EXPECT_TRUE(net::delete_link(route_, link.index, link.name, soon()));
      }
    }
  }

  Result<void> apply(TunnelAction action) {
    const std::vector<TunnelAction> actions{std::move(action)};
    return node_->apply_tunnels(actions, soon(), {}).front();
  }
  void create(unsigned number) {
    const auto created = apply(CreateTunnel{tunnel(number)});
    ASSERT_TRUE(created) << created.error().what;
  }
  NodeState look() { return node_->observe(soon(), {}).value(); }
  int index(const std::string& name) { return net::index_of(route_, name, soon()).value(); }

  support::TemporaryFolder folder_;
  std::unique_ptr<LinuxNode> node_;
  net::NetlinkSocket route_ = net::NetlinkSocket::open(net::NetlinkFamily::route).value();
  std::unique_ptr<net::WireGuard> by_hand_ = net::open_userspace_wireguard({});
};

TEST_F(LinuxNodeTest, ShowsWhatItCreatedAsItWasWanted) {
  const std::vector<TunnelAction> actions{CreateTunnel{tunnel(1)}, CreateTunnel{tunnel(2)}};
  for (const auto& done : node_->apply_tunnels(actions, soon(), {})) EXPECT_TRUE(done) << done.error().what;
  EXPECT_EQ(look().tunnels, (std::vector{tunnel(1), tunnel(2)}));
  EXPECT_EQ(look().tunnels, (std::vector{tunnel(1), tunnel(2)})) << "and again, when nothing was read anew";
}

TEST_F(LinuxNodeTest, SaysThatBirdIsAwayAndStillShowsTheRest) {
  create(1);
  const NodeState state = look();
  EXPECT_FALSE(state.bird.reachable);
  EXPECT_FALSE(state.bird.problem.empty());
  EXPECT_EQ(state.tunnels.size(), 1U);
}

TEST_F(LinuxNodeTest, NamesForeignLinksAndTakesThemForNoTunnel) {
  (void)net::create_link(route_, "theirs", "ifb", "somebody else", soon()).value();
  create(1);
  const NodeState state = look();
  EXPECT_EQ(state.foreign_links, (std::vector<std::string>{"lo", "theirs"}));
  EXPECT_EQ(state.tunnels.size(), 1U);
}

TEST_F(LinuxNodeTest, SeesAKeyThatWasChangedByHand) {
  create(1);
  (void)look();
  net::WgChange change;
  Key::Bytes bytes = private_key().bytes();
  bytes[1] = 7;
  change.private_key = Key(bytes);
  ASSERT_TRUE(by_hand_->set("wgn1", change, soon()));
  EXPECT_EQ(look().tunnels.front().private_key, Key(bytes));
}

TEST_F(LinuxNodeTest, SeesAddressesAndLinksThatWereChangedByHand) {
  create(1);
  create(2);
  (void)look();
  net::LinkChange change;
  change.remove_addresses = {{tunnel(1).addresses[0].local, tunnel(1).addresses[0].peer}};
  ASSERT_TRUE(net::change_link(route_, index("wgn1"), "wgn1", change, soon()));
  ASSERT_TRUE(by_hand_->remove("wgn2", soon()));
  const NodeState state = look();
  ASSERT_EQ(state.tunnels.size(), 1U);
  EXPECT_TRUE(state.tunnels[0].addresses.empty());
}

TEST_F(LinuxNodeTest, ALinkWithOurMarkThatIsNoDeviceBelongsToNobody) {
  const std::string mark = write_mark({"session/1", ""});
  (void)net::create_link(route_, "wgn1", "ifb", mark, soon()).value();
  const NodeState state = look();
  ASSERT_EQ(state.tunnels.size(), 1U);
  EXPECT_EQ(state.tunnels[0].owner, "nobody");
  EXPECT_TRUE(apply(RemoveTunnel{"wgn1", "nobody"}));
  EXPECT_TRUE(look().tunnels.empty());
}

TEST_F(LinuxNodeTest, RemovesNothingThatLostItsMarkMeanwhile) {
  create(1);
  (void)look();
  net::LinkChange change;
  change.alias = "adopted by somebody else";
  ASSERT_TRUE(net::change_link(route_, index("wgn1"), "wgn1", change, soon()));
  const auto removed = apply(RemoveTunnel{"wgn1", tunnel(1).owner});
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error(), (Error{Errc::conflict, "link wgn1 is not ours any more"}));
  EXPECT_EQ(index("wgn1") > 0, true);
  EXPECT_TRUE(apply(RemoveTunnel{"wgn9", "session/9"})) << "what is gone is removed";
}

TEST_F(LinuxNodeTest, AnUpdateChangesItsFieldsOnly) {
  create(1);
  UpdateTunnel update;
  update.name = "wgn1";
  update.owner = tunnel(1).owner;
  update.mtu_bytes = 1380;
  update.configured_endpoint = "other.example:1";
  const auto updated = apply(update);
  ASSERT_TRUE(updated) << updated.error().what;
  Tunnel wanted = tunnel(1);
  wanted.mtu_bytes = 1380;
  wanted.configured_endpoint = "other.example:1";
  EXPECT_EQ(look().tunnels, std::vector{wanted});
}

TEST_F(LinuxNodeTest, ADaemonThatHangsIsSaidAndHoldsUpNoOther) {
  create(1);
  create(2);
  const pid_t daemon = net::testing::daemons_of("wgn1").at(0);
  ASSERT_EQ(::kill(daemon, SIGSTOP), 0);
  const auto begun = steady_now();
  NodeState state = look();
  EXPECT_LT(steady_now() - begun, std::chrono::seconds(5));
  ASSERT_EQ(state.tunnels.size(), 2U);
  EXPECT_EQ(state.tunnels[0].owner, tunnel(1).owner) << "it is still whose it was";
  EXPECT_FALSE(state.tunnels[0].unreadable.empty());
  EXPECT_EQ(state.tunnels[1], tunnel(2));
  const auto removed = apply(RemoveTunnel{"wgn1", tunnel(1).owner});
  EXPECT_TRUE(removed) << removed.error().what;
  EXPECT_TRUE(net::testing::daemons_of("wgn1").empty()) << "a daemon that does not end is killed";
  EXPECT_EQ(look().tunnels, std::vector{tunnel(2)});
}

TEST_F(LinuxNodeTest, APortInUseIsNamedBeforeAnythingIsMade) {
  const UniqueFd taken(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(tunnel(1).listen_port);
  ASSERT_EQ(::bind(taken.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  const auto created = apply(CreateTunnel{tunnel(1)});
  ASSERT_FALSE(created);
  EXPECT_EQ(created.error(), (Error{Errc::conflict, "listen port 30001 is in use"}));
  EXPECT_TRUE(look().tunnels.empty());
}

TEST_F(LinuxNodeTest, AStopLeavesTheRestUndone) {
  std::stop_source stop;
  stop.request_stop();
  const std::vector<TunnelAction> actions{CreateTunnel{tunnel(1)}};
  EXPECT_EQ(node_->apply_tunnels(actions, soon(), stop.get_token()).front().error().code, Errc::cancelled);
  EXPECT_TRUE(look().tunnels.empty());
}

}  // namespace
}  // namespace moenet::agent
