#include "agent/session_view.h"

#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

constexpr std::string_view kStatus = R"({"now":"2027-01-15T08:00:00Z","sessions":[
  {"uuid":"u2","asn":4242420002,"interface":"dn42_4242420002","status":"ENABLED","state":"in_place","works":false,
   "works_since":"2027-01-15T07:46:00Z","cause":"no handshake for over 10 min","retry_in_seconds":30,
   "path_mtu_bytes":1472,"mtu_advice":"lower the tunnel's MTU from 1420 to 1412 at both ends"}]})";

TEST(SessionView, TellsAllThatIsKnownOfOne) {
  EXPECT_EQ(session_view(R"({"uuid":"u2",
    "session":{"asn":4242420002,"name":"B","interface":"dn42_4242420002","status":"ENABLED","state":"in_place"},
    "link":{"interface":"dn42_4242420002","mtu":1420,"present":true,"up":true,"handshake_age_seconds":840,
            "endpoint":"192.0.2.7:31080","traffic":{"rx_bytes":1234567890,"tx_bytes":999,"rx_errors":0,"tx_errors":1,
            "rx_dropped":0,"tx_dropped":2,"rx_bits_per_second":12345.6,"tx_bits_per_second":0}},
    "bgp":{"state":"Active","neighbor":"fe80::2%dn42_4242420002","established_seconds":null,"flaps":5,
           "last_error":"Socket: Connection refused","channels":[{"name":"ipv4","state":"DOWN","imported":0,"filtered":1,
           "exported":2,"preferred":3,"import_limit":{"routes":9000,"hit":true,"action":"block"}}]},
    "quality":{"target":"fe80::2","answers":true,"rtt_ms":12.54,"smoothed_rtt_ms":12.6,"jitter_ms":0.25,
               "loss_percent":2.5,"latency_tier":3},
    "last_change":{"time":"2027-01-15T07:00:00Z","changes":["create wireguard tunnel","put dn42_4242420002.conf"]},
    "events":[{"number":1,"time":"2027-01-15T07:00:00Z","kind":"changed","text":"create wireguard tunnel"},
              {"number":2,"time":"2027-01-15T07:46:00Z","kind":"state",
               "text":"PROBLEM: no handshake for over 10 min: its endpoint does not answer"}]})",
                         kStatus),
            "AS4242420002    dn42_4242420002, B\n"
            "uuid            u2\n"
            "state           PROBLEM for 14 min; the control plane holds ENABLED\n"
            "cause           no handshake for over 10 min\n"
            "next attempt    in 30 s\n"
            "tunnel          up, MTU 1420, handshake 14 min ago, endpoint 192.0.2.7:31080\n"
            "path MTU        1472 bytes; lower the tunnel's MTU from 1420 to 1412 at both\n"
            "                ends\n"
            "traffic         in 1.2 GB (12.3 kbit/s), out 999 B (0 bit/s); errors and drops:\n"
            "                3 out\n"
            "BGP             Active, with fe80::2%dn42_4242420002, lost 5 times\n"
            "  ipv4          DOWN, 0 imported (3 preferred, 1 filtered), 2 exported; import\n"
            "                limit of 9000 HIT\n"
            "last BGP error  Socket: Connection refused\n"
            "round trip      12.5 ms (smoothed 12.6 ms, jitter 0.25 ms), loss 2.50%, tier 3\n"
            "last change     2027-01-15T07:00:00Z\n"
            "                create wireguard tunnel\n"
            "                put dn42_4242420002.conf\n"
            "\n"
            "EVENTS\n"
            "2027-01-15T07:00:00Z changed      create wireguard tunnel\n"
            "2027-01-15T07:46:00Z state        PROBLEM: no handshake for over 10 min: its\n"
            "                                  endpoint does not answer\n");
}

TEST(SessionView, OfGreTellsWhereItLeads) {
  const auto line_of = [](std::string_view link) {
    const std::string document =
        R"({"uuid":"u2","session":null,"bgp":null,"quality":null,"last_change":null,"events":[],
      "link":{"mtu":1420,"present":true,"up":true,"handshake_age_seconds":null,)" +
        std::string(link) + "}}";
    const std::string view = session_view(document, kStatus, {}).value();
    const auto begin = view.find("tunnel");
    return view.substr(begin, view.find('\n', begin) - begin);
  };
  EXPECT_EQ(line_of(R"("type":"gre","endpoint":"192.0.2.7","gre_key":7)"),
            "tunnel          up, MTU 1420, gre to 192.0.2.7, key 7");
  EXPECT_EQ(line_of(R"("type":"ip6gre","endpoint":"2001:db8::7","gre_key":null)"),
            "tunnel          up, MTU 1420, ip6gre to 2001:db8::7");
}

TEST(SessionView, WhatIsNotKnownIsADashAndNeverANumber) {
  EXPECT_EQ(session_view(R"({"uuid":"gone","session":null,"link":null,"bgp":null,"quality":null,"last_change":null,
                             "events":[]})",
                         kStatus),
            "AS              -\n"
            "uuid            gone\n"
            "state           gone\n"
            "tunnel          -\n"
            "path MTU        -\n"
            "traffic         -\n"
            "BGP             -\n"
            "round trip      -\n"
            "last change     -\n"
            "\n"
            "no events\n");
  EXPECT_FALSE(session_view("no JSON", kStatus));
}

}  // namespace
}  // namespace moenet::agent
