#include "model/mesh.h"

#include <algorithm>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "model/any_json.h"

namespace moenet::model {
namespace {

namespace json = boost::json;

constexpr const char* kKey = "PpGtxKPlfm63rxqbM0mZVTVI86lUxikgrs72tdAe1qQ=";
constexpr const char* kPsk = "TGd4Ing/MxhIFa5mh+4wwkX6MJw78mw/OlEPWwQry+o=";
constexpr const char* kZeroKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

json::object good_peer(int id) {
  const std::string number = std::to_string(id);
  return {{"nodeId", id},
          {"nodeName", "n" + number},
          {"nodeType", "client"},
          {"regionCode", 101},
          {"loopbackIpv4", "172.22." + std::to_string(188 + id / 256) + "." + std::to_string(id % 256)},
          {"loopbackIpv6", "fd00:4242:7777:101:" + number + "::1"},
          {"publicKey", kKey},
          {"endpoint", "192.0.2." + std::to_string(id % 256) + ":51822"},
          {"mtu", 1420},
          {"isRr", false}};
}

// This node is 2, as in the captured answers.
json::object answer(json::array peers) {
  json::object self = good_peer(2);
  self.erase("publicKey");
  return {{"self", std::move(self)}, {"peers", std::move(peers)}};
}

// The row of a peer with one field replaced by JSON text; "" takes the field away.
MeshRow with(std::string_view key, std::string_view text) {
  json::object peer = good_peer(3);
  peer.erase(json::string_view(key.data(), key.size()));
  if (!text.empty()) peer[json::string_view(key.data(), key.size())] = json::parse(json::string_view(text));
  const auto mesh = read_mesh(answer({peer}));
  if (!mesh || mesh->peers.size() != 1) throw std::runtime_error("no row for " + std::string(text));
  return mesh->peers[0];
}

std::string fault_of(const MeshRow& row) { return row.peer ? "" : row.peer.error().text(); }

TEST(Mesh, ReadsAPeerWhole) {
  const auto mesh = read_mesh(answer({good_peer(3)}));
  ASSERT_TRUE(mesh) << mesh.error().what;
  EXPECT_EQ(mesh->self, (MeshMember{2, "n2", 101, IpAddress::parse("172.22.188.2").value(),
                                    IpAddress::parse("fd00:4242:7777:101:2::1").value(), false}));
  ASSERT_EQ(mesh->peers.size(), 1u);
  EXPECT_EQ(mesh->peers[0].node_id, 3u);
  ASSERT_TRUE(mesh->peers[0].peer) << fault_of(mesh->peers[0]);
  const MeshPeer& peer = *mesh->peers[0].peer;
  EXPECT_EQ(peer.node_id, 3u);
  EXPECT_EQ(peer.name, "n3");
  EXPECT_EQ(peer.region_code, 101);
  EXPECT_EQ(peer.loopback_ipv4->text(), "172.22.188.3");
  EXPECT_EQ(peer.loopback_ipv6->text(), "fd00:4242:7777:101:3::1");
  EXPECT_EQ(peer.public_key->base64(), kKey);
  EXPECT_FALSE(peer.preshared_key);
  EXPECT_EQ(peer.endpoint->text(), "192.0.2.3:51822");
  EXPECT_EQ(peer.mtu_bytes, 1420u);
  EXPECT_FALSE(peer.is_rr);
  EXPECT_TRUE(mesh->all_identified);
}

TEST(Mesh, ReadsTheFlatFormOfSelf) {
  const auto mesh = read_mesh(json::parse(
      R"({"localNodeId":"2","localLoopback4":"172.22.188.2/32","localLoopback6":"fd00::2/128","peers":[]})"));
  ASSERT_TRUE(mesh) << mesh.error().what;
  EXPECT_EQ(mesh->self.node_id, 2u);
  EXPECT_EQ(mesh->self.loopback_ipv4->text(), "172.22.188.2");
  EXPECT_EQ(mesh->self.loopback_ipv6->text(), "fd00::2");
}

TEST(Mesh, ReadsEveryDialectOfAField) {
  EXPECT_EQ(with("nodeId", R"("7")").node_id, 7u);
  EXPECT_EQ(with("regionCode", R"("302")").peer->region_code, 302);
  EXPECT_EQ(with("regionCode", "").peer->region_code, 0);
  EXPECT_EQ(with("loopbackIpv4", R"("172.22.188.9/32")").peer->loopback_ipv4->text(), "172.22.188.9");
  EXPECT_EQ(with("loopbackIpv6", R"("fd00::9/64")").peer->loopback_ipv6->text(), "fd00::9");
  for (const char* none : {"", "null", R"("")", R"("  ")"}) {
    EXPECT_FALSE(with("loopbackIpv4", none).peer->loopback_ipv4) << none;
    EXPECT_FALSE(with("publicKey", none).peer->public_key) << none;
    EXPECT_FALSE(with("endpoint", none).peer->endpoint) << none;
    EXPECT_FALSE(with("presharedKey", none).peer->preshared_key) << none;
  }
  EXPECT_EQ(with("publicKey", std::string("\" ") + kKey + "\\n\"").peer->public_key->base64(), kKey);
  EXPECT_TRUE(with("isRr", R"("true")").peer->is_rr);
  EXPECT_TRUE(with("isRr", "1").peer->is_rr);
  EXPECT_FALSE(with("nodeType", R"("rr")").peer->is_rr);  // the field counts, not the type
  EXPECT_TRUE(with("new", R"({"x":1})").peer);
}

TEST(Mesh, ReadsThePresharedKeyUnderEachOfItsNames) {
  for (const char* name : {"presharedKey", "preshared_key", "psk"}) {
    EXPECT_EQ(with(name, "\"" + std::string(kPsk) + "\"").peer->preshared_key->base64(), kPsk) << name;
    EXPECT_FALSE(with(name, "\"" + std::string(kZeroKey) + "\"").peer->preshared_key) << name;
    EXPECT_EQ(fault_of(with(name, R"("secret")")),
              std::string(name) + ": expected a preshared key (44 characters of base64)");
  }
}

TEST(Mesh, ReadsEndpointsInEveryForm) {
  const std::pair<const char*, const char*> rows[] = {
      {"192.0.2.1:51822", "192.0.2.1:51822"},
      {" 192.0.2.1 ", "192.0.2.1:51822"},  // without a port: 51820 + our own id
      {"node.example.net", "node.example.net:51822"},
      {"[2001:db8::1]:51822", "[2001:db8::1]:51822"},
      {"[2001:db8::1]", "[2001:db8::1]:51822"},
      {"2001:db8::1:51822", "[2001:db8::1]:51822"},
      {"2001:db8:0:0:0:0:0:1", "[2001:db8::1]:51822"},
  };
  for (const auto& [text, expected] : rows) {
    const MeshRow row = with("endpoint", "\"" + std::string(text) + "\"");
    ASSERT_TRUE(row.peer) << text << fault_of(row);
    EXPECT_EQ(row.peer->endpoint->text(), expected) << text;
  }
}

TEST(Mesh, TellsWhatIsWrongWithARow) {
  const std::tuple<const char*, const char*, const char*> rows[] = {
      {"nodeId", "0", "nodeId: 0 is not a number from 1 to 999"},
      {"nodeId", "1000", "nodeId: 1000 is not a number from 1 to 999"},
      {"nodeId", "", "nodeId: expected a number from 1 to 999"},
      {"nodeId", "2", "nodeId: 2 is our own"},
      {"regionCode", "\"x\"", "regionCode: 'x' is not a number from 0 to 9999"},
      {"loopbackIpv4", "\"fd00::1\"", "loopbackIpv4: 'fd00::1' is not a unicast IPv4 address"},
      {"loopbackIpv4", "\"127.0.0.1\"", "loopbackIpv4: '127.0.0.1' is not an address that other nodes can reach"},
      {"loopbackIpv6", "\"fe80::1\"", "loopbackIpv6: 'fe80::1' is not an address that other nodes can reach"},
      {"loopbackIpv6", "5", "loopbackIpv6: 5 is not a unicast IPv6 address"},
      {"loopbackIpv4", "\"172.22.188.2\"", "loopbackIpv4: 172.22.188.2 is our own"},
      {"loopbackIpv6", "\"fd00:4242:7777:101:2::1\"", "loopbackIpv6: fd00:4242:7777:101:2::1 is our own"},
      {"publicKey", "\"short\"", "publicKey: expected a WireGuard public key (44 characters of base64)"},
      {"publicKey", "7", "publicKey: expected a WireGuard public key (44 characters of base64)"},
      {"endpoint", "\"a b:1\"", "endpoint: 'a b:1' is not HOST:PORT"},
      {"endpoint", "\"192.0.2.1:0\"", "endpoint: '192.0.2.1:0' is not HOST:PORT"},
      {"endpoint", "{}", "endpoint: an object is not a string"},
      {"mtu", "1279", "mtu: 1279 is not a number from 1280 to 9000"},
      {"mtu", "-5", "mtu: -5 is not a number from 1280 to 9000"},
      {"mtu", "9001", "mtu: 9001 is not a number from 1280 to 9000"},
      {"isRr", "\"maybe\"", "isRr: 'maybe' is not true or false"},
  };
  for (const auto& [key, text, fault] : rows) EXPECT_EQ(fault_of(with(key, text)), fault);
  for (const char* unsaid : {"", "0", "null", R"("")"}) EXPECT_EQ(with("mtu", unsaid).peer->mtu_bytes, 1420u) << unsaid;
  EXPECT_EQ(with("mtu", "\"1280\"").peer->mtu_bytes, 1280u);
}

TEST(Mesh, SortsRowsAndLetsNoFaultReachAnother) {
  json::object bad = good_peer(9);
  bad["mtu"] = 1;
  const auto mesh = read_mesh(answer({good_peer(999), bad, good_peer(1), nullptr, json::object{{"nodeId", "x"}}}));
  ASSERT_TRUE(mesh) << mesh.error().what;
  std::vector<NodeId> ids;
  for (const MeshRow& row : mesh->peers) ids.push_back(row.node_id);
  EXPECT_EQ(ids, (std::vector<NodeId>{0, 0, 1, 9, 999}));
  EXPECT_EQ(fault_of(mesh->peers[0]), "row: not a JSON object");
  EXPECT_EQ(fault_of(mesh->peers[1]), "nodeId: 'x' is not a number from 1 to 999");
  EXPECT_TRUE(mesh->peers[2].peer);
  EXPECT_FALSE(mesh->peers[3].peer);
  EXPECT_TRUE(mesh->peers[4].peer);
  EXPECT_FALSE(mesh->all_identified);
}

TEST(Mesh, LetsTheLowerIdKeepALoopbackThatTwoClaim) {
  json::object thief = good_peer(5);
  thief["loopbackIpv4"] = "172.22.188.3";
  json::object other = good_peer(6);
  other["loopbackIpv6"] = "fd00:4242:7777:101:3::1/128";
  json::object heir = good_peer(7);  // of an address that only a faulty row claims
  heir["loopbackIpv4"] = "172.22.188.5";
  const auto mesh = read_mesh(answer({heir, other, thief, good_peer(3)}));
  ASSERT_TRUE(mesh);
  ASSERT_EQ(mesh->peers.size(), 4u);
  EXPECT_TRUE(mesh->peers[0].peer);
  EXPECT_EQ(fault_of(mesh->peers[1]), "loopbackIpv4: 172.22.188.3 is node 3's too");
  EXPECT_EQ(fault_of(mesh->peers[2]), "loopbackIpv6: fd00:4242:7777:101:3::1 is node 3's too");
  EXPECT_TRUE(mesh->peers[3].peer);
}

TEST(Mesh, CountsTheFirstOfEqualIds) {
  json::object second = good_peer(3);
  second["mtu"] = 1300;
  const auto mesh = read_mesh(answer({good_peer(3), second, second}));
  ASSERT_TRUE(mesh);
  EXPECT_EQ(mesh->peers[0].peer->mtu_bytes, 1420u);
  EXPECT_EQ(fault_of(mesh->peers[1]), "nodeId: 3 is listed more than once: the first row counts");
  EXPECT_FALSE(mesh->peers[2].peer);
  EXPECT_TRUE(mesh->all_identified);
}

TEST(Mesh, RefusesAnAnswerThatCannotBeOurs) {
  const std::pair<const char*, const char*> rows[] = {
      {"null", "mesh: expected an object, got null"},
      {"[]", "mesh: expected an object, got a list"},
      {"{}", "mesh: localNodeId: expected a number from 1 to 999; peers: expected a list"},
      {R"({"self":{"nodeId":2}})", "mesh: peers: expected a list"},
      {R"({"self":{"nodeId":2},"peers":{}})", "mesh: peers: an object is not a list"},
      {R"({"self":{"nodeId":0},"peers":[]})", "mesh: self.nodeId: 0 is not a number from 1 to 999"},
      {R"({"self":{"nodeId":1000},"peers":[]})", "mesh: self.nodeId: 1000 is not a number from 1 to 999"},
      {R"({"self":5,"peers":[]})", "mesh: self: 5 is not an object; self.nodeId: expected a number from 1 to 999"},
      {R"({"self":{"nodeId":2,"loopbackIpv4":"x"},"peers":[]})",
       "mesh: self.loopbackIpv4: 'x' is not a unicast IPv4 address"},
  };
  for (const auto& [text, what] : rows) {
    const auto mesh = read_mesh(json::parse(text));
    ASSERT_FALSE(mesh) << text;
    EXPECT_EQ(mesh.error().code, Errc::invalid);
    EXPECT_EQ(mesh.error().what, what);
  }
}

const std::vector<std::string> kWords = {"self",         "peers",        "nodeId",    "nodeName",     "regionCode",
                                         "loopbackIpv4", "loopbackIpv6", "publicKey", "presharedKey", "psk",
                                         "endpoint",     "mtu",          "isRr",      "localNodeId",  "3",
                                         "1420",         "fd00::3",      "fe80::",    "172.22.188.3", "192.0.2.1:1",
                                         kKey,           kZeroKey};

RC_GTEST_PROP(Mesh, SurvivesAnyJson, ()) { static_cast<void>(read_mesh(any_json(kWords, 4))); }

RC_GTEST_PROP(Mesh, KeepsOnlyPeersThatCanStandBesideEachOther, ()) {
  json::array peers;
  for (int i = *rc::gen::inRange(0, 8); i > 0; --i) {
    json::object peer = good_peer(*rc::gen::inRange(1, 6));
    if (*rc::gen::arbitrary<bool>()) peer["loopbackIpv4"] = good_peer(*rc::gen::inRange(1, 6)).at("loopbackIpv4");
    if (*rc::gen::inRange(0, 3) == 0) peer[*rc::gen::elementOf(kWords)] = any_json(kWords, 2);
    peers.push_back(std::move(peer));
  }
  const auto mesh = read_mesh(answer(peers));
  RC_ASSERT(mesh.has_value());
  RC_ASSERT(mesh->peers.size() == peers.size());
  RC_ASSERT(std::ranges::is_sorted(mesh->peers, {}, &MeshRow::node_id));
  std::vector<MeshPeer> sound;
  for (const MeshRow& row : mesh->peers) {
    if (row.peer) sound.push_back(*row.peer);
  }
  for (std::size_t i = 0; i < sound.size(); ++i) {
    RC_ASSERT(sound[i].node_id >= 1u && sound[i].node_id <= kLastNodeId && sound[i].node_id != 2u);
    RC_ASSERT(sound[i].mtu_bytes >= 1280u && sound[i].mtu_bytes <= 9000u);
    for (std::size_t j = 0; j < i; ++j) {
      RC_ASSERT(sound[i].node_id != sound[j].node_id);
      RC_ASSERT((!sound[i].loopback_ipv4 || sound[i].loopback_ipv4 != sound[j].loopback_ipv4));
      RC_ASSERT((!sound[i].loopback_ipv6 || sound[i].loopback_ipv6 != sound[j].loopback_ipv6));
    }
  }
}

}  // namespace
}  // namespace moenet::model
