#include "agent/doctor.h"

#include <algorithm>
#include <functional>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "agent/doctor_probes.h"
#include "net/sysctl.h"

namespace moenet::agent {
namespace {

using enum CheckState;
using net::KindSupport;
using Use = PortClash::Use;

KernelSetting setting(const char* key, std::optional<std::int64_t> is, std::int64_t wanted) {
  return {net::SysctlKey::parse(key).value(), is, wanted, "why"};
}

Result<int> no_answer(const char* what) { return fail(Errc::unavailable, what); }

// A node that lacks nothing.
DoctorFacts healthy() {
  DoctorFacts facts;
  facts.config = {"/etc/moenet-agent/config.json", "jp1", true, false, {}, {}};
  facts.agent = AgentFact{4711};
  facts.capabilities = CapabilityFact{"the running agent has", true, true};
  facts.icmp = IcmpFact{"the running agent has", net::IcmpAccess::raw, "1 0"};
  facts.wireguard = WireGuardFact{WireGuardBackend::automatic, KindSupport::present, "wireguard-go", "", false};
  facts.loopback = LoopbackFact{LoopbackKind::automatic, KindSupport::loadable};
  facts.link_kinds = LinkKindFact{KindSupport::present, KindSupport::loadable};
  facts.bird = BirdFact{"/run/bird/bird.ctl", bird::Version{2, 17, 1}};
  facts.bird_files =
      Result<BirdFilesFact>(BirdFilesFact{"/etc/bird/bird.conf", "/etc/bird/peers", true, true, {}, "", false, {}, ""});
  facts.kernel_settings = std::vector{setting("net.ipv4.ip_forward", 1, 1)};
  facts.ports = PortFact{3, 2, {}};
  facts.link_names = LinkNameFact{6, {}};
  facts.clock = ClockFact{true, std::chrono::seconds(-1)};
  facts.lookups = std::vector<LookupFact>{{"cp.example.net", true, IpAddress::v4({192, 0, 2, 1})}};
  facts.control_plane = ControlPlaneFact{"https://cp.example.net", "jp1", 200, std::chrono::milliseconds(12)};
  facts.rtr_servers = std::vector<RtrFact>{{"rtr.example.net:8082", {}}};
  facts.own_roas = std::vector<OwnRoaFact>{{"172.22.188.0/26", 4242420998, true}};
  facts.disk = DiskFact{"/var/lib/moenet-agent", 1u << 30, 1000, true, false};
  facts.secrets = SecretsFact{2, {}};
  facts.firewall = FirewallFact{};
  return facts;
}

Check find(const std::vector<Check>& checks, std::string_view name) {
  const auto found = std::ranges::find(checks, name, &Check::name);
  return found == checks.end() ? Check{} : *found;
}

TEST(Doctor, AHealthyNodeHasNothingToMend) {
  const auto checks = judge(healthy());
  for (const auto& check : checks) {
    EXPECT_EQ(check.state, ok) << check.name << ": " << check.finding;
    EXPECT_FALSE(check.finding.empty()) << check.name;
    EXPECT_TRUE(check.remedy.empty()) << check.name;
  }
  EXPECT_EQ(doctor_exit_status(checks), 0);
}

TEST(Doctor, NamesAndOrderNeverChange) {
  std::vector<std::string_view> names;
  for (const auto& check : judge(DoctorFacts{})) names.push_back(check.name);
  EXPECT_EQ(names,
            (std::vector<std::string_view>{
                "configuration", "agent",         "capabilities",    "icmp",     "wireguard", "loopback-link", "gre",
                "bird",          "bird-files",    "kernel-settings", "firewall", "ports",     "link-names",    "clock",
                "dns",           "control-plane", "rtr-servers",     "roa",      "disk",      "secrets"}));
}

struct Row {
  const char* name;
  std::function<void(DoctorFacts&)> spoil;
  CheckState state;
  const char* finding;  // contains
  const char* remedy;   // contains
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name << " (" << row.finding << ")"; }

class DoctorJudges : public testing::TestWithParam<Row> {};

TEST_P(DoctorJudges, OneFaultAloneWithItsRemedy) {
  const Row& row = GetParam();
  DoctorFacts facts = healthy();
  row.spoil(facts);
  const auto checks = judge(facts);
  const Check check = find(checks, row.name);
  EXPECT_EQ(check.state, row.state) << check.finding;
  EXPECT_NE(check.finding.find(row.finding), std::string::npos) << check.finding;
  EXPECT_NE(check.remedy.find(row.remedy), std::string::npos) << check.remedy;
  EXPECT_EQ(check.remedy.empty(), row.state == ok || row.state == skipped) << check.remedy;
  for (const auto& other : checks) {
    if (other.name != row.name) {
      EXPECT_EQ(other.state, ok) << other.name;
    }
  }
  EXPECT_EQ(doctor_exit_status(checks), row.state == problem ? 1 : 0);
}

template <class T>
T& at(Probed<T>& probed) {
  return std::get<T>(probed);
}

INSTANTIATE_TEST_SUITE_P(
    OfTheNode, DoctorJudges,
    testing::Values(
        Row{"configuration", [](auto& f) { f.config.faults = {"bird.poolSize: 'x' is not a number"}; }, problem,
            "bird.poolSize", "moenet-agent -c /etc/moenet-agent/config.json check-config"},
        Row{"configuration", [](auto& f) { f.config = {"", "", false, false, {}, {"no configuration"}}; }, problem,
            "no configuration", "moenet-agent -c FILE check-config"},
        Row{"configuration", [](auto& f) { f.config.faults = {"a", "b"}; }, problem, "2 faults, the first: a",
            "check-config"},
        Row{"configuration", [](auto& f) { f.config.warnings = {"unknown key x is ignored"}; }, warning,
            "unknown key x", "check-config"},
        Row{"configuration",
            [](auto& f) {
              f.config.is_hidden = true;
              f.config.faults = {"open: Permission denied"};
            },
            skipped, "root only", ""},
        Row{"configuration", [](auto& f) { f.config.is_complete = false; }, ok, "rest comes from the control plane",
            ""},
        Row{"agent", [](auto& f) { at(f.agent).pid.reset(); }, warning, "no agent runs", "systemctl enable --now"},
        Row{"capabilities", [](auto& f) { at(f.capabilities).net_admin = false; }, problem, "no CAP_NET_ADMIN",
            "CapabilityBoundingSet="},
        Row{"capabilities", [](auto& f) { at(f.capabilities).net_raw = false; }, warning, "no CAP_NET_RAW",
            "CAP_NET_RAW"},
        Row{"icmp", [](auto& f) { at(f.icmp).access.reset(); }, problem,
            "neither CAP_NET_RAW nor a group in net.ipv4.ping_group_range (1 0)",
            "sysctl -w net.ipv4.ping_group_range=\"0 2147483647\""},
        Row{"icmp", [](auto& f) { at(f.icmp).access = net::IcmpAccess::datagram; }, ok, "datagram ICMP", ""},
        Row{"wireguard", [](auto& f) { at(f.wireguard).kernel = KindSupport::absent; }, problem,
            "is not in this kernel, and wireguard-go is not installed", "apt-get install wireguard-go"},
        Row{"wireguard",
            [](auto& f) {
              f.wireguard = WireGuardFact{WireGuardBackend::kernel, KindSupport::unknown, "wireguard-go", "/x", true};
            },
            problem, "not loaded", "modprobe wireguard"},
        Row{"wireguard",
            [](auto& f) {
              f.wireguard = WireGuardFact{WireGuardBackend::userspace, KindSupport::present, "bt", "", true};
            },
            problem, "bt is not installed", "apt-get install"},
        Row{"wireguard",
            [](auto& f) {
              f.wireguard =
                  WireGuardFact{WireGuardBackend::userspace, KindSupport::present, "wireguard-go", "/x", false};
            },
            problem, "/dev/net/tun", "modprobe tun"},
        Row{"wireguard",
            [](auto& f) {
              f.wireguard =
                  WireGuardFact{WireGuardBackend::automatic, KindSupport::absent, "wireguard-go", "/bin/w", true};
            },
            ok, "in userspace by /bin/w", ""},
        Row{"loopback-link", [](auto& f) { at(f.loopback).dummy = KindSupport::unknown; }, warning,
            "the link kind dummy is not loaded", "modprobe dummy"},
        Row{"loopback-link",
            [](auto& f) {
              f.loopback =
                  LoopbackFact{LoopbackKind::automatic, KindSupport::absent, KindSupport::absent, KindSupport::absent};
            },
            problem, "the link kind bridge is not in this kernel: the node's addresses have no link",
            "\"loopback\": {\"kind\": \"lo\"}"},
        Row{"loopback-link",
            [](auto& f) {
              f.loopback = LoopbackFact{LoopbackKind::automatic, KindSupport::absent, KindSupport::present};
            },
            ok, "the link kind ifb is in the kernel", ""},
        Row{"loopback-link",
            [](auto& f) {
              f.loopback =
                  LoopbackFact{LoopbackKind::dummy, KindSupport::absent, KindSupport::present, KindSupport::present};
            },
            problem, "the link kind dummy is not in this kernel: the", "modprobe dummy"},
        Row{"loopback-link", [](auto& f) { f.loopback = LoopbackFact{LoopbackKind::lo}; }, ok, "go onto lo", ""},
        Row{"loopback-link", [](auto& f) { f.loopback = LoopbackFact{}; }, ok, "operator's to place", ""},
        Row{"gre", [](auto& f) { at(f.link_kinds).ip6gre = KindSupport::unknown; }, warning, "kind ip6gre",
            "modprobe ip6_gre"},
        Row{"gre", [](auto& f) { at(f.link_kinds).gre = at(f.link_kinds).ip6gre = KindSupport::absent; }, warning,
            "gre (and ip6gre)", "modprobe -a ip_gre ip6_gre"},
        Row{"kernel-settings",
            [](auto& f) {
              f.kernel_settings = std::vector{setting("net.ipv4.conf.all.rp_filter", 2, 0),
                                              setting("net.ipv4.conf.dn42_1.rp_filter", 1, 0)};
            },
            problem, "net.ipv4.conf.all.rp_filter is 2, not 0 (why)",
            "sysctl -w net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.dn42_1.rp_filter=0"},
        Row{"kernel-settings",
            [](auto& f) { f.kernel_settings = std::vector{setting("net.ipv6.conf.all.forwarding", std::nullopt, 1)}; },
            warning, "cannot be read: net.ipv6.conf.all.forwarding", "sysctl net.ipv6"},
        Row{"firewall",
            [](auto& f) {
              f.firewall =
                  FirewallFact{{"chain forward of table inet filter (forward, policy drop)"}, "nft add rule x"};
            },
            warning, "chain forward of table inet filter", "nft add rule x"},
        Row{"ports",
            [](auto& f) {
              f.ports = PortFact{1, 0, {{Use::session, "session dn42_1", 30001, true, "nginx (pid 12)"}}};
            },
            problem, "UDP port 30001 of session dn42_1 is held by nginx (pid 12)", "ss -lunp 'sport = :30001'"},
        Row{"ports", [](auto& f) { f.ports = PortFact{0, 0, {{Use::mesh, "mesh node 3", 51823, false, "x (pid 1)"}}}; },
            warning, "51823", "the port of a mesh tunnel is 51820 + the node's id"},
        Row{"ports", [](auto& f) { f.ports = PortFact{0, 1, {{Use::mesh, "mesh node 3", 51823, true, "x (pid 1)"}}}; },
            problem, "UDP port 51823 of mesh node 3", "ss -lunp 'sport = :51823'"},
        Row{"ports",
            [](auto& f) { f.ports = PortFact{0, 0, {{Use::api, "the agent's API", 24368, true, "x (pid 1)"}}}; },
            problem, "TCP port 24368", "give server.listen another port"},
        Row{"link-names", [](auto& f) { at(f.link_names).taken = {{"mesh node 3", "dn42-wg-igp-3"}}; }, problem,
            "the link dn42-wg-igp-3 is not the agent's, and mesh node 3 needs the name",
            "ip link delete dn42-wg-igp-3"},
        Row{"disk", [](auto& f) { at(f.disk).free_bytes = 1u << 20; }, problem, "only 1 MB",
            "df -h /var/lib/moenet-agent"},
        Row{"disk", [](auto& f) { at(f.disk).free_bytes = 50u << 20; }, warning, "only 50 MB", "df -h"},
        Row{"disk", [](auto& f) { at(f.disk).free_files = 0; }, problem, "0 more files", "df -i"},
        Row{"disk",
            [](auto& f) {
              at(f.disk).free_files = 0;
              at(f.disk).counts_files = false;
            },
            ok, "1024 MB", ""},
        Row{"disk", [](auto& f) { at(f.disk).is_read_only = true; }, problem, "read-only", "remount,rw"},
        Row{"secrets", [](auto& f) { f.secrets = SecretsFact{1, {{"/k", "the private key", 0640}}}; }, problem,
            "the private key /k has mode 0640", "chmod 600 /k"}));

INSTANTIATE_TEST_SUITE_P(
    OfWhomItTalksTo, DoctorJudges,
    testing::Values(
        Row{"bird", [](auto& f) { at(f.bird).version = fail(Errc::unavailable, "no such file"); }, problem,
            "no BIRD at", "systemctl start bird"},
        Row{"bird", [](auto& f) { at(f.bird).version = fail(Errc::denied, "denied"); }, problem, "may not be used",
            "ls -l /run/bird/bird.ctl"},
        Row{"bird", [](auto& f) { at(f.bird).version = fail(Errc::timeout, "t"); }, problem, "in time",
            "systemctl status bird"},
        Row{"bird", [](auto& f) { at(f.bird).version = bird::Version{2, 0, 11}; }, problem, "older than 2.0.12",
            "apt-get install bird2"},
        Row{"bird", [](auto& f) { at(f.bird).version = bird::Version{2, 0, 12}; }, ok, "BIRD 2.0.12 answers", ""},
        Row{"bird", [](auto& f) { at(f.bird).version = bird::Version{3, 1, 8}; }, ok, "BIRD 3.1.8 answers", ""},
        Row{"bird", [](auto& f) { at(f.bird).version = bird::Version{4, 0, 0}; }, warning, "newer", "apt-get"},
        Row{"bird-files", [](auto& f) { at(f.bird_files)->has_folder = false; }, problem, "/etc/bird/peers is missing",
            "install -d -m 770 -g bird /etc/bird/peers"},
        Row{"bird-files", [](auto& f) { at(f.bird_files)->is_included = false; }, problem, "does not include",
            "include \"/etc/bird/peers/*.conf\";"},
        Row{"bird-files",
            [](auto& f) {
              at(f.bird_files)->missing = {"template bgp dn42_peer"};
              at(f.bird_files)->snippets = "template bgp dn42_peer {\n}\n";
            },
            problem, "does not define template bgp dn42_peer", "template bgp dn42_peer {\n}\n"},
        Row{"bird-files", [](auto& f) { at(f.bird_files)->is_others = true; }, problem,
            "/etc/bird/bird.conf is not the agent's", "cp -p /etc/bird/bird.conf /etc/bird/bird.conf.before"},
        Row{"bird-files", [](auto& f) { at(f.bird_files)->taken = {"filter a in /b:3"}; }, problem,
            "defined by somebody else too, so BIRD refuses the policy: filter a in /b:3", "moenet-agent sync"},
        Row{"bird-files", [](auto& f) { at(f.bird_files)->refused = "bird.conf:3:1 syntax error"; }, problem,
            "bird.conf:3:1", "birdc configure check"},
        Row{"bird-files", [](auto& f) { f.bird_files = Result<BirdFilesFact>(fail(Errc::invalid, "included twice")); },
            problem, "included twice", "birdc"},
        Row{"clock", [](auto& f) { at(f.clock).is_synchronised = false; }, warning, "NTP", "timedatectl set-ntp true"},
        Row{"clock", [](auto& f) { at(f.clock).ahead = std::chrono::seconds(31); }, warning, "31 s ahead of",
            "timedatectl"},
        Row{"clock", [](auto& f) { at(f.clock).ahead = std::chrono::seconds(-90); }, warning, "90 s behind",
            "timedatectl"},
        Row{"clock", [](auto& f) { at(f.clock).ahead = std::chrono::seconds(30); }, ok, "agrees", ""},
        Row{"dns", [](auto& f) { at(f.lookups)[0].address = fail(Errc::not_found, "look up cp.example.net: unknown"); },
            problem, "look up cp.example.net", "getent hosts cp.example.net"},
        Row{"dns", [](auto& f) { at(f.lookups).push_back({"rtr.example.net", false, fail(Errc::timeout, "t")}); },
            warning, "t", "getent hosts rtr.example.net"},
        Row{"control-plane", [](auto& f) { at(f.control_plane).status = no_answer("refused"); }, problem, "refused",
            "curl -v https://cp.example.net"},
        Row{"control-plane", [](auto& f) { at(f.control_plane).status = no_answer("SSL peer certificate was not OK"); },
            problem, "TLS", "update-ca-certificates"},
        Row{"control-plane", [](auto& f) { at(f.control_plane).status = 401; }, problem, "token of node jp1",
            "moenet-controlplane node token jp1"},
        Row{"control-plane", [](auto& f) { at(f.control_plane).status = 403; }, problem, "token", "node token jp1"},
        Row{"control-plane", [](auto& f) { at(f.control_plane).status = 404; }, problem, "knows no node jp1",
            "moenet-controlplane node add jp1"},
        Row{"control-plane", [](auto& f) { at(f.control_plane).status = 500; }, problem, "HTTP 500", "journalctl"},
        Row{"control-plane", [](auto& f) { at(f.control_plane).status = 302; }, warning, "HTTP 302", "url"},
        Row{"rtr-servers",
            [](auto& f) { at(f.rtr_servers)[0].reached = fail(Errc::timeout, "connect to 192.0.2.9:8082: x"); },
            problem, "1 of 1 cannot be reached: connect to 192.0.2.9:8082", "getent ahosts rtr.example.net"},
        Row{"rtr-servers", [](auto& f) { at(f.rtr_servers).push_back({"b:8082", fail(Errc::timeout, "x")}); }, warning,
            "1 of 2", "rpkiServers"},
        Row{"rtr-servers", [](auto& f) { f.rtr_servers = Skipped{"no policy yet"}; }, skipped, "no policy yet", ""},
        Row{"roa", [](auto& f) { at(f.own_roas).push_back({"fd00:4242:7777::/48", 4242420998, false}); }, warning,
            "no ROA for fd00:4242:7777::/48 of AS4242420998: networks that validate refuse it", "bird.roaUrls"},
        Row{"roa", [](auto& f) { f.own_roas = Skipped{"BIRD does not answer"}; }, skipped, "BIRD does not answer",
            ""}));

TEST(Doctor, AFaultyConfigurationIsOneProblemAndTheRestIsSkipped) {
  DoctorFacts facts;
  facts.config.faults = {"not JSON"};
  const auto checks = judge(facts);
  for (const auto& check : checks)
    EXPECT_EQ(check.state, check.name == "configuration" ? problem : skipped) << check.name;
  EXPECT_NE(find(checks, "bird").finding.find("configuration"), std::string::npos);
  EXPECT_EQ(doctor_exit_status(checks), 1);
}

TEST(Doctor, IcmpIsAllowedByTheCapabilityOrAnyGroupInTheRange) {
  EXPECT_EQ(icmp_access_of(true, {}, "1 0"), net::IcmpAccess::raw);
  EXPECT_EQ(icmp_access_of(false, {0}, "0 2147483647"), net::IcmpAccess::datagram);
  EXPECT_EQ(icmp_access_of(false, {5, 100}, "100 100"), net::IcmpAccess::datagram);
  EXPECT_FALSE(icmp_access_of(false, {99, 101}, "100 100"));
  EXPECT_FALSE(icmp_access_of(false, {0, 1}, "1 0")) << "the kernel's own default: nobody";
  EXPECT_FALSE(icmp_access_of(false, {0}, "")) << "a kernel that does not show it";
}

TEST(Doctor, SkippedAloneIsNoProblem) {
  EXPECT_EQ(doctor_exit_status({{"a", skipped, "x", ""}, {"b", warning, "x", "y"}}), 0);
}

TEST(Doctor, JsonHasItsSchema) {
  const std::vector<Check> checks{{"bird", problem, "no BIRD", "line \"1\"\nline 2"}, {"dns", skipped, "why", ""}};
  const auto document = boost::json::parse(doctor_json(checks));
  EXPECT_EQ(document, boost::json::parse(R"({
    "checks":[{"name":"bird","state":"problem","finding":"no BIRD","remedy":"line \"1\"\nline 2"},
              {"name":"dns","state":"skipped","finding":"why","remedy":""}],
    "summary":{"state":"problem","ok":0,"warning":0,"problem":1,"skipped":1}})"));
}

TEST(Doctor, TextIsAlignedAndColouredOnlyWhenAsked) {
  const std::vector<Check> checks{{"bird", ok, "fine", ""}, {"kernel-settings", problem, "bad", "one\ntwo"}};
  EXPECT_EQ(doctor_text(checks, false),
            "✓ bird             fine\n"
            "✗ kernel-settings  bad\n"
            "                   → one\n"
            "                     two\n"
            "\n1 ok, 0 warning, 1 problem, 0 skipped\n");
  EXPECT_NE(doctor_text(checks, true).find("\x1b[1;31m✗\x1b[0m kernel"), std::string::npos);
}

TEST(Doctor, WhatOthersWroteDoesNotReachTheTerminalRaw) {
  const std::vector<Check> checks{{"ports", problem, "held by \x1b[2Jevil\n\"x\"", "kill \x1b]0;x\x07\nkill \xff"}};
  for (const auto& text : {doctor_text(checks, false), doctor_json(checks)}) {
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_EQ(text.find('\x07'), std::string::npos);
    EXPECT_EQ(text.find('\xff'), std::string::npos);
  }
  EXPECT_NE(doctor_text(checks, false).find("evil\\n\"x\""), std::string::npos) << "quotes stay as they are";
}

}  // namespace
}  // namespace moenet::agent
