// Who joins whom, and where it dials (wire contract A9, A10).
#include "controlplane/node_views.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "controlplane/seeds.h"

namespace moenet::controlplane {
namespace {

using testing::node_of;

// Two regions with a reflector each, one of them with two clients, and a node alone in its own.
const std::vector<Node>& network() {
  static const std::vector<Node> all = [] {
    std::vector<Node> nodes = {node_of(1, "hk-rr", 101, true, "10G"), node_of(2, "jp1", 101, false, "1G"),
                               node_of(3, "tw1", 101, false, "1G"),   node_of(20, "fr-rr", 302, true, "10G"),
                               node_of(27, "de1", 302, false, "1G"),  node_of(40, "us1", 203, false, "1G")};
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
    const auto view = mesh_view(Settings{}, node_named(c.node), network());
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

}  // namespace
}  // namespace moenet::controlplane
