// Contract tests: every captured answer that the model reads, in detail.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>

#include "model/heartbeat.h"
#include "model/lifecycle.h"
#include "model/mesh.h"
#include "model/node_config.h"
#include "model/peering.h"
#include "model/routing_policy.h"
#include "model/session_json.h"
#include "support/http_sample.h"

namespace moenet::model {
namespace {

namespace json = boost::json;
using moenet::testing::HttpSample;

const std::filesystem::path kFolder = std::filesystem::path(MOENET_SOURCE_DIR) / "tests/samples";

const std::vector<HttpSample>& samples() {
  static const std::vector<HttpSample> all = moenet::testing::read_http_samples(kFolder);
  return all;
}

const HttpSample& sample(std::string_view number) {
  const auto found =
      std::find_if(samples().begin(), samples().end(), [&](const HttpSample& s) { return s.file.starts_with(number); });
  if (found == samples().end()) throw std::runtime_error("no sample " + std::string(number));
  return *found;
}

std::vector<SessionRow> rows_of(std::string_view number) {
  const Result<json::value> data = read_envelope(sample(number).response.body);
  if (!data) throw std::runtime_error(data.error().what);
  Result<std::vector<SessionRow>> rows = read_sessions(*data);
  if (!rows) throw std::runtime_error(rows.error().what);
  return std::move(*rows);
}

// The node as its own config answer says.
NodeIdentity node_of(std::string_view config_sample) {
  const NodeConfig config = read_node_config(*read_envelope(sample(config_sample).response.body)).value();
  return {config.node.name, config.wireguard.dn42_ipv4, config.wireguard.dn42_ipv6,
          config.wireguard.dn42_ipv6_link_local};
}

TEST(HttpSamples, AllAreReadWhole) {
  EXPECT_EQ(samples().size(), 94u);
  for (const HttpSample& s : samples()) {
    EXPECT_GE(s.status, 200) << s.file;
    EXPECT_TRUE(s.target.starts_with('/')) << s.file;
    const auto check_length = [&](const moenet::testing::HttpMessage& message) {
      const auto length = message.header("content-length");
      if (!length || message.is_elided) return;
      EXPECT_EQ(std::to_string(message.body.size()), *length) << s.file;
    };
    check_length(s.request);
    if (s.method != "HEAD") check_length(s.response);
  }
  EXPECT_EQ(sample("05").comment, "POST works as GET");
  EXPECT_EQ(sample("05").method, "POST");
  EXPECT_EQ(sample("05").request.body, "{}");
  EXPECT_TRUE(sample("84").request.is_elided);
  EXPECT_EQ(sample("84").status, 413);
}

TEST(Samples, EveryEnvelopeIsReadAsItsStatusSays) {
  std::size_t envelopes = 0;
  for (const HttpSample& s : samples()) {
    if (!s.response.body.starts_with("{\"code\"")) {
      EXPECT_FALSE(read_envelope(s.response.body)) << s.file;
      continue;
    }
    ++envelopes;
    const Result<json::value> data = read_envelope(s.response.body);
    EXPECT_EQ(data.has_value(), s.status == 200) << s.file;
    if (data) continue;
    const std::map<int, Errc> codes = {
        {401, Errc::denied}, {403, Errc::denied}, {404, Errc::not_found}, {422, Errc::invalid}};
    ASSERT_TRUE(codes.contains(s.status)) << s.file;
    EXPECT_EQ(data.error().code, codes.at(s.status)) << s.file;
  }
  EXPECT_GT(envelopes, 40u);
  EXPECT_EQ(read_envelope(sample("70").response.body).error().what, "control plane answered 404: Router not found");
}

TEST(Samples, EverySessionListIsReadWithoutALostRow) {
  std::size_t lists = 0;
  for (const HttpSample& s : samples()) {
    if (s.method != "GET" || !s.target.ends_with("/sessions") || s.status != 200) continue;
    ++lists;
    const auto data = read_envelope(s.response.body);
    ASSERT_TRUE(data) << s.file;
    const auto rows = read_sessions(*data);
    ASSERT_TRUE(rows) << s.file;
    EXPECT_EQ(rows->size(), data->at("bgpSessions").as_array().size()) << s.file;
    for (const SessionRow& row : *rows) {
      EXPECT_EQ(row.uuid.size(), 36u) << s.file;
      EXPECT_TRUE(row.asn) << s.file;
      EXPECT_TRUE(row.status) << s.file;
    }
    EXPECT_TRUE(
        std::is_sorted(rows->begin(), rows->end(), [](const auto& a, const auto& b) { return a.uuid < b.uuid; }));
  }
  EXPECT_GE(lists, 4u);
}

TEST(Samples, EveryConfigIsRead) {
  std::size_t configs = 0;
  for (const HttpSample& s : samples()) {
    if (!s.target.ends_with("/config") || s.status != 200 || s.response.body.empty()) continue;
    ++configs;
    const auto data = read_envelope(s.response.body);
    ASSERT_TRUE(data) << s.file;
    const auto config = read_node_config(*data);
    ASSERT_TRUE(config) << s.file << config.error().what;
    EXPECT_EQ(json::value(*data), write_node_config(*config)) << s.file;
  }
  EXPECT_GE(configs, 6u);
}

// What sample 28 holds, row by row; "" is absent.
struct Expected {
  const char* uuid;
  Asn asn;
  std::int64_t status;
  Intent intent;
  const char* fault;     // of the row
  const char* neighbor;  // of its peering on jp1
  const char* families;  // "4", "6", "46", with "x" for extended next hop
  const char* public_key;
  const char* preshared_key;
  const char* endpoint;
  std::uint16_t listen_port;
  std::uint32_t mtu;
  const char* last_error;
};

constexpr const char* kKeyFault = "credential: expected a WireGuard public key (44 characters of base64)";

constexpr auto kExpected = std::to_array<Expected>({
    {"0af35654-7f9e-49ff-83d4-c1b2490bb6d3", 4242420107, 8, Intent::untouched, "", "fe80::107", "46x",
     "BfGntXEY5rQzbXLBstlvPEgIb5NkEu4TySXx880iVww=", "", "", 30107, 1420, "no reply"},
    {"1eb72f45-494a-4687-87c9-662fb1f8af2e", 4242420112, 3, Intent::untouched, kKeyFault, "", "", "", "", "", 0, 0, ""},
    {"1f233f6e-8814-43aa-a20a-0bebad4cdbb7", 4242420108, 1, Intent::absent, "", "fe80::108", "46x",
     "fUyi67oSQJr0vn9iKk1gCDajvFQXKoz9m3bs4ljh6pc=", "", "", 30108, 1420, ""},
    {"31208394-b997-422f-b320-966436f43444", 4242420111, 3, Intent::untouched, "", "fe80::111", "46x",
     "ICO1MweEH8NbznlyrgQGXIxxb7DqIIKhTKblLcO+hm4=", "", "198.51.100.11:51820", 0, 1420, ""},
    {"3f7002fb-4d90-45bb-a646-6f30be403c9e", 4242420102, 4, Intent::present, "", "fe80::102", "46x",
     "uJskkgsWIKjUdj4GVtWL07j7wGWGrSLW5g3jUjtfgmk=", "TGd4Ing/MxhIFa5mh+4wwkX6MJw78mw/OlEPWwQry+o=",
     "peer102.example.net:20998", 30102, 1420, ""},
    {"62ed3868-969b-4961-846c-bfab68d1a91f", 64999, 4, Intent::present, kKeyFault, "", "", "", "", "", 0, 0, ""},
    {"6c971abc-0b94-4c66-be8c-c646dc0e9c19", 4242420109, 7, Intent::absent, "", "fe80::109", "46x",
     "V3xq2UjSTNRJ7BWsDajJxzb/l1tAKbQqzMhCVI/BWc0=", "", "", 30109, 1420, ""},
    {"863f844e-28cc-47ee-8071-fddee3178b41", 4242420116, 5, Intent::absent, "", "fe80::116", "46x",
     "uB4D82INO0NnP987qPNoNBxAInGVs2IQDgYJTtEd+Lo=", "JV0/2VcsgjAJ3PPrGPCucg3fGkMUnEV2E5h2q9hsOMA=", "192.0.2.116:5",
     30116, 1420, ""},
    {"8bfccd65-cc2a-4195-8d9d-f44f0293a368", 4242420105, 5, Intent::absent, "", "fd42:105::1", "46x",
     "3pZp3aZ3qxEZCprBtuMUO+J/eK0rmY6DclEyZB5dayI=", "", "[2001:db8::105]:51822", 30105, 1420, ""},
    {"8fe9263a-ce0d-4c5c-9059-963fd3824b80", 4242420114, 4, Intent::present, kKeyFault, "", "", "", "", "", 0, 0, ""},
    {"94d0fc31-865d-49ab-a7b3-445ece07c3d3", 4242420104, 4, Intent::present, "", "172.20.104.1", "4",
     "Qa/Gztv69l9Qlu+YX8IGvU2SedGnWT1b2v+pE0zf8lM=", "2XKyQszqIsCmzyXrIIK33bdXv5zDrdkhY7YFHsb23v0=",
     "192.0.2.104:51821", 30104, 1300, ""},
    {"9d78ac32-7dd9-460a-9374-e3e83fd11fc1", 4242420103, 2, Intent::present, "", "fe80::103", "46x",
     "tC3l0zBYDYcZD40u8XlUhzpWdf9F4FqVSdEvSlvidzw=", "", "192.0.2.103:51820", 30103, 1400, ""},
    {"ae10b651-1e4d-46ba-b68c-59b9afd87194", 4242420101, 3, Intent::untouched, "", "fd42:101::1", "46x",
     "PpGtxKPlfm63rxqbM0mZVTVI86lUxikgrs72tdAe1qQ=", "", "192.0.2.101:31998", 30101, 1420, ""},
    {"c892ba72-0b39-4603-b3a3-5ddc86e4cf64", 4242420113, 8, Intent::untouched, "", "fe80::113", "6",
     "lnqxnxqLyLzbB9XneYN56SE2xXiPhZ17BiK778Ncoa8=", "", "198.51.100.13:51820", 0, 1420, "ASN is blocked"},
    {"f479bcea-35c1-4b45-8989-a38ca28eaa4a", 4242420106, 6, Intent::present, "", "fe80::106", "46x",
     "XgYNKBvykZNROd8d3H9qUUih1E8+6sGn8T0frRuKN8c=", "", "", 30106, 1420, "wg: bad key\nline2"},
});

void expect_session(const Session& session, const Expected& expected, const NodeIdentity& node) {
  EXPECT_EQ(session.uuid, expected.uuid);
  EXPECT_EQ(session.asn, expected.asn);
  EXPECT_EQ(session.status, *session_status_from_int(expected.status));
  EXPECT_EQ(session.name, "AS" + std::to_string(expected.asn));
  EXPECT_EQ(session.interface_name, "dn42-" + std::to_string(expected.asn));
  EXPECT_EQ(session.type, TunnelType::wireguard);
  EXPECT_EQ(session.policy, SessionPolicy::full);
  EXPECT_EQ(session.public_key.base64(), expected.public_key);
  EXPECT_EQ(session.preshared_key ? session.preshared_key->base64() : "", expected.preshared_key);
  EXPECT_EQ(session.endpoint ? session.endpoint->text() : "", expected.endpoint);
  EXPECT_EQ(session.listen_port, expected.listen_port);
  EXPECT_EQ(session.mtu_bytes, expected.mtu);
  EXPECT_FALSE(session.bgp_password);
  EXPECT_FALSE(session.import_limit);
  const auto peering = peering_of(session, node);
  ASSERT_TRUE(peering) << expected.uuid << peering.error().text();
  EXPECT_EQ(peering->neighbor.text(), expected.neighbor);
  const std::string families = std::string(peering->carries_ipv4 ? "4" : "") + (peering->carries_ipv6 ? "6" : "") +
                               (peering->extended_next_hop ? "x" : "");
  EXPECT_EQ(families, expected.families) << expected.uuid;
}

TEST(Samples, SessionsOfJp1RowByRow) {
  const NodeIdentity node = node_of("02");
  const std::vector<SessionRow> rows = rows_of("28");
  ASSERT_EQ(rows.size(), kExpected.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Expected& expected = kExpected[i];
    SCOPED_TRACE(expected.uuid);
    EXPECT_EQ(rows[i].uuid, expected.uuid);
    EXPECT_EQ(rows[i].asn, expected.asn);
    EXPECT_EQ(rows[i].status, expected.status);
    EXPECT_EQ(intent_of(rows[i].status), expected.intent);
    EXPECT_EQ(rows[i].last_error, expected.last_error);
    if (rows[i].session) {
      EXPECT_STREQ(expected.fault, "");
      expect_session(*rows[i].session, expected, node);
    } else {
      EXPECT_EQ(rows[i].session.error().text(), expected.fault);
    }
  }
}

TEST(Samples, OrderOfTheListDoesNotMatter) {
  std::map<SessionId, SessionRow> before;
  for (const SessionRow& row : rows_of("28")) before.emplace(row.uuid, row);
  const std::vector<SessionRow> after = rows_of("57");
  EXPECT_EQ(after.size(), 14u);
  for (const SessionRow& row : after) EXPECT_EQ(row, before.at(row.uuid));
}

TEST(Samples, SessionsOfTheOtherNodes) {
  const std::vector<SessionRow> hk = rows_of("29");
  ASSERT_EQ(hk.size(), 1u);
  ASSERT_TRUE(hk[0].session);
  EXPECT_EQ(peering_of(*hk[0].session, node_of("03"))->source.text(), "fe80::998:101:1:1");
  const std::vector<SessionRow> de = rows_of("30");
  ASSERT_EQ(de.size(), 2u);
  EXPECT_EQ(de[1].session->asn, 4294967295u);
  EXPECT_EQ(de[1].session->listen_port, 37295);
  EXPECT_EQ(de[1].session->interface_name, "dn42-4294967295");
  EXPECT_EQ(peering_of(*de[0].session, node_of("04"))->neighbor.text(), "fe80::116");
}

TEST(Samples, ConfigOfJp1) {
  const NodeConfig config = read_node_config(*read_envelope(sample("02").response.body)).value();
  EXPECT_EQ(config.node.name, "jp1");
  EXPECT_EQ(config.node.id, 2u);
  EXPECT_EQ(config.node.region, "AS");
  EXPECT_EQ(config.bird.control_socket, "/var/run/bird/run/bird.ctl");
  EXPECT_EQ(config.bird.pool_size, 5u);
  EXPECT_EQ(config.bird.pool_size_max, 64u);
  EXPECT_EQ(config.bird.peer_folder, "/etc/bird/peers");
  EXPECT_EQ(config.wireguard.private_key_path, "/etc/wireguard/private.key");
  EXPECT_EQ(config.wireguard.keepalive, std::chrono::seconds(25));
  EXPECT_EQ(config.wireguard.dn42_ipv4->text(), "172.22.188.2");
  EXPECT_EQ(config.wireguard.dn42_ipv6->text(), "fd00:4242:7777:101:2::1");
  EXPECT_EQ(config.wireguard.dn42_ipv6_link_local->text(), "fe80::998:101:2:1");
  EXPECT_EQ(config.metric.ping_workers, 32u);
  EXPECT_FALSE(config.auto_update.enabled);
  EXPECT_EQ(config.auto_update.check_interval, std::chrono::minutes(60));
  EXPECT_EQ(config.auto_update.channel, "stable");
}

TEST(Samples, EveryMeshIsReadWithoutAFault) {
  std::map<std::string, Mesh> meshes;
  for (const HttpSample& s : samples()) {
    if (!s.target.ends_with("/mesh") || s.status != 200) continue;
    const auto data = read_envelope(s.response.body);
    ASSERT_TRUE(data) << s.file;
    const auto mesh = read_mesh(*data);
    ASSERT_TRUE(mesh) << s.file << mesh.error().what;
    EXPECT_TRUE(mesh->all_identified) << s.file;
    for (const MeshRow& row : mesh->peers) EXPECT_TRUE(row.peer) << s.file;
    meshes.emplace(s.file.substr(0, 2), *mesh);
  }
  ASSERT_EQ(meshes.size(), 4u);
  EXPECT_FALSE(meshes.at("06").peers.at(0).peer->public_key);
  EXPECT_TRUE(meshes.at("22").peers.empty());
  EXPECT_EQ(meshes.at("22").self.node_id, 27u);
  EXPECT_EQ(meshes.at("21").self, (MeshMember{1, "hk-rr", 101, IpAddress::parse("172.22.188.1").value(),
                                              IpAddress::parse("fd00:4242:7777:101:1::1").value(), true}));
  const MeshPeer jp1{2,
                     "jp1",
                     101,
                     IpAddress::parse("172.22.188.2").value(),
                     IpAddress::parse("fd00:4242:7777:101:2::1").value(),
                     Key::from_base64("tuOMbwiwFpzfT4QYOvqQzIcAXAeKSAJO3uen7qJDTSk=").value(),
                     std::nullopt,
                     HostPort{"127.0.0.12", 51821},
                     1420,
                     false};
  EXPECT_TRUE(meshes.at("21").peers.at(0).peer == jp1);
  EXPECT_TRUE(meshes.at("20").peers.at(0).peer->is_rr);
}

BirdPolicy policy_of(std::string_view number) {
  const Result<json::value> data = read_envelope(sample(number).response.body);
  if (!data) throw std::runtime_error(data.error().what);
  Result<BirdPolicy> policy = read_bird_config(*data);
  if (!policy) throw std::runtime_error(policy.error().what);
  return std::move(*policy);
}

TEST(Samples, PolicyOfJp1) {
  const BirdPolicy read = policy_of("31");
  EXPECT_EQ(read.node,
            (PolicyNode{2, "jp1", false, 1000, 101, IpAddress::parse("172.22.188.2").value(),
                        IpAddress::parse("fd00:4242:7777:101:2::1").value(), "as", "as_e", "as_e", "1g_plus"}));
  EXPECT_EQ(read.policy.asn, 4242420998u);
  EXPECT_EQ(read.policy.own_prefixes, (std::vector<IpPrefix>{IpPrefix::parse("172.22.188.0/26").value(),
                                                             IpPrefix::parse("fd00:4242:7777::/48").value()}));
  EXPECT_EQ(read.policy.rpki_servers, (std::vector<RpkiServer>{{"akae", {"rpki.akae.re", 8082}},
                                                               {"launchpadx", {"rpki.dn42.launchpadx.top", 8082}}}));
  EXPECT_EQ(read.policy.ebgp_import_limit, 10'000u);
  EXPECT_EQ(read.policy.ebgp_export_limit, 5'000u);
  EXPECT_EQ(read.policy.ibgp_import_limit, 20'000u);
  EXPECT_EQ(read.policy.ibgp_export_limit, 30'000u);
  EXPECT_EQ(read.policy.as_path_max_len, 5u);
  EXPECT_EQ(read.ibgp_peers, (std::vector<MeshMember>{{1, "hk-rr", 101, IpAddress::parse("172.22.188.1").value(),
                                                       IpAddress::parse("fd00:4242:7777:101:1::1").value(), true}}));
}

// The captured control plane numbers bandwidths and regions in its own way: what it says holds.
TEST(Samples, TablesOfThePolicyAreAsTold) {
  const RoutingPolicy policy = policy_of("31").policy;
  const json::value data = read_envelope(sample("31").response.body).value();
  const auto expect_told = [&](const char* group, const char* table, const auto& names) {
    for (const auto& [name, value] : data.at("policy").at(group).at(table).as_object()) {
      ASSERT_TRUE(names.contains(std::string(name))) << table << name;
      EXPECT_EQ(names.at(std::string(name)).value, value.as_array().back().as_int64()) << table << name;
    }
  };
  expect_told("communities", "latency", policy.latency);
  expect_told("communities", "bandwidth", policy.bandwidth);
  expect_told("communities", "crypto", policy.crypto);
  expect_told("communities", "region", policy.region);
  expect_told("largeCommunities", "origin", policy.origin);
  expect_told("largeCommunities", "subregion", policy.subregion);
  expect_told("largeCommunities", "bandwidth", policy.link_bandwidth);
  EXPECT_EQ(policy.bandwidth.size(), 5u);  // 22 is not 1 Mbit/s there
  EXPECT_TRUE(policy.crypto.contains("psk"));
}

TEST(Samples, PoliciesOfTheOtherNodes) {
  const BirdPolicy reflector = policy_of("32");
  EXPECT_TRUE(reflector.node.is_rr);
  EXPECT_EQ(reflector.node.bandwidth_community, "10g_plus");
  EXPECT_FALSE(reflector.ibgp_peers.at(0).is_rr);
  const BirdPolicy lone = policy_of("33");
  EXPECT_EQ(lone.node.continent, "eu");
  EXPECT_EQ(lone.node.subregion, "eu_c");
  EXPECT_EQ(lone.node.region_community, "eu");
  EXPECT_EQ(lone.node.bandwidth_mbit, 100u);
  EXPECT_TRUE(lone.ibgp_peers.empty());
  EXPECT_EQ(lone.policy, reflector.policy);
}

TEST(Samples, EveryHeartbeatIsWrittenAsItWasCaptured) {
  std::size_t heartbeats = 0;
  for (const char* number : {"07", "08", "09", "10", "16"}) {
    const json::value body = json::parse(sample(number).request.body);
    const auto heartbeat = read_heartbeat(body);
    ASSERT_TRUE(heartbeat) << number << heartbeat.error().what;
    EXPECT_EQ(write_json(*heartbeat), body) << number;
    ++heartbeats;
  }
  EXPECT_EQ(heartbeats, 5u);
  const Heartbeat jp1 = read_heartbeat(json::parse(sample("07").request.body)).value();
  EXPECT_EQ(jp1.node, "jp1");
  EXPECT_EQ(jp1.sent_bytes, 123456789012u);
  EXPECT_EQ(jp1.received_bytes, 987654321098u);
  EXPECT_EQ(jp1.public_ipv4->text(), "127.0.0.12");
  EXPECT_EQ(read_heartbeat(json::parse(sample("13").request.body)).error().what, "Missing node_id");
  EXPECT_FALSE(read_heartbeat(json::parse(sample("14").request.body)));
}

}  // namespace
}  // namespace moenet::model
