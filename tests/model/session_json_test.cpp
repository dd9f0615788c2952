#include "model/session_json.h"

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "model/session_rows.h"

namespace moenet::model {
namespace {

TEST(SessionJson, ReadsTheGoodRow) {
  const SessionRow row = read_session(good_row());
  ASSERT_TRUE(row.session) << fault_of(row);
  EXPECT_EQ(row.uuid, kUuid);
  EXPECT_EQ(row.session->mtu_bytes, 1420u);
  EXPECT_TRUE(row.session->mp_bgp);
  EXPECT_FALSE(row.session->extended_next_hop);
  EXPECT_FALSE(row.session->endpoint);
}

struct Dialect {
  const char* field;
  std::string text;   // JSON
  std::string fault;  // "" when the row is good
};

void expect_faults(const std::vector<Dialect>& dialects) {
  for (const Dialect& d : dialects) EXPECT_EQ(fault_of(with(d.field, d.text)), d.fault) << d.field << " " << d.text;
}

TEST(SessionJson, ReadsNumbersOfEveryForm) {
  expect_faults({
      {"asn", "\"4242420001\"", ""},
      {"asn", "4242420001.0", ""},
      {"asn", "4294967295", ""},
      {"asn", "4294967296", "asn: 4294967296 is not a number from 1 to 4294967295"},
      {"asn", "0", "asn: 0 is not a number from 1 to 4294967295"},
      {"asn", "-1", "asn: -1 is not a number from 1 to 4294967295"},
      {"asn", "\"AS1\"", "asn: 'AS1' is not a number from 1 to 4294967295"},
      {"asn", "null", "asn: expected a number from 1 to 4294967295"},
      {"port", "\"31080\"", ""},
      {"port", "65535", ""},
      {"port", "65536", "port: 65536 is not a number from 0 to 65535"},
      {"port", "-1", "port: -1 is not a number from 0 to 65535"},
      {"port", "[]", "port: a list is not a number from 0 to 65535"},
      {"mtu", "1280", ""},
      {"mtu", "9000", ""},
      {"mtu", "\"1400\"", ""},
      {"mtu", "0", ""},
      {"mtu", "null", ""},
      {"mtu", "-5", "mtu: -5 is not a number from 1280 to 9000"},
      {"mtu", "1279", "mtu: 1279 is not a number from 1280 to 9000"},
      {"mtu", "9001", "mtu: 9001 is not a number from 1280 to 9000"},
      {"status", "\"2\"", ""},
  });
  EXPECT_EQ(with("asn", "\"4242420001\"").asn, 4242420001u);
  EXPECT_EQ(with("mtu", "0").session->mtu_bytes, 1420u);
  EXPECT_EQ(with("mtu", "1300").session->mtu_bytes, 1300u);
  EXPECT_EQ(with("port", "\"31080\"").session->listen_port, 31080);
}

TEST(SessionJson, ReadsTheLocalPortWhereThereIsNoPort) {
  json::object row = good_row();
  row.erase("port");
  row["localPort"] = "31080";
  EXPECT_EQ(read_session(row).session->listen_port, 31080);
  row["port"] = 5;
  EXPECT_EQ(read_session(row).session->listen_port, 5);
}

TEST(SessionJson, KeepsTheIdentityOfABadRow) {
  const SessionRow row = with("mtu", "-5");
  EXPECT_FALSE(row.session);
  EXPECT_EQ(row.uuid, kUuid);
  EXPECT_EQ(row.asn, 4242420001u);
  EXPECT_EQ(row.status, 4);
}

TEST(SessionJson, KeepsAStatusThatIsUnknown) {
  const SessionRow row = with("status", "99");
  EXPECT_EQ(row.status, 99);
  EXPECT_EQ(fault_of(row), "status: 99 is not a status from 0 to 8");
  EXPECT_EQ(with("status", "null").status, std::nullopt);
  EXPECT_EQ(with("status", "\"active\"").status, std::nullopt);
  EXPECT_EQ(with("status", "-9223372036854775808").status, INT64_MIN);
}

TEST(SessionJson, ReadsTheUuidInLowerCase) {
  EXPECT_EQ(with("uuid", "\"3F7002FB-4D90-45BB-A646-6F30BE403C9E\"").uuid, kUuid);
  for (const char* bad : {"\"\"", "null", "5", "\"3f7002fb4d9045bba6466f30be403c9e\"",
                          "\"3f7002fb-4d90-45bb-a646-6f30be403c9g\"", "\"../../../../../../../etc/passwd/../..\""}) {
    EXPECT_EQ(with("uuid", bad).uuid, "") << bad;
    EXPECT_EQ(with("uuid", bad).session.error().field, "uuid") << bad;
  }
}

TEST(SessionJson, ReadsCredentialsOfEveryShape) {
  const std::string key = kKey;
  const std::string psk = kPsk;
  const std::vector<std::string> with_psk = {
      R"({"public_key":")" + key + R"(","preshared_key":")" + psk + R"(","listen_port":1,"endpoint":"x:1","mtu":9})",
      R"({"pubkey":")" + key + R"(","psk":")" + psk + R"("})",
      R"({"publicKey":")" + key + R"(","psk":")" + psk + R"("})",
      R"( {"publicKey":")" + key + R"(\n","presharedKey":" )" + psk + R"("} )",
  };
  for (const std::string& credential : with_psk) {
    for (const std::string& text : {json_text(credential), credential}) {  // JSON text, and the object itself
      const SessionRow row = with("credential", text);
      ASSERT_TRUE(row.session) << text << fault_of(row);
      EXPECT_EQ(row.session->public_key.base64(), key);
      ASSERT_TRUE(row.session->preshared_key) << text;
      EXPECT_EQ(row.session->preshared_key->base64(), psk);
      EXPECT_EQ(row.session->mtu_bytes, 1420u);
    }
  }
  const std::string zero(Key().base64());
  const std::vector<std::string> without_psk = {key,
                                                " " + key + "\n",
                                                "\"" + key + "\"",
                                                R"({"public_key":")" + key + R"(","preshared_key":null})",
                                                R"({"public_key":")" + key + R"(","preshared_key":""})",
                                                R"({"public_key":")" + key + R"(","preshared_key":")" + zero + R"("})",
                                                R"({"public_key":null,"pubkey":")" + key + R"("})"};
  for (const std::string& credential : without_psk) {
    const SessionRow row = with("credential", json_text(credential));
    ASSERT_TRUE(row.session) << credential << fault_of(row);
    EXPECT_EQ(row.session->public_key.base64(), key);
    EXPECT_FALSE(row.session->preshared_key);
  }
}

TEST(SessionJson, RefusesBrokenCredentialsWithoutShowingThem) {
  const std::string psk = kPsk;
  const std::string key = kKey;
  const std::vector<std::string> broken = {
      "null",
      "5",
      "true",
      "[]",
      "{}",
      "\"\"",
      "\"null\"",
      "\"5\"",
      "\"{}\"",
      "\"{\"",
      "\"[1]\"",
      json_text(R"({"psk":")" + psk + R"("})"),
      json_text(R"({"pubkey":null,"psk":")" + psk + R"("})"),
      json_text(R"({"public_key":5,"psk":")" + psk + R"("})"),
      json_text(R"({"public_key":")" + key + R"(","psk":")" + psk.substr(1) + R"("})"),
      json_text(R"({"public_key":")" + key + R"(","psk":5})"),
      json_text(Key().base64()),
      json_text(psk.substr(1)),
      json_text(psk + psk),
      json_text(std::string(100'000, '{')),
      json_text(std::string(100'000, 'A')),
  };
  for (const std::string& text : broken) {
    const SessionRow row = with("credential", text);
    ASSERT_FALSE(row.session) << text.substr(0, 80);
    EXPECT_EQ(row.session.error().field, "credential");
    EXPECT_EQ(fault_of(row).find(psk.substr(2, 8)), std::string::npos) << fault_of(row);
    EXPECT_LT(fault_of(row).size(), 120u);
  }
}

json::object gre_row(const char* type, json::value endpoint) {
  json::object row = good_row();
  row["type"] = type;
  row["credential"] = "";
  row["endpoint"] = std::move(endpoint);
  return row;
}

TEST(SessionJson, AGreTunnelLeadsToAHostThatHasNoPort) {
  const struct {
    const char* type;
    const char* endpoint;
    const char* host;
  } good[] = {{"gre", "192.0.2.1", "192.0.2.1"},
              {"gre", "192.0.2.1:51820", "192.0.2.1"},
              {"gre", "peer.example:0", "peer.example"},
              {"ip6gre", "peer.example", "peer.example"},
              {"ip6gre", "2001:db8::1:5", "2001:db8::1:5"},
              {"ip6gre", "[2001:db8::1]:5", "2001:db8::1"}};
  for (const auto& [type, endpoint, host] : good) {
    const SessionRow row = read_session(gre_row(type, endpoint));
    ASSERT_TRUE(row.session) << endpoint << ": " << fault_of(row);
    EXPECT_EQ(row.session->endpoint, (HostPort{host, 0})) << endpoint;
    EXPECT_EQ(row.session->listen_port, 0);
  }
  for (const char* endpoint : {"2001:db8::1", "0.0.0.0", "224.0.0.5", "169.254.0.1", "a b", ""}) {
    const SessionRow row = read_session(gre_row("gre", endpoint));
    ASSERT_FALSE(row.session) << endpoint;
    EXPECT_EQ(row.session.error().field, "endpoint") << endpoint;
  }
  for (const char* endpoint : {"192.0.2.1", "::", "ff02::1", "fe80::1"})
    EXPECT_FALSE(read_session(gre_row("ip6gre", endpoint)).session) << endpoint;
  EXPECT_EQ(fault_of(read_session(gre_row("gre", nullptr))),
            "endpoint: expected the peer's IPv4 address, or a name that has one: gre has to know where to send");
}

TEST(SessionJson, OnlyGreHasAGreKey) {
  const auto key_of = [](json::object row, json::value key) {
    row["data"] = json::object{{"greKey", std::move(key)}};
    const SessionRow read = read_session(row);
    if (!read.session) return fault_of(read);
    return read.session->gre_key ? std::to_string(*read.session->gre_key) : std::string("none");
  };
  const json::object gre = gre_row("gre", "192.0.2.1");
  EXPECT_EQ(key_of(gre, 0), "0");
  EXPECT_EQ(key_of(gre, "4294967295"), "4294967295");
  EXPECT_EQ(key_of(gre, nullptr), "none");
  EXPECT_EQ(key_of(gre, 4'294'967'296), "data.greKey: 4294967296 is not a number from 0 to 4294967295");
  EXPECT_EQ(key_of(good_row(), 5), "none");
  EXPECT_EQ(key_of(good_row(), "?"), "none");
}

TEST(SessionJson, NeedsNoKeyForTunnelsWithoutOne) {
  json::object row = good_row();
  row["credential"] = "";
  row["endpoint"] = "peer.example";
  for (const char* type : {"gre", "ip6gre", "GRE"}) {
    row["type"] = type;
    EXPECT_TRUE(read_session(row).session) << type;
  }
  row["type"] = "wireguard";
  EXPECT_FALSE(read_session(row).session);
  expect_faults({{"type", "null", ""},
                 {"type", "\"\"", ""},
                 {"type", "\"WireGuard\"", ""},
                 {"type", "\"openvpn\"", "type: 'openvpn' is not one of wireguard, gre, ip6gre"}});
}

TEST(SessionJson, ReadsExtensionsOfEveryShape) {
  const std::vector<std::string> both = {R"(["mp_bgp","extended_nexthop"])",
                                         R"(["mp-bgp","extended-nexthop","unknown",5,null])",
                                         R"("[\"mp_bgp\",\"extended_nexthop\"]")",
                                         R"({"mp_bgp":true,"extended_nexthop":1})",
                                         R"("{\"mp-bgp\":true,\"extended-nexthop\":\"true\"}")",
                                         R"("mp_bgp, extended_nexthop")",
                                         R"({"0":"mp_bgp","1":"extended_nexthop"})",
                                         R"(["MP_BGP","Extended-Nexthop"])"};
  for (const std::string& text : both) {
    const SessionRow row = with("extensions", text);
    ASSERT_TRUE(row.session) << text << fault_of(row);
    EXPECT_TRUE(row.session->mp_bgp) << text;
    EXPECT_TRUE(row.session->extended_next_hop) << text;
  }
  for (const char* text :
       {"null", "[]", "{}", "\"\"", "\"[]\"", "[\"x\"]", R"({"mp_bgp":false,"extended_nexthop":0})"}) {
    const SessionRow row = with("extensions", text);
    ASSERT_TRUE(row.session) << text << fault_of(row);
    EXPECT_FALSE(row.session->mp_bgp) << text;
    EXPECT_FALSE(row.session->extended_next_hop) << text;
  }
  for (const char* text : {"5", "true", "\"[\"", "\"{x\""}) {
    EXPECT_EQ(with("extensions", text).session.error().field, "extensions") << text;
  }
}

TEST(SessionJson, ReadsPoliciesByNameAndNumber) {
  const SessionPolicy policies[] = {SessionPolicy::full, SessionPolicy::peer, SessionPolicy::upstream,
                                    SessionPolicy::downstream};
  for (int i = 0; i < 4; ++i) {
    const std::string number = std::to_string(i);
    const std::string name(name_of(policies[i]));
    for (const std::string& text : {number, json_text(number), json_text(name), json_text(" " + name)}) {
      const SessionRow row = with("policy", text);
      ASSERT_TRUE(row.session) << text;
      EXPECT_EQ(row.session->policy, policies[i]) << text;
    }
  }
  EXPECT_EQ(with("policy", "null").session->policy, SessionPolicy::full);
  for (const char* text : {"4", "-1", "\"transit\"", "[]", "true", "1.5"}) {
    EXPECT_EQ(with("policy", text).session.error().field, "policy") << text;
  }
}

TEST(SessionJson, ReadsInterfaceNamesThatTheKernelTakes) {
  for (const char* good : {"dn42-4242420001", "dn42_4242420001", "a", "wg0.1"}) {
    EXPECT_EQ(with("interface", json_text(good)).session->interface_name, good);
  }
  for (const char* bad :
       {"", ".", "..", "all", "default", "dn42-42424200012", "a b", "a/b", "a'b", "a%b", "a\nb", "\xC3\xA4", "a:b"}) {
    const SessionRow row = with("interface", json_text(bad));
    ASSERT_FALSE(row.session) << bad;
    EXPECT_EQ(row.session.error().field, "interface");
  }
  EXPECT_EQ(fault_of(with("interface", "null")), "interface: expected a link name (1 to 15 of A-Z a-z 0-9 _ . -)");
  EXPECT_FALSE(with("interface", "5").session);
}

TEST(SessionJson, ReadsAddressesWithAPrefixLength) {
  EXPECT_EQ(with("ipv4", "\"172.20.1.1/32\"").session->ipv4->text(), "172.20.1.1");
  EXPECT_EQ(with("ipv6", "\"fe80::1/64\"").session->ipv6->text(), "fe80::1");
  EXPECT_EQ(with("ipv6LinkLocal", "\"FE80:0::2/10\"").session->ipv6_link_local->text(), "fe80::2");
  EXPECT_FALSE(with("ipv6", "\"\"").session->ipv6);
  EXPECT_FALSE(with("ipv4", "\" \"").session->ipv4);
  expect_faults({
      {"ipv4", "\"junk\"", "ipv4: 'junk' is not a unicast IPv4 address"},
      {"ipv4", "\"fd00::1\"", "ipv4: 'fd00::1' is not a unicast IPv4 address"},
      {"ipv4", "\"172.20.1.1/33\"", "ipv4: '172.20.1.1/33' is not a unicast IPv4 address"},
      {"ipv4", "\"127.0.0.1\"", "ipv4: '127.0.0.1' is not an address that a peer can have"},
      {"ipv4", "5", "ipv4: 5 is not a unicast IPv4 address"},
      {"ipv6", "\"ff02::1\"", "ipv6: 'ff02::1' is not a unicast IPv6 address"},
      {"ipv6", "\"fe80::1; drop\"", "ipv6: 'fe80::1; drop' is not a unicast IPv6 address"},
      {"ipv6LinkLocal", "\"fd00::1\"", "ipv6LinkLocal: 'fd00::1' is not a link-local IPv6 address (fe80::/10)"},
  });
}

TEST(SessionJson, ReadsEndpointsOfEveryForm) {
  const std::pair<const char*, const char*> good[] = {
      {"192.0.2.1:5", "192.0.2.1:5"},
      {"[2001:db8::1]:5", "[2001:db8::1]:5"},
      {"2001:db8:1:2:3:4:5:6:7", "[2001:db8:1:2:3:4:5:6]:7"},
      {"peer.example.net:20998", "peer.example.net:20998"},
      {" peer.example.net:20998\n", "peer.example.net:20998"},
      {"peer.example.net", "peer.example.net:51820"},
      {"192.0.2.1", "192.0.2.1:51820"},
      {"[2001:db8::1]", "[2001:db8::1]:51820"},
  };
  for (const auto& [text, expected] : good) {
    const SessionRow row = with("endpoint", json_text(text));
    ASSERT_TRUE(row.session) << fault_of(row);
    ASSERT_TRUE(row.session->endpoint);
    EXPECT_EQ(row.session->endpoint->text(), expected);
  }
  for (const char* absent : {"null", "\"\"", "\"  \""})
    EXPECT_FALSE(with("endpoint", absent).session->endpoint) << absent;
  for (const char* bad :
       {"a b:1", "host:0", "host:65536", "host:", ":5", "host:x", "a;reboot:1", "[::1", "a\nb:1", "-"}) {
    EXPECT_EQ(with("endpoint", json_text(bad)).session.error().field, "endpoint") << bad;
  }
  EXPECT_FALSE(with("endpoint", json_text(std::string(10'000, 'a'))).session);
}

TEST(SessionJson, TakesTheCredentialsCopyOnlyWhereTheRowHasNoField) {
  json::object row = good_row();
  row["credential"] =
      R"({"public_key":")" + std::string(kKey) + R"(","listen_port":"30001","endpoint":"x.example:9","mtu":1300})";
  EXPECT_FALSE(read_session(row).session->endpoint);
  EXPECT_EQ(read_session(row).session->listen_port, 0);
  row.erase("endpoint");
  row.erase("port");
  row.erase("mtu");
  EXPECT_EQ(read_session(row).session->endpoint->text(), "x.example:9");
  EXPECT_EQ(read_session(row).session->listen_port, 30001);
  EXPECT_EQ(read_session(row).session->mtu_bytes, 1420u);
}

TEST(SessionJson, ReadsWhatItKnowsOfData) {
  for (const char* text : {R"({"password":"s3cret\"","importLimit":"500","bandwidthMbit":"100","other":1})",
                           R"("{\"password\":\"s3cret\\\"\",\"importLimit\":500,\"bandwidthMbit\":100}")"}) {
    const SessionRow row = with("data", text);
    ASSERT_TRUE(row.session) << fault_of(row);
    EXPECT_EQ(row.session->bgp_password->reveal(), "s3cret\"");
    EXPECT_EQ(row.session->import_limit, 500u);
    EXPECT_EQ(row.session->bandwidth_mbit, 100u);
  }
  for (const char* text : {"null", "5", "[]", "{}", "\"x\"", "\"{\"",
                           R"({"password":"","importLimit":0,"bandwidthMbit":0})", R"({"a":1})"}) {
    const SessionRow row = with("data", text);
    ASSERT_TRUE(row.session) << text << fault_of(row);
    EXPECT_FALSE(row.session->bgp_password);
    EXPECT_FALSE(row.session->import_limit);
    EXPECT_FALSE(row.session->bandwidth_mbit);
  }
  expect_faults({
      {"data", R"({"password":"s3cret\n"})", "data.password: expected 1 to 80 characters of printable ASCII"},
      {"data", R"({"password":12345678})", "data.password: expected 1 to 80 characters of printable ASCII"},
      {"data", "{\"password\":\"" + std::string(81, 'x') + "\"}",
       "data.password: expected 1 to 80 characters of printable ASCII"},
      {"data", R"({"importLimit":-1})", "data.importLimit: -1 is not a number from 0 to 4294967295"},
      {"data", R"({"bandwidthMbit":"fast"})", "data.bandwidthMbit: 'fast' is not a number from 0 to 1000000"},
  });
}

TEST(SessionJson, KeepsHostileTextAsItIsButValidAndShort) {
  const std::vector<std::string> hostile = {"a\nb",
                                            "\"; }",
                                            "{ } ' \" \\",
                                            "%s%n%d",
                                            std::string("a\0b", 3),
                                            "\xE2\x80\xAE"
                                            "rtl",
                                            "\x1B[2J",
                                            "$(reboot)",
                                            "<script>"};
  for (const std::string& text : hostile) {
    const SessionRow row = with("description", json_text(text));
    ASSERT_TRUE(row.session);
    EXPECT_EQ(row.session->description, text);
    EXPECT_EQ(with("name", json_text(text)).session->name, text);
  }
  EXPECT_EQ(with("description", json_text(std::string(10'000, 'x'))).session->description.size(), 1024u);
  EXPECT_EQ(with("name", json_text(std::string(10'000, 'x'))).session->name.size(), 255u);
  EXPECT_EQ(with("name", "[]").session->name, "");
  EXPECT_EQ(with("name", "42").session->name, "42");
  json::object row = good_row();
  row["description"] = "a\xFF\xC0z";
  EXPECT_EQ(read_session(row).session->description, "a\xEF\xBF\xBD\xEF\xBF\xBDz");
}

TEST(SessionJson, NeverPutsHostileBytesIntoAFault) {
  const std::vector<std::string> hostile = {"a\nb\"'", std::string("\0", 1), "\x1B[2J", std::string(10'000, '{'),
                                            "\xFF\xFE"};
  for (const char* field : {"uuid", "asn", "status", "ipv4", "ipv6", "ipv6LinkLocal", "type", "extensions", "interface",
                            "endpoint", "mtu", "port", "policy"}) {
    for (const std::string& text : hostile) {
      json::object row = good_row();
      row[field] = text;
      const std::string fault = fault_of(read_session(row));
      EXPECT_TRUE(std::all_of(fault.begin(), fault.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20; }))
          << fault;
      EXPECT_EQ(valid_utf8(fault, fault.size()), fault);
      EXPECT_LT(fault.size(), 200u);
    }
  }
}

TEST(SessionJson, RefusesARowThatIsNoObject) {
  for (const char* text : {"null", "5", "[]", "\"x\"", "true"}) {
    const SessionRow row = read_session(json::parse(text));
    EXPECT_EQ(fault_of(row), "row: not a JSON object");
    EXPECT_TRUE(row.uuid.empty());
  }
  EXPECT_FALSE(read_session(json::object()).session);
}

}  // namespace
}  // namespace moenet::model
