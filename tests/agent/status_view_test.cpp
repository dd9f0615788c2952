#include "agent/status_view.h"

#include <map>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

TEST(MaintenanceView, SaysWhatPeopleWaitFor) {
  const std::pair<std::string_view, std::string_view> table[] = {
      {R"({"state":"off","since":null,"shut_sessions":[],"message":""})", "maintenance     off\n"},
      {R"({"state":"draining","since":"2027-01-15T08:00:00Z","preferred_routes":7,"shut_sessions":[],"message":""})",
       "maintenance     draining since 2027-01-15T08:00:00Z, 7 routes of peers still preferred\n"},
      {R"({"state":"down","since":"2027-01-15T08:00:00Z","preferred_routes":null,"shut_sessions":["a","b"],"message":"m"})",
       "maintenance     down since 2027-01-15T08:00:00Z, 2 sessions shut (\"m\")\n"},
      {R"({"state":"off","since":null,"shut_sessions":["a"],"message":""})",
       "maintenance     ending, 1 session shut\n"},
  };
  for (const auto& [document, expected] : table) EXPECT_EQ(maintenance_view(document), expected);
  EXPECT_FALSE(maintenance_view("no JSON"));
}

TEST(StatusView, SpeaksOfMaintenanceOnlyWhileItIsOn) {
  const std::string off = R"({"node":"jp1","maintenance":{"state":"off","shut_sessions":[]}})";
  const std::string on = R"({"node":"jp1","maintenance":{"state":"drained","shut_sessions":[]}})";
  EXPECT_EQ(status_view(off)->find("maintenance"), std::string::npos);
  EXPECT_NE(status_view(on)->find("\nmaintenance     drained\n"), std::string::npos);
  EXPECT_TRUE(status_view(R"({"node":"jp1"})")) << "an older agent";
}

TEST(StatusView, ListsTheMeshByNumber) {
  const auto view = status_view(R"({"mesh":{"neighbors":[
      {"node":1,"interface":"dn42-wg-igp-1","state":"configured","handshake_age_seconds":61,"rtt_ms":1.5},
      {"node":10,"interface":"dn42-wg-igp-10","state":"error: no handshake yet","handshake_age_seconds":null},
      {"node":2,"interface":"dn42-wg-igp-2","state":"configured","handshake_age_seconds":0}]}})");
  ASSERT_TRUE(view);
  EXPECT_NE(view->find("mesh            3 neighbors, 2 up\n"), std::string::npos) << *view;
  EXPECT_NE(view->find("1          dn42-wg-igp-1    1 min          1.50 configured\n"
                       "2          dn42-wg-igp-2    0 s               - configured\n"
                       "10         dn42-wg-igp-10   never             - error: no handshake yet\n"),
            std::string::npos)
      << *view;
}

constexpr std::string_view kNode = R"({
  "version":"0.1.0","now":"2027-01-15T08:00:00Z","node":"jp1","uptime_seconds":273840,"wireguard_backend":"kernel",
  "breaker":{"state":"closed"},"sessions_from":"control_plane","bird":{"version":"BIRD 3.1.8","problem":""},
  "maintenance":{"state":"draining","since":"2027-01-15T07:59:00Z","preferred_routes":7,"shut_sessions":[]},
  "sessions":[
    {"uuid":"u2","asn":4242420002,"name":"b","interface":"dn42_4242420002","status":"PROBLEM","state":"in_place",
     "works":false,"works_since":"2027-01-15T07:46:00Z","retry_in_seconds":null,
     "cause":"no handshake for over 10 min: endpoint 192.0.2.7:31080 does not answer; is its port open?",
     "rtt_ms":null,"loss_percent":null,"latency_tier":null,"routes":{"ipv4":{"imported":0,"exported":0}},
     "rx_bits_per_second":0,"tx_bits_per_second":148,"handshake_age_seconds":840},
    {"uuid":"u1","asn":4242420001,"name":"a","interface":"dn42_4242420001","status":"ENABLED","state":"in_place",
     "works":true,"works_since":"2027-01-12T04:00:00Z","cause":"","rtt_ms":12.54,"loss_percent":0.5,"latency_tier":3,
     "routes":{"ipv4":{"imported":612,"exported":701},"ipv6":{"imported":200,"exported":199}},
     "rx_bits_per_second":1234567,"tx_bits_per_second":80123,"handshake_age_seconds":71},
    {"uuid":"u3","asn":64512,"name":"c","interface":"wg-c","status":"QUEUED_FOR_SETUP","state":"untouched","works":null,
     "works_since":null,"cause":"","routes":null}]})";

TEST(StatusView, IsWhatAnOperatorReadsIn80Columns) {
  EXPECT_EQ(status_view(kNode),
            "*** THIS NODE IS DRAINING: neighbors are asked to route around it ***\n"
            "node            jp1, moenet-agent 0.1.0, up 3 d 4 h\n"
            "BIRD            BIRD 3.1.8\n"
            "WireGuard       kernel\n"
            "control plane   breaker closed, sessions from the control plane\n"
            "maintenance     draining since 2027-01-15T07:59:00Z, 7 routes of peers still\n"
            "                preferred\n"
            "sessions        3: 1 PROBLEM, 1 ENABLED, 1 SETUP\n"
            "\n"
            "ASN        STATE     SINCE RTT ms TIER LOSS    IN   OUT  RX/s  TX/s SHAKE\n"
            "64512      SETUP         -      -    -    -     -     -     -     -     -\n"
            "           wg-c\n"
            "4242420001 ENABLED   3d04h   12.5    3  <1%   812   900  1.2M 80.1k   71s\n"
            "4242420002 PROBLEM     14m      -    -    -     0     0     0   148   14m\n"
            "           no handshake for over 10 min: endpoint 192.0.2.7:31080 does not\n"
            "           answer; is its port open?\n");
}

