#include "agent/config.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <map>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/config_source.h"
#include "support/temporary_folder.h"

namespace moenet::agent {
namespace {

std::map<std::string, std::string> environment_table;

const char* from_table(const char* name) {
  const auto found = environment_table.find(name);
  return found == environment_table.end() ? nullptr : found->second.c_str();
}

class Config : public testing::Test {
 protected:
  Config() { environment_table.clear(); }

  static auto understand(std::string_view text, std::string_view fetched = "null") {
    return understand_config({"test", boost::json::parse(text)}, boost::json::parse(fetched), from_table);
  }
  static std::vector<std::string> faults_of(std::string_view text) {
    auto loaded = understand(text);
    std::vector<std::string> texts;
    if (!loaded) {
      for (const auto& fault : loaded.error()) texts.push_back(fault.text());
    }
    return texts;
  }
};

constexpr std::string_view kBootstrap =
    R"({"bootstrap":{"controlPlaneUrl":"https://cp.example/","nodeName":"jp1","token":"t0k3n"},"server":{"listen":":24368"}})";
constexpr std::string_view kFetched =
    R"({"node":{"name":"jp1","id":2},"bird":{"controlSocket":"/run/b.ctl","poolSize":5,"peerConfDir":"/etc/bird/peers"},
        "wireguard":{"privateKeyPath":"/etc/wireguard/private.key","persistentKeepaliveInterval":25,"dn42Ipv4":"172.22.188.2",
        "dn42Ipv6":"","dn42Ipv6LinkLocal":"fe80::998:101:2:1"}})";

TEST_F(Config, BootstrapFormIsIncompleteUntilTheControlPlaneAnswered) {
  const auto loaded = understand(kBootstrap);
  ASSERT_TRUE(loaded) << loaded.error().front().text();
  EXPECT_FALSE(loaded->config.is_complete);
  EXPECT_EQ(loaded->config.node.name, "jp1");
  EXPECT_EQ(loaded->config.control_plane.url, "https://cp.example");
  EXPECT_EQ(loaded->config.control_plane.token.reveal(), "t0k3n");
  EXPECT_EQ(loaded->config.api.listen.text(), "[::]:24368");
}

TEST_F(Config, FetchedConfigFillsWhatTheFileLeavesOpen) {
  const auto loaded = understand(kBootstrap, kFetched);
  ASSERT_TRUE(loaded);
  EXPECT_TRUE(loaded->config.is_complete);
  EXPECT_EQ(loaded->config.bird.control_socket, "/run/b.ctl");
  EXPECT_EQ(loaded->config.node.ipv4->text(), "172.22.188.2");
  EXPECT_FALSE(loaded->config.node.ipv6) << "an empty address is not allocated yet";
}

TEST_F(Config, EchoesAreAsTheControlPlaneSaysAndTheirPaceIsTheNodes) {
  const auto loaded =
      understand(kBootstrap, R"({"metric":{"pingTimeout":2,"pingCount":"7","pingWorkers":32,"rttInterval":9}})");
  ASSERT_TRUE(loaded) << loaded.error().front().text();
  EXPECT_EQ(loaded->config.metric.ping_timeout, std::chrono::seconds(2));
  EXPECT_EQ(loaded->config.metric.ping_count, 7u);
  EXPECT_EQ(loaded->config.metric.rtt_interval, std::chrono::seconds(300));
  EXPECT_TRUE(loaded->warnings.empty());
  EXPECT_FALSE(understand(kBootstrap, R"({"metric":{"pingCount":0}})"));
}

TEST_F(Config, SaysWhenAFailureIsAProblem) {
  constexpr std::string_view kNode =
      R"("node":{"name":"a"},"controlPlane":{"url":"http://cp","token":"x","metricInterval":30})";
  const auto loaded =
      understand("{" + std::string(kNode) + R"(,"health":{"problemAfter":5,"okAfter":0,"limitRetry":7,"x":1}})");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.control_plane.metric_interval, std::chrono::seconds(30));
  EXPECT_EQ(loaded->config.health.problem_after, std::chrono::seconds(5));
  EXPECT_EQ(loaded->config.health.ok_after, std::chrono::seconds(0));
  EXPECT_EQ(loaded->config.health.limit_retry, std::chrono::seconds(7));
  EXPECT_EQ(loaded->warnings.size(), 1u);
  const auto faulty = understand("{" + std::string(kNode) + R"(,"health":{"problemAfter":0}})");
  ASSERT_FALSE(faulty);
  EXPECT_NE(faulty.error().front().text().find("health.problemAfter"), std::string::npos);
}

