#include "bird/last_error.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "bird/fixture.h"

namespace moenet::bird {
namespace {

constexpr model::Asn kTheirs = 4242420100;
constexpr model::Asn kWrong = 4242429000;

ProtocolDetail session_of(const std::string& version, const std::string& name, const std::string& file) {
  const auto all = parse_protocol_details(only(fixture(version, file))).value();
  const auto found = std::ranges::find(all, name, [](const auto& each) { return each.status.name; });
  EXPECT_NE(found, all.end()) << name;
  return found == all.end() ? ProtocolDetail{} : *found;
}

class Causes : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Bird, Causes, testing::ValuesIn(kVersions));

TEST_P(Causes, SayWhatReallyWentWrong) {
  struct Case {
    std::string session;
    std::optional<std::string> cause;
    model::Asn expected = kTheirs;
  };
  const bool is_bird3 = GetParam()[0] == '3';
  const auto untold_by_3 = [&](std::string cause) { return is_bird3 ? std::nullopt : std::optional(std::move(cause)); };
  const Case cases[] = {
      {"dn42_up", std::nullopt},
      {"ibgp_far", std::nullopt, 4242420000},
      {"mesh", std::nullopt},
      {"dn42_refused", "connection refused by fe80::2%dn42_2"},
      {"dn42_no_host", "fe80::99%dn42_3 does not answer"},
      {"dn42_no_interface", "waits for the interface of fe80::2%nowhere"},
      {"dn42_passive", "waits for fe80::2%dn42_5 to connect"},
      {"dn42_their_as", "Bad peer AS: fe80::2%dn42_6 is not AS 4242429000", kWrong},
      {"dn42_their_as", "BIRD's session is with AS 4242429000 and not 4242420100"},
      {"dn42_our_as", "they expect another AS than 4242420000"},
      {"dn42_shut", "connection refused by fe80::2%dn42_8; they said: 'maintenance till 5'"},
      {"dn42_shut_silently", "connection refused by fe80::2%dn42_9"},
      {"dn42_disabled", "disabled on this node"},
      {"dn42_disabled_reason", "disabled on this node: 'we moved'"},
      {"dn42_bfd", "BFD session down: the path to fe80::2%dn42_12 is broken"},
      {"dn42_cable", "the link is down"},
      {"dn42_hold", "hold timer expired: nothing was heard from fe80::2%dn42_14"},
      {"dn42_md5", "fe80::2%dn42_15 does not answer"},
      {"dn42_families", "fe80::2%dn42_16 does not announce a capability that is required (address family, role, …)"},
      {"dn42_restarted", std::nullopt},
      {"dn42_limit_import_block", "import limit of 2 routes hit (ipv4): more are blocked"},
      {"dn42_limit_import_disable", "import limit of 2 routes hit (ipv4): session disabled"},
      {"dn42_limit_import_restart", "import limit of 2 routes hit (ipv4): session restarts"},
      {"dn42_limit_import_warn", untold_by_3("import limit of 2 routes hit (ipv4): only warned")},
      {"dn42_limit_receive_block", "receive limit of 2 routes hit (ipv4): more are blocked"},
      {"dn42_limit_receive_disable", "receive limit of 2 routes hit (ipv4): session disabled"},
      {"dn42_limit_export_restart", "export limit of 2 routes hit (ipv4): session restarts"},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(cause_of(session_of(GetParam(), each.session, "faults"), each.expected), each.cause) << each.session;
  }
}

TEST_P(Causes, AShutdownIsTheirsWhileBirdStillFlushes) {
  EXPECT_EQ(cause_of(session_of(GetParam(), "dn42_shut", "faults_at_once"), kTheirs),
            "they shut the session down: 'maintenance till 5' (RFC 9003)");
  EXPECT_EQ(cause_of(session_of(GetParam(), "dn42_shut_silently", "faults_at_once"), kTheirs),
            "they shut the session down");
}

ProtocolDetail failed(const std::string& error) {
  ProtocolDetail session;
  session.status.state = "start";
  session.bgp_state = "Active";
  session.neighbor_address = "fe80::1%wg";
  session.neighbor_as = kTheirs;
  session.local_as = 4242420000;
  session.last_error = error;
  return session;
}

TEST(Cause, OfErrorsThatNoFixtureHas) {
  const std::pair<const char*, const char*> cases[] = {
      {"Socket: No route to host", "no route to host fe80::1%wg"},
      {"Socket: Network is unreachable", "no route to fe80::1%wg"},
      {"Socket: Required key not available", "WireGuard has no peer for fe80::1%wg (allowed addresses)"},
      {"Socket: Connection closed", "fe80::1%wg closed the connection: it may not know this session"},
      {"Socket: Something new", "socket: Something new"},
      {"Received: Maximum number of prefixes reached", "we announce more routes than they accept"},
      {"Received: Unknown error 9.9", "they sent: Unknown error 9.9"},
      {"BGP Error: Malformed AS_PATH", "BGP error: Malformed AS_PATH"},
      {"Error: Neighbor lost", "fe80::1%wg is not reachable: its interface or address is gone"},
      {"Error: Something new", "Something new"},
      {"Automatic shutdown: Route limit exceeded", "Route limit exceeded"},
      {"Something new", "Something new"},
      {"", "connecting to fe80::1%wg"},
  };
  for (const auto& [error, cause] : cases) EXPECT_EQ(cause_of(failed(error), kTheirs), cause);
}

TEST(Cause, IsOneShortPrintableLineWhateverTheNeighborSays) {
  ProtocolDetail session = failed("Received: Administrative reset");
  session.message = "a\n\x1b[31m\"\xff";
  EXPECT_EQ(cause_of(session, kTheirs), "they restarted the session: 'a\\n\\x1b[31m\\\"\\xff' (RFC 9003)");
  for (const char* piece : {"x", "\n", "\xf0\x9f\x90\xa6", "\xff"}) {
    std::string message;
    for (int i = 0; i < 255; ++i) {
      session.message = message += piece;
      const auto cause = cause_of(session, kTheirs);
      ASSERT_TRUE(cause);
      EXPECT_LE(cause->size(), kMostCauseBytes);
      EXPECT_EQ(cause->find('\n'), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace moenet::bird