std::string asns(const std::string& view) {
  std::string found;
  for (const char* asn : {"4242420001 ", "4242420002 ", "64512 "}) {
    if (const auto at = view.find(std::string("\n") + asn); at != view.npos) found += asn;
  }
  return found;
}

TEST(StatusView, FiltersByTextAndByProblem) {
  const auto filtered = [](std::string filter) { return asns(*status_view(kNode, {{"", std::move(filter)}})); };
  EXPECT_EQ(filtered("problem"), "4242420002 ");
  EXPECT_EQ(filtered("PROBLEM"), "4242420002 ");
  EXPECT_EQ(filtered("does NOT answer"), "4242420002 ");
  EXPECT_EQ(filtered("WG-C"), "64512 ");
  EXPECT_EQ(filtered("42424"), "4242420001 4242420002 ");
  EXPECT_NE(status_view(kNode, {{"", "nobody"}})->find("no session fits 'nobody'"), std::string::npos);
  EXPECT_NE(status_view(kNode, {{"", "nobody"}})->find("sessions        3: 1 PROBLEM"), std::string::npos)
      << "the counts are of all";
}

TEST(StatusView, SortsAndPutsTheUnknownLast) {
  const auto order = [](std::string field) {
    const std::string view = *status_view(kNode, {{std::move(field), ""}});
    std::map<std::size_t, char> at;
    at[view.find("\n4242420001")] = '1';
    at[view.find("\n4242420002")] = '2';
    at[view.find("\n64512")] = 'c';
    std::string found;
    for (const auto& [position, who] : at) found += who;
    return found;
  };
  const std::pair<const char*, const char*> table[] = {
      {"", "c12"},     {"asn", "c12"}, {"interface", "12c"}, {"state", "21c"}, {"since", "21c"}, {"rtt", "12c"},
      {"loss", "12c"}, {"in", "12c"},  {"out", "12c"},       {"rx", "12c"},    {"tx", "12c"},    {"handshake", "21c"}};
  for (const auto& [field, expected] : table) EXPECT_EQ(order(field), expected) << field;
  const auto refused = status_view(kNode, {{"colour", ""}});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("handshake"), std::string::npos) << "says what there is";
}

TEST(StatusView, ColourChangesNoWidth) {
  std::string coloured = *status_view(kNode, {{}, true, 80});
  EXPECT_NE(coloured.find("\x1b[1;31mPROBLEM"), std::string::npos);
  for (auto at = coloured.find('\x1b'); at != coloured.npos; at = coloured.find('\x1b'))
    coloured.erase(at, coloured.find('m', at) - at + 1);
  EXPECT_EQ(coloured, status_view(kNode));
}

TEST(StatusView, NoLineIsWiderThanTheScreenWhateverWasSaid) {
  std::string words(3000, 'x');
  words += " ü" + std::string(300, '"');
  boost::json::value document = boost::json::parse(kNode);
  auto& object = document.get_object();
  object["bird"] = boost::json::object{{"problem", words}, {"policy_problem", words}};
  object["firewall"] = boost::json::object{{"problem", words}};
  object["tasks"] = boost::json::object{{"roaTask", boost::json::object{{"last_failure", "2"}, {"last_error", words}}}};
  object["mesh"] = boost::json::object{{"neighbors", boost::json::array{boost::json::object{{"state", words}}}}};
  for (auto& session : object["sessions"].get_array()) {
    session.get_object()["cause"] = words;
    session.get_object()["rx_bits_per_second"] = 1e300;
    session.get_object()["rtt_ms"] = 1e300;
    session.get_object()["asn"] = words;
    session.get_object()["status"] = words;
  }
  const auto view = status_view(boost::json::serialize(document));
  ASSERT_TRUE(view);
  std::size_t begin = 0;
  for (auto end = view->find('\n'); end != view->npos; begin = end + 1, end = view->find('\n', begin))
    EXPECT_LE(width_of(view->substr(begin, end - begin)), 80u) << view->substr(begin, end - begin);
}

TEST(SessionNamed, FindsOneByWhateverItIsCalled) {
  const auto document = boost::json::parse(kNode);
  for (const char* name : {"u1", "4242420001", "AS4242420001", "as4242420001", "dn42_4242420001", "a", "A"})
    EXPECT_EQ(session_named(document, name), "u1") << name;
  EXPECT_EQ(session_named(document, "wg-c"), "u3");
  EXPECT_EQ(session_named(document, "424242").error().code, Errc::not_found);
  const auto twins = boost::json::parse(
      R"({"sessions":[{"uuid":"x","asn":1,"interface":"dn42_1"},{"uuid":"y","asn":1,"interface":"dn42_1b"}]})");
  EXPECT_EQ(session_named(twins, "dn42_1"), "x");
  EXPECT_EQ(session_named(twins, "AS1").error().code, Errc::conflict);
  EXPECT_NE(session_named(twins, "1").error().what.find("dn42_1, dn42_1b"), std::string::npos);
}

}  // namespace
}  // namespace moenet::agent