TEST_F(Config, TheControlPlaneSetsNothingButWhatTheContractLists) {
  const auto loaded = understand(kBootstrap, R"({
      "bird":{"ownership":"full","configFile":"/etc/passwd","localAsn":1,"ownPrefixes":["10.0.0.0/8"],"peerTemplate":"x",
              "importFilter":"x","exportFilter":"x","importTheirsFilter":"x","exportOwnFilter":"x","poolSize":7},
      "wireguard":{"backend":"userspace","userspaceProgram":"/tmp/evil","dn42Ipv4":"172.22.188.2"},
      "controlPlane":{"syncInterval":1,"tokenFile":"/etc/shadow","maxRetries":20},
      "bootstrap":{"token":"other"},"server":{"listen":"0.0.0.0:1","idleTimeout":1},"api":{"token":"open sesame"},
      "kernel":{"manageSettings":true,"acceptLocal":true},"stateDir":"/tmp/evil","_comment":"x","more":{}})");
  ASSERT_TRUE(loaded) << loaded.error().front().text();
  const AgentConfig& config = loaded->config;
  EXPECT_EQ(config.bird.pool.kept, 7u) << "what it may set is set";
  EXPECT_EQ(config.node.ipv4->text(), "172.22.188.2");
  const AgentConfig untold;
  EXPECT_EQ(config.bird.ownership, BirdOwnership::peers);
  EXPECT_EQ(config.bird.config_file, untold.bird.config_file);
  EXPECT_FALSE(config.bird.local_asn);
  EXPECT_TRUE(config.bird.own_prefixes.empty());
  EXPECT_EQ(config.bird.names.peer_template, untold.bird.names.peer_template);
  EXPECT_EQ(config.bird.names.import_filter, untold.bird.names.import_filter);
  EXPECT_EQ(config.bird.names.export_own, untold.bird.names.export_own);
  EXPECT_EQ(config.wireguard.backend, WireGuardBackend::automatic);
  EXPECT_EQ(config.wireguard.userspace_program, "wireguard-go");
  EXPECT_EQ(config.control_plane.sync_interval, untold.control_plane.sync_interval);
  EXPECT_EQ(config.control_plane.max_retries, untold.control_plane.max_retries);
  EXPECT_EQ(config.control_plane.token.reveal(), "t0k3n");
  EXPECT_EQ(config.api.token.reveal(), "t0k3n");
  EXPECT_EQ(config.api.listen.text(), "[::]:24368");
  EXPECT_EQ(config.api.idle_timeout, untold.api.idle_timeout);
  EXPECT_FALSE(config.kernel.manage_settings);
  EXPECT_FALSE(config.kernel.accept_local);
  EXPECT_EQ(config.state_folder, untold.state_folder);
  EXPECT_TRUE(loaded->warnings.empty()) << loaded->warnings.front();
}

TEST_F(Config, ZeroFromTheControlPlaneIsANumberButForTheNodesId) {
  const auto loaded =
      understand(kBootstrap, R"({"node":{"id":0},"wireguard":{"persistentKeepaliveInterval":0,"dn42Ipv4":""}})");
  ASSERT_TRUE(loaded) << loaded.error().front().text();
  EXPECT_EQ(loaded->config.wireguard.keepalive, std::chrono::seconds(0)) << "0 turns it off";
  EXPECT_EQ(fetched_members(boost::json::parse(R"({"node":{"id":0,"name":"a"}})")),
            boost::json::parse(R"({"node":{"name":"a"}})"));
}

