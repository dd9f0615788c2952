// Who joins whom, and where it dials (wire contract A9, A10).
#include "controlplane/node_views.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "controlplane/addressing.h"
#include "controlplane/mesh_keys.h"
#include "controlplane/seeds.h"
#include "model/mesh.h"
#include "model/region.h"
#include "model/routing_policy.h"

namespace moenet::controlplane {
namespace {

using testing::node_of;

// Two regions with a reflector each, one of them with two clients, and a node alone in its own.
const std::vector<Node>& network() {
  static const std::vector<Node> all = [] {
    std::vector<Node> nodes = {node_of(1, "hk-rr", 101, true, "10G"), node_of(2, "jp1", 101, false, "1G"),
                               node_of(3, "tw1", 101, false, "1G"),   node_of(20, "fr-rr", 302, true, "10G"),
                               node_of(27, "de1", 302, false, "1G"),  node_of(40, "us1", 203, false, "1G")};
    for (Node& node : nodes) node.uuid = "uuid-of-" + node.name;
    nodes[0].public_ipv4 = "192.0.2.1";
    nodes[0].public_ipv6 = "2001:db8::1";
    nodes[1].seen_ipv4 = "192.0.2.2";
    nodes[3].public_ipv6 = "2001:db8::20";
    return nodes;
  }();
  return all;
}

struct Case {
  const char* node;
  std::string mesh;  // "name@endpoint" of each peer
  std::string ibgp;
};

const Case kCases[] = {
    {"hk-rr", "jp1@192.0.2.2:51821 tw1@ fr-rr@[2001:db8::20]:51821 ", "jp1 tw1 fr-rr "},
    {"jp1", "hk-rr@192.0.2.1:51822 tw1@ ", "hk-rr "},
    {"tw1", "hk-rr@192.0.2.1:51823 jp1@192.0.2.2:51823 ", "hk-rr "},
    {"fr-rr", "hk-rr@192.0.2.1:51840 de1@ ", "hk-rr de1 "},
    {"de1", "fr-rr@[2001:db8::20]:51847 ", "fr-rr "},
    {"us1", "", ""},
};

const Node& node_named(std::string_view name) {
  return *std::ranges::find_if(network(), [&](const Node& node) { return node.name == name; });
}

std::string text(const boost::json::value& value) { return std::string(value.as_string()); }

TEST(MeshView, JoinsARegionAndAllReflectorsAndDialsThePortOfTheOwnId) {
  for (const Case& c : kCases) {
    const auto view = mesh_view(Settings{}, node_named(c.node), network(), Secret());
    std::string peers;
    for (const auto& peer : view.at("peers").as_array()) {
      peers += text(peer.at("nodeName")) + "@" + text(peer.at("endpoint")) + " ";
      EXPECT_EQ(peer.at("isRr").as_bool(), node_named(text(peer.at("nodeName"))).is_rr);
    }
    EXPECT_EQ(peers, c.mesh) << c.node;
    EXPECT_EQ(text(view.at("self").at("nodeName")), c.node);
    EXPECT_EQ(view.at("self").at("isRr").as_bool(), node_named(c.node).is_rr);
  }
}

TEST(BirdConfigView, PeersReflectorsWithTheirRegionsAndWithEachOther) {
  for (const Case& c : kCases) {
    const auto view = bird_config_view(Settings{}, node_named(c.node), network());
    ASSERT_TRUE(view);
    std::string peers;
    for (const auto& peer : view->at("ibgpPeers").as_array()) {
      peers += text(peer.at("nodeName")) + " ";
      EXPECT_EQ(peer.at("isRr").as_bool(), node_named(text(peer.at("nodeName"))).is_rr);
    }
    EXPECT_EQ(peers, c.ibgp) << c.node;
  }
}

// What this control plane says, our agent reads without a fault.
TEST(Views, AreReadByTheAgent) {
  Settings settings;
  settings.mesh.preshared_keys = true;
  settings.policy->blocked_asns = {4'242'420'001};
  settings.policy->blocked_prefixes = {IpPrefix::parse("172.20.1.0/24").value()};
  const Secret secret("a secret of the network");
  for (const Node& node : network()) {
    const auto mesh = model::read_mesh(mesh_view(settings, node, network(), secret));
    ASSERT_TRUE(mesh) << mesh.error().what;
    EXPECT_EQ(mesh->self.loopback_ipv6, loopback_ipv6(settings, node));
    for (const model::MeshRow& row : mesh->peers) {
      ASSERT_TRUE(row.peer) << row.peer.error().text();
      const Node& other = node_named(row.peer->name);
      EXPECT_TRUE(row.peer->preshared_key == mesh_preshared_key(secret, other.uuid, node.uuid));
    }
    const auto policy = model::read_bird_config(*bird_config_view(settings, node, network()));
    ASSERT_TRUE(policy) << policy.error().what;
    EXPECT_EQ(policy->policy.blocked_asns, settings.policy->blocked_asns);
    EXPECT_EQ(policy->policy.blocked_prefixes, settings.policy->blocked_prefixes);
    EXPECT_EQ(policy->policy.rpki_servers.size(), 2u);
    EXPECT_EQ(policy->node.subregion, model::find_region(node.region_code)->subregion);
    EXPECT_EQ(policy->node.region_community, model::find_region(node.region_code)->community);
    EXPECT_EQ(policy->node.continent, model::find_region(node.region_code)->continent);
    EXPECT_EQ(policy->node.bandwidth_community, node.bandwidth == "10G" ? "10g_plus" : "1g_plus");
  }
}

}  // namespace
}  // namespace moenet::controlplane
