// Sessions over real sockets: what operators may make and change of them, and what their node is told.
#include <algorithm>
#include <cctype>

#include "controlplane/service_fixture.h"

namespace moenet::controlplane {
namespace {

namespace json = boost::json;

constexpr const char* kPsk = "TGd4Ing/MxhIFa5mh+4wwkX6MJw78mw/OlEPWwQry+o=";

TEST_F(ServiceTest, ASessionLivesFromRequestToDeletion) {
  const std::string uuid = add(draft());
  EXPECT_EQ(only_session_of_agent().at("status").as_int64(), 3);
  EXPECT_EQ(admin("POST", "sessions/" + uuid + "/approve").status, 200);
  EXPECT_EQ(only_session_of_agent().at("status").as_int64(), 4);
  EXPECT_NE(modify(uuid, 2).find("\"updated\":true"), std::string::npos);
  EXPECT_EQ(json::parse(admin("GET", "sessions/" + uuid).body).at("status").as_string(), "ENABLED");
  EXPECT_EQ(admin("DELETE", "sessions/" + uuid).status, 200);
  EXPECT_EQ(only_session_of_agent().at("status").as_int64(), 5);
  EXPECT_NE(modify(uuid, 0).find("\"deleted\":true"), std::string::npos);
  EXPECT_EQ(admin("GET", "sessions/" + uuid).status, 404);
}

TEST_F(ServiceTest, HandsOutWhatWasAskedFor) {
  json::object body = draft();
  body["presharedKey"] = kPsk;
  body["mtu"] = 1400;
  body["password"] = "pass word";
  body["importLimit"] = 500;
  body["bandwidthMbit"] = 100;
  body["policy"] = "peer";
  add(body);
  const auto row = only_session_of_agent();
  EXPECT_EQ(row.at("interface").as_string(), "dn42-4242420101");
  EXPECT_EQ(row.at("port").as_int64(), 30'101);
  EXPECT_EQ(row.at("mtu").as_int64(), 1400);
  EXPECT_EQ(row.at("policy").as_string(), "peer");
  EXPECT_EQ(row.at("extensions").as_array().size(), 2u);
  const auto credential = json::parse(row.at("credential").as_string());
  EXPECT_EQ(credential.at("public_key").as_string(), kKey);
  EXPECT_EQ(credential.at("preshared_key").as_string(), kPsk);
  EXPECT_EQ(row.at("data").at("password").as_string(), "pass word");
  EXPECT_EQ(row.at("data").at("bandwidthMbit").as_int64(), 100);
}

TEST_F(ServiceTest, AGreSessionHasAFarEndInsteadOfKeys) {
  json::object body = draft();
  body.erase("publicKey");
  body["type"] = "gre";
  body["endpoint"] = "peer.example.net:51820";
  body["greKey"] = 7;
  const std::string uuid = add(body);
  const auto row = only_session_of_agent();
  EXPECT_EQ(row.at("type").as_string(), "gre");
  EXPECT_EQ(row.at("endpoint").as_string(), "peer.example.net");
  EXPECT_EQ(row.at("credential").as_string(), "");
  EXPECT_EQ(row.at("data").at("greKey").as_int64(), 7);
  EXPECT_EQ(row.at("port").as_int64(), 0);
  const auto shown = json::parse(admin("GET", "sessions/" + uuid).body);
  EXPECT_TRUE(shown.at("publicKey").is_null());
  EXPECT_EQ(shown.at("greKey").as_int64(), 7);
  const auto snippets = json::parse(admin("GET", "sessions/" + uuid + "/snippets").body).as_object();
  const std::string gre(snippets.at("gre").as_string());
  EXPECT_TRUE(gre.starts_with("ip link add moenet-2 type gre remote ")) << gre;
  EXPECT_NE(gre.find("ttl 64 tos inherit key 7\nip link set moenet-2 mtu 1420 addrgenmode none up\n"),
            std::string::npos)
      << gre;
  EXPECT_TRUE(gre.ends_with("ip addr add fe80::101/64 dev moenet-2\n")) << gre;
  EXPECT_FALSE(snippets.contains("wireguard"));
  expect_field(admin("PATCH", "sessions/" + uuid, {{"endpoint", nullptr}}), "endpoint");
  expect_field(admin("PATCH", "sessions/" + uuid, {{"type", "wireguard"}}), "publicKey");
  EXPECT_EQ(admin("PATCH", "sessions/" + uuid, {{"greKey", nullptr}}).status, 200);
  EXPECT_TRUE(only_session_of_agent().at("data").is_null());
}

TEST_F(ServiceTest, TellsOperatorsNoSecrets) {
  json::object body = draft();
  body["presharedKey"] = kPsk;
  body["password"] = "pass-word";
  const std::string uuid = add(body);
  for (const auto& answer : {admin("GET", "sessions/" + uuid), admin("GET", "sessions"), admin("GET", "nodes")}) {
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.body.find(kPsk), std::string::npos);
    EXPECT_EQ(answer.body.find("pass-word"), std::string::npos);
    EXPECT_EQ(answer.body.find(hash_of_token("token-of-jp1")), std::string::npos);
  }
}

TEST_F(ServiceTest, RefusesAtTheDoorWhatTheAgentWould) {
  const struct {
    const char* member;
    json::value value;
    const char* field;
  } cases[] = {
      {"asn", 0, "asn"},
      {"asn", -1, "asn"},
      {"asn", 4'294'967'296, "asn"},
      {"asn", 4'242'420'998, "asn"},
      {"node", "nope", "node"},
      {"publicKey", "short", "publicKey"},
      {"publicKey", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "publicKey"},
      {"publicKey", nullptr, "publicKey"},
      {"presharedKey", "short", "presharedKey"},
      {"endpoint", "host:99999", "endpoint"},
      {"endpoint", "bad host", "endpoint"},
      {"ipv4", "not an address", "ipv4"},
      {"ipv6", "172.20.0.1", "ipv6"},
      {"ipv6LinkLocal", "fd00::1", "ipv6LinkLocal"},
      {"ipv6LinkLocal", "fe80::998:101:2:1", "ipv6LinkLocal"},
      {"ipv6LinkLocal", nullptr, "ipv6"},
      {"ipv4", "172.22.188.2", "ipv4"},
      {"mtu", 1279, "mtu"},
      {"mtu", 9001, "mtu"},
      {"port", 65'536, "port"},
      {"port", 51'821, "port"},
      {"policy", "everything", "policy"},
      {"type", "ipip", "type"},
      {"greKey", 4'294'967'296, "greKey"},
      {"interface", "a-name-that-is-too-long", "interface"},
      {"interface", "a/b", "interface"},
      {"interface", "dn42-wg-igp-1", "interface"},
      {"name", "two\nlines", "name"},
      {"importLimit", -5, "importLimit"},
      {"bandwidthMbit", 0, "bandwidthMbit"},
      {"password", std::string(81, 'x').c_str(), "password"},
      {"password", "a\"b", "password"},
      {"password", "a\nb", "password"},
      {"password", "\xE2\x82\xAC", "password"},
      {"nonsense", 1, "nonsense"},
  };
  for (const auto& [member, value, field] : cases) {
    json::object body = draft();
    body[member] = value;
    SCOPED_TRACE(json::serialize(body));
    expect_field(admin("POST", "sessions", body), field);
  }
  EXPECT_TRUE(must(store_->sessions({})).empty());
}

TEST_F(ServiceTest, RefusesWhatAnotherSessionOfTheNodeHolds) {
  json::object first = draft();
  first["ipv4"] = "172.20.104.1";
  first["ipv6"] = "fd42:104::1";
  add(first);
  const auto second = [](const char* member, json::value value) {
    json::object body = draft(4'242'420'102);
    body[member] = std::move(value);
    return body;
  };
  expect_field(admin("POST", "sessions", second("asn", 4'242'420'101)), "asn");
  expect_field(admin("POST", "sessions", second("port", 30'101)), "port");
  expect_field(admin("POST", "sessions", second("interface", "dn42-4242420101")), "interface");
  expect_field(admin("POST", "sessions", second("ipv4", "172.20.104.1")), "ipv4");
  expect_field(admin("POST", "sessions", second("ipv6", "fd42:104:0::1")), "ipv6");
  EXPECT_EQ(admin("POST", "sessions", second("node", "hk-rr")).status, 201) << "another node is another world";
  const std::string uuid = add(second("ipv4", "172.20.104.2"));
  expect_field(admin("PATCH", "sessions/" + uuid, {{"ipv4", "172.20.104.1"}}), "ipv4");
}

TEST_F(ServiceTest, TakesAUuidInEitherCase) {
  const auto upper = [](std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return text;
  };
  const std::string uuid = upper(add(draft()));
  const std::string node = upper("da8c0ad2-d098-4b01-9371-b6f3dd8569d4");
  EXPECT_EQ(admin("GET", "sessions/" + uuid).status, 200);
  EXPECT_EQ(admin("POST", "sessions/" + uuid + "/approve").status, 200);
  EXPECT_EQ(admin("GET", "nodes/" + node).status, 200);
  EXPECT_EQ(json::parse(admin("GET", "sessions?node=" + node).body).at("sessions").as_array().size(), 1u);
  EXPECT_EQ(request("GET", "/api/v1/agent/" + node + "/sessions", "token-of-jp1").status, 200);
}

TEST_F(ServiceTest, AnIllegalMoveIsAConflict) {
  const std::string uuid = add(draft());
  EXPECT_EQ(admin("POST", "sessions/" + uuid + "/reject", {{"reason", "no"}}).status, 200);
  expect_field(admin("POST", "sessions/" + uuid + "/approve"), "status", 409);
  EXPECT_EQ(admin("POST", "sessions/" + uuid + "/dance").status, 404);
}

TEST_F(ServiceTest, AnEditedEnabledSessionIsQueuedAgain) {
  const std::string uuid = add(draft());
  admin("POST", "sessions/" + uuid + "/approve");
  modify(uuid, 2);
  const auto edited = admin("PATCH", "sessions/" + uuid, {{"mtu", 1300}, {"endpoint", nullptr}});
  EXPECT_EQ(edited.status, 200) << edited.body;
  const auto row = only_session_of_agent();
  EXPECT_EQ(row.at("status").as_int64(), 4);
  EXPECT_EQ(row.at("mtu").as_int64(), 1300);
  EXPECT_TRUE(row.at("endpoint").is_null());
  EXPECT_EQ(row.at("port").as_int64(), 30'101) << "what was not named stays";
}

TEST_F(ServiceTest, AnEditThatChangesNothingLeavesTheStatus) {
  const std::string uuid = add(draft());
  admin("POST", "sessions/" + uuid + "/approve");
  modify(uuid, 2);
  EXPECT_EQ(admin("PATCH", "sessions/" + uuid, {{"mtu", 1420}}).status, 200);
  EXPECT_EQ(only_session_of_agent().at("status").as_int64(), 2);
}

TEST_F(ServiceTest, AnEditKeepsThePresharedKey) {
  json::object body = draft();
  body["presharedKey"] = kPsk;
  const std::string uuid = add(body);
  admin("PATCH", "sessions/" + uuid, {{"mtu", 1300}});
  EXPECT_EQ(json::parse(only_session_of_agent().at("credential").as_string()).at("preshared_key").as_string(), kPsk);
}

}  // namespace
}  // namespace moenet::controlplane