TEST_F(Config, FetchedPathsLeadWhereTheyBelongOnly) {
  const auto fetched = [](std::string_view section, std::string_view key, std::string_view path) {
    return boost::json::serialize(boost::json::object{{section, boost::json::object{{key, path}}}});
  };
  for (const auto& [section, key, path] : std::vector<std::array<const char*, 3>>{
           {"bird", "controlSocket", "/run/bird/bird.ctl"},
           {"bird", "peerConfDir", "/etc/bird/peers"},
           {"wireguard", "privateKeyPath", "/etc/moenet-agent/node.key"},
           {"wireguard", "publicKeyPath", "/etc/wireguard/public.key"},
           {"wireguard", "publicKeyPath", "/etc/wireguard/node.pub"},
       }) {
    EXPECT_TRUE(understand(kBootstrap, fetched(section, key, path))) << path;
  }
  for (const auto& [section, key, path] : std::vector<std::array<const char*, 3>>{
           {"bird", "controlSocket", "/run/docker.sock"},
           {"bird", "peerConfDir", "/etc/apt/apt.conf.d"},
           {"bird", "peerConfDir", "/etc/bird/../cron.d"},
           {"bird", "peerConfDir", "/etc/birdhouse"},
           {"bird", "peerConfDir", "/etc/bird/"},
           {"wireguard", "privateKeyPath", "/etc/shadow"},
           {"wireguard", "publicKeyPath", "/etc/cron.d/public.key"},
           {"wireguard", "publicKeyPath", "/etc/wireguard/wg0.key"},
           {"wireguard", "publicKeyPath", "/etc/moenet-agent/config.json"},
       }) {
    const auto loaded = understand(kBootstrap, fetched(section, key, path));
    ASSERT_FALSE(loaded) << path;
    ASSERT_EQ(loaded.error().size(), 1u) << path;
    EXPECT_EQ(loaded.error().front().path, fmt::format("{}.{}", section, key));
    EXPECT_NE(loaded.error().front().text().find(path), std::string::npos);
  }
}

TEST_F(Config, TheNodesOwnFileSaysWhereElseTheyMayLead) {
  constexpr std::string_view kElsewhere = R"({"bird":{"peerConfDir":"/opt/dn42/peers"}})";
  std::string file(kBootstrap);
  file.insert(file.size() - 1, R"(,"controlPlane":{"pathsBelow":["/opt/dn42/"]})");
  EXPECT_TRUE(understand(file, kElsewhere));
  EXPECT_FALSE(understand(file, R"({"bird":{"peerConfDir":"/opt/dn43/peers"}})"));
  file = kBootstrap;
  file.insert(file.size() - 1, R"(,"bird":{"peerConfDir":"/srv/peers"})");
  const auto own = understand(file, kElsewhere);
  ASSERT_TRUE(own) << "what the file says counts, and the answer's is of no interest";
  EXPECT_EQ(own->config.bird.peer_folder, "/srv/peers");
}

TEST_F(Config, TakesIdsThatAnInterfaceNameHasRoomFor) {
  EXPECT_TRUE(understand(kBootstrap, R"({"node":{"id":999}})"));
  EXPECT_FALSE(understand(kBootstrap, R"({"node":{"id":1000}})"));
}

TEST_F(Config, FileWinsOverFetchedAndEnvironmentOverBoth) {
  environment_table["MOENET_CP_TOKEN"] = "from-environment";
  environment_table["MOENET_NODE_NAME"] = "tw9";
  const auto loaded = understand(R"({"node":{"name":"a"},"controlPlane":{"url":"http://cp","token":"x"},
                                     "bird":{"controlSocket":"/mine.ctl"}})",
                                 kFetched);
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.bird.control_socket, "/mine.ctl");
  EXPECT_EQ(loaded->config.node.name, "tw9");
  EXPECT_EQ(loaded->config.control_plane.token.reveal(), "from-environment");
}

TEST_F(Config, ListensOnLoopbackUnlessToldOtherwise) {
  const auto loaded = understand(R"({"node":{"name":"a"},"controlPlane":{"url":"http://cp","token":"x"}})");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.api.listen.text(), "127.0.0.1:24368");
  EXPECT_EQ(loaded->config.api.token, loaded->config.control_plane.token) << "one token unless api.token says so";
}

TEST_F(Config, NamesAllFaultsAtOnceWithPathValueAndExpectation) {
  const auto faults = faults_of(R"({"node":{"name":"bad name"},"controlPlane":{"url":"ftp://x","maxRetries":99},
      "bird":{"poolSizeMax":0,"peerConfDir":"relative","ownership":"half"},"wireguard":{"dn42Ipv4":"300.1.1.1","backend":"go"}})");
  const auto mentions = [&](std::string_view path) {
    return std::ranges::count_if(faults, [&](const std::string& text) { return text.starts_with(path); });
  };
  for (const char* path :
       {"node.name", "controlPlane.url", "controlPlane.maxRetries", "controlPlane.token", "bird.poolSizeMax",
        "bird.peerConfDir", "bird.ownership", "wireguard.dn42Ipv4", "wireguard.backend"}) {
    EXPECT_EQ(mentions(path), 1) << path;
  }
}

TEST_F(Config, FaultsNeverHoldTheToken) {
  for (const auto& fault :
       faults_of(R"({"node":{"name":"a"},"controlPlane":{"url":"http://cp","token":"se\u0001cret"}})")) {
    EXPECT_EQ(fault.find("cret"), std::string::npos) << fault;
  }
}

TEST_F(Config, UnknownKeysWarnAndCommentsDoNot) {
  const auto loaded = understand(
      R"({"_comment":"x","node":{"name":"a","colour":"red"},"controlPlane":{"url":"http://cp","token":"x"}})");
  ASSERT_TRUE(loaded);
  ASSERT_EQ(loaded->warnings.size(), 1u);
  EXPECT_NE(loaded->warnings[0].find("node.colour"), std::string::npos);
}

TEST_F(Config, TokenComesFromFileOrSystemdCredential) {
  const support::TemporaryFolder folder;
  const std::string file = folder / "control-plane-token";
  std::ofstream(file) << "from-file\n";
  ::chmod(file.c_str(), 0600);
  auto loaded = understand(R"({"node":{"name":"a"},"controlPlane":{"url":"http://cp","tokenFile":")" + file + "\"}}");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.control_plane.token.reveal(), "from-file");
  EXPECT_TRUE(loaded->warnings.empty());

  environment_table["CREDENTIALS_DIRECTORY"] = folder.path().native();
  loaded = understand(R"({"node":{"name":"a"},"controlPlane":{"url":"http://cp"}})");
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.control_plane.token.reveal(), "from-file");
}

TEST_F(Config, WhoeverIsNotTheServiceFindsItsCredential) {
  const support::TemporaryFolder folder;
  const std::string file = folder / "of-the-service";
  std::ofstream(file) << "from-service\n";
  ::chmod(file.c_str(), 0400);
  const ConfigSource source{"test", {{"node", {{"name", "a"}}}, {"controlPlane", {{"url", "http://cp"}}}}};
  auto loaded = understand_config(source, nullptr, from_table, {file});
  ASSERT_TRUE(loaded) << loaded.error().front().text();
  EXPECT_EQ(loaded->config.control_plane.token.reveal(), "from-service");
  EXPECT_EQ(loaded->config.api.token.reveal(), "from-service");
  EXPECT_FALSE(understand_config(source, nullptr, from_table, {folder / "absent"}));
  EXPECT_FALSE(understand_config(source, nullptr, from_table));
}

TEST_F(Config, WhoeverAsksTheRunningAgentMayHaveNoToken) {
  for (const char* section : {R"("url":"http://cp")", R"("url":"http://cp","tokenFile":"/nowhere/token")"}) {
    const ConfigSource source{
        "test", boost::json::parse(std::string(R"({"node":{"name":"a"},"controlPlane":{)") + section + "}}")};
    EXPECT_FALSE(understand_config(source, nullptr, from_table)) << section;
    const auto loaded = understand_config(source, nullptr, from_table, {"/nowhere/credential", true});
    ASSERT_TRUE(loaded) << loaded.error().front().text();
    EXPECT_TRUE(loaded->config.api.token.empty());
  }
}

TEST_F(Config, MissingTokenFileIsNamed) {
  const auto faults =
      faults_of(R"({"node":{"name":"a"},"controlPlane":{"url":"http://cp","tokenFile":"/nowhere/token"}})");
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_NE(faults[0].find("/nowhere/token"), std::string::npos) << faults[0];
}

TEST_F(Config, KernelSettingsAreTouchedOnlyWhenTheFileSaysSo) {
  const auto with = [](const std::string& kernel) {
    return understand(R"({"node":{"name":"a"},"controlPlane":{"url":"http://cp","token":"x"},"kernel":)" + kernel +
                      "}");
  };
  const auto silent = with("{}");
  const auto told = with(R"({"manageSettings":true,"acceptLocal":true})");
  ASSERT_TRUE(silent && told);
  EXPECT_FALSE(silent->config.kernel.manage_settings || silent->config.kernel.accept_local);
  EXPECT_TRUE(told->config.kernel.manage_settings && told->config.kernel.accept_local);
  const auto faulty = with(R"({"manageSettings":"yes"})");
  ASSERT_FALSE(faulty);
  EXPECT_EQ(faulty.error().front().path, "kernel.manageSettings");
}

TEST_F(Config, TheAgentSeesToTheLoopbackWhereItOwnsBirdUnlessToldOtherwise) {
  const auto kind_of = [&](const std::string& more) {
    const auto loaded =
        understand(R"({"node":{"name":"a"},"controlPlane":{"url":"http://cp","token":"x"})" + more + "}");
    EXPECT_TRUE(loaded) << more;
    return loaded ? loaded->config.loopback.kind : LoopbackKind::none;
  };
  EXPECT_EQ(kind_of(""), LoopbackKind::none);
  EXPECT_EQ(kind_of(R"(,"bird":{"ownership":"full"})"), LoopbackKind::automatic);
  EXPECT_EQ(kind_of(R"(,"bird":{"ownership":"full"},"loopback":{"kind":"none"})"), LoopbackKind::none);
  EXPECT_EQ(kind_of(R"(,"loopback":{"kind":"ifb"})"), LoopbackKind::ifb);
}

TEST_F(Config, NamesFaultsOfTheBackbone) {
  const auto faults = faults_of(
      R"({"node":{"name":"a"},"controlPlane":{"url":"http://cp","token":"x"},"mesh":{"enabled":"perhaps"},
          "loopback":{"kind":"vrf","name":"a name"},"bird":{"country":1000}})");
  ASSERT_EQ(faults.size(), 4u);
  EXPECT_TRUE(faults[0].starts_with("bird.country")) << faults[0];
  EXPECT_TRUE(faults[1].starts_with("mesh.enabled")) << faults[1];
  EXPECT_TRUE(faults[2].starts_with("loopback.kind")) << faults[2];
  EXPECT_TRUE(faults[3].starts_with("loopback.name")) << faults[3];
}

TEST_F(Config, FilesOfRoasAreUrlsEachOnce) {
  const auto with = [](std::string_view bird) {
    return R"({"node":{"name":"jp1"},"controlPlane":{"url":"https://cp","token":"t"},"bird":)" + std::string(bird) +
           "}";
  };
  const auto loaded = understand(with(R"({"ownership":"full","roaUrls":["https://a/roa.conf","http://b:8000/x"]})"));
  ASSERT_TRUE(loaded);
  EXPECT_EQ(loaded->config.bird.roa_urls, (std::vector<std::string>{"https://a/roa.conf", "http://b:8000/x"}));
  EXPECT_EQ(loaded->config.bird.roa_interval, std::chrono::hours(1));
  EXPECT_TRUE(loaded->warnings.empty());
  EXPECT_EQ(understand(with(R"({"roaUrls":["https://a/x"],"roaInterval":300})"))->warnings.size(), 1u);
  for (const char* wrong :
       {R"("roaUrls":["ftp://a/x"])", R"("roaUrls":["https://u:p@a/x"])", R"("roaUrls":["https://a/x","https://a/x"])",
        R"("roaUrls":["h://1","h://2"])", R"("roaUrls":["http://1","http://2","http://3","http://4","http://5"])",
        R"("roaInterval":299)", R"("roaInterval":86401)"}) {
    EXPECT_FALSE(faults_of(with("{" + std::string(wrong) + "}")).empty()) << wrong;
  }
}

TEST_F(Config, PathsBeneathTunnelsAreLookedAtUnlessToldOtherwise) {
  EXPECT_EQ(understand(kBootstrap)->config.mtu.probe, MtuProbe::advise);
  EXPECT_EQ(understand(kBootstrap)->config.mtu.interval, std::chrono::hours(1));
  const auto with = [](std::string_view mtu) {
    return std::string(kBootstrap.substr(0, kBootstrap.size() - 1)) + std::string(mtu);
  };
  EXPECT_EQ(understand(with(R"(,"mtu":{"probe":"off"}})"))->config.mtu.probe, MtuProbe::off);
  EXPECT_EQ(understand(with(R"(,"mtu":{"probe":"advise"}})"))->config.mtu.probe, MtuProbe::advise);
  const auto applied = understand(with(R"(,"mtu":{"probe":"apply","interval":5}})"));
  EXPECT_EQ(applied->config.mtu.probe, MtuProbe::apply);
  EXPECT_EQ(applied->config.mtu.interval, std::chrono::seconds(5));
  EXPECT_TRUE(applied->warnings.empty());
  const auto faults = faults_of(with(R"(,"mtu":{"probe":"force"}})"));
  ASSERT_EQ(faults.size(), 1u);
  EXPECT_EQ(faults[0], R"(mtu.probe: 'force' is not "off", "advise" or "apply")");
  for (const char* wrong : {R"(,"mtu":{"interval":0}})", R"(,"mtu":{"interval":86401}})"})
    EXPECT_EQ(faults_of(with(wrong)).size(), 1u) << wrong;
}

TEST_F(Config, SystemCallsAreFilteredUnlessTheFileSaysOtherwise) {
  const auto with = [](std::string_view sandbox) {
    return std::string(kBootstrap.substr(0, kBootstrap.size() - 1)) + R"(,"sandbox":)" + std::string(sandbox) + "}";
  };
  const auto wants = [](std::string_view text) { return wants_system_call_filter({"test", boost::json::parse(text)}); };
  EXPECT_TRUE(wants(kBootstrap));
  EXPECT_TRUE(wants(with(R"({"seccomp":true})")));
  EXPECT_FALSE(wants(with(R"({"seccomp":false})")));
  EXPECT_TRUE(understand(with(R"({"seccomp":false})"))->warnings.empty());
  EXPECT_EQ(faults_of(with(R"({"seccomp":"off"})")).size(), 1u);
}

TEST_F(Config, TheLookingGlassIsTheOperatorsToOpen) {
  const auto usual = understand(kBootstrap)->config.looking_glass;
  EXPECT_TRUE(usual.enabled);
  EXPECT_EQ(usual.tools, (std::vector<Tool>{Tool::route, Tool::path, Tool::ping}));
  EXPECT_EQ(usual.targets, LookingGlassSettings::network_prefixes());
  const auto with = [](std::string_view words) {
    return std::string(kBootstrap.substr(0, kBootstrap.size() - 1)) + R"(,"lookingGlass":)" + std::string(words) + "}";
  };
  EXPECT_FALSE(understand(with(R"({"enabled":false})"))->config.looking_glass.enabled);
  const auto said = understand(with(R"({"tools":["trace","path"],"targets":["10.0.0.0/8"]})"))->config.looking_glass;
  EXPECT_EQ(said.tools, (std::vector<Tool>{Tool::trace, Tool::path}));
  EXPECT_EQ(said.targets, std::vector{IpPrefix::parse("10.0.0.0/8").value()});
  EXPECT_TRUE(understand(with(R"({"tools":[]})"))->config.looking_glass.tools.empty());
  for (const char* words : {R"({"tools":["reboot"]})", R"({"tools":["ping","ping"]})",
                            R"({"targets":["172.20.0.1/14"]})", R"({"targets":["all"]})"})
    EXPECT_EQ(faults_of(with(words)).size(), 1u) << words;
}

}  // namespace
}  // namespace moenet::agent
