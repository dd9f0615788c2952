#include "bird/policy.h"

#include <algorithm>
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bird/peer_folder.h"
#include "bird/real_bird.h"
#include "bird/sample_policy.h"

namespace moenet::bird {
namespace {

struct NamedDialect {
  std::string name;
  Dialect dialect;
};
std::vector<NamedDialect> dialects() {
  return {{"2.0.12", Dialect::of({2, 0, 12})}, {"2.17.6", Dialect::of({2, 17, 6})}, {"3.1.8", Dialect::of({3, 1, 8})}};
}

const std::string& text_of_file(const std::vector<model::BirdFile>& files, std::string_view name) {
  static const std::string none;
  const auto found = std::find_if(files.begin(), files.end(), [&](const auto& file) { return file.name == name; });
  return found == files.end() ? none : found->text;
}

std::string joined(const std::vector<model::BirdFile>& files) {
  std::string out;
  for (const model::BirdFile& file : files) out += "==> " + file.name + " <==\n" + file.text;
  return out;
}

void expect_golden(const std::string& name, const std::string& text) {
  const std::string path = MOENET_SOURCE_DIR "/tests/golden/bird/policy/" + name;
  if (std::getenv("MOENET_UPDATE_GOLDEN") != nullptr) write_file(path, text);
  EXPECT_EQ(text, text_of(path)) << "run with MOENET_UPDATE_GOLDEN=1 when this change is meant";
}

TEST(Policy, MatchesItsGoldenFiles) {
  for (const PolicySample& sample : policy_samples()) {
    expect_golden(sample.name + ".conf", joined(render_policy(sample.input, Dialect::of({2, 17, 6}))));
  }
  expect_golden("sessions.conf", joined(sample_sessions({})));
  expect_golden("main.conf", render_main("/etc/bird/peers", "jp1", IpAddress::v4({172, 22, 188, 2})));
}

TEST(Policy, DiffersByDialectInBabelAndForBird3InItsScanReminderAndLimits) {
  const auto wanted = render_policy(reflector(), Dialect::of({2, 17, 6}));
  for (const NamedDialect& other : dialects()) {
    for (const model::BirdFile& file : render_policy(reflector(), other.dialect)) {
      if (file.name == "25_loaded_roas.conf") {
        EXPECT_EQ(other.name, "3.1.8");
        expect_golden("loaded_roas-3.1.8.conf", joined({file}));
      } else if (file.name == "00_base.conf" && other.name == "3.1.8") {
        expect_golden("base-3.1.8.conf", joined({file}));
      } else if ((file.name == "40_ibgp.conf" || file.name == "50_ebgp.conf") && other.name == "3.1.8") {
        expect_golden(file.name.substr(3, 4) + "-3.1.8.conf", joined({file}));
      } else if (file.name == "30_babel.conf") {
        expect_golden("babel-" + other.name + ".conf", joined({file}));
      } else {
        EXPECT_EQ(file.text, text_of_file(wanted, file.name)) << file.name;
      }
    }
  }
}

TEST(Policy, KnowsWhatEachVersionCan) {
  EXPECT_FALSE(Dialect::of({2, 0, 12}).has_babel_rtt);
  EXPECT_FALSE(Dialect::of({2, 13, 1}).has_babel_rtt);
  EXPECT_TRUE(Dialect::of({2, 14, 0}).has_babel_rtt);
  EXPECT_TRUE(Dialect::of({3, 1, 8}).has_babel_rtt);
  EXPECT_FALSE(Dialect::of({2, 17, 6}).validates_covered_only);
  EXPECT_TRUE(Dialect::of({3, 0, 0}).validates_covered_only);
}

TEST(Policy, AsksOthersToLeaveBeforeThisNodeLeaves) {
  const auto base_of = [](Drain drain) {
    PolicyInput input = client();
    input.drain = drain;
    return text_of_file(render_policy(input, Dialect::of({2, 17, 6})), "00_base.conf");
  };
  const auto says = [](const std::string& text, std::string_view words) {
    return text.find(words) != std::string::npos;
  };
  const std::string off = base_of(Drain::off), asks = base_of(Drain::asks), leaves = base_of(Drain::leaves);
  EXPECT_TRUE(says(off, "MOENET_DRAIN = false;") && says(off, "MOENET_LEAVE = false;")) << off;
  EXPECT_TRUE(says(asks, "MOENET_DRAIN = true;") && says(asks, "MOENET_LEAVE = false;")) << asks;
  EXPECT_TRUE(says(leaves, "MOENET_DRAIN = true;") && says(leaves, "MOENET_LEAVE = true;")) << leaves;
  EXPECT_TRUE(says(off, "MOENET_MESH_UPDATE = 16;") && says(asks, "MOENET_MESH_UPDATE = 4;")) << off << asks;
}

// A family without prefixes is not validated, and so needs no reminder.
TEST(Policy, AsksForTheRoasOfTheFamiliesThatItValidates) {
  const Dialect bird3 = Dialect::of({3, 1, 8});
  PolicyInput input = reflector();
  std::erase_if(input.policy.policy.own_prefixes, [](const IpPrefix& own) { return own.address.is_v4(); });
  const std::string text = text_of_file(render_policy(input, bird3), "25_loaded_roas.conf");
  EXPECT_EQ(text.find("dn42_roa4"), std::string::npos) << text;
  EXPECT_NE(text.find("then families = families + 2;"), std::string::npos) << text;
  input.policy.policy.own_prefixes.clear();
  EXPECT_EQ(text_of_file(render_policy(input, bird3), "25_loaded_roas.conf"), "");
}

TEST(Policy, IsInFilesOfOneOwnerThatSortBeforeThePeers) {
  for (const PolicySample& sample : policy_samples()) {
    const auto files = render_policy(sample.input, {});
    EXPECT_TRUE(
        std::is_sorted(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; }));
    for (const model::BirdFile& file : files) {
      EXPECT_LT(file.name, protocol_name(1));
      EXPECT_EQ(file.owner, kPolicyOwner);
      EXPECT_EQ(owner_in(file.text), file.owner) << file.name;
    }
  }
}

TEST(Policy, LeavesOutAFileThatWouldSayNothing) {
  const auto without = [](const PolicyInput& input, std::string_view name) {
    return text_of_file(render_policy(input, {}), name).empty();
  };
  PolicyInput input = client();
  EXPECT_FALSE(without(input, "30_babel.conf"));
  EXPECT_FALSE(without(input, "40_ibgp.conf"));
  input.has_mesh = false;
  input.policy.ibgp_peers.clear();
  EXPECT_TRUE(without(input, "30_babel.conf"));
  EXPECT_TRUE(without(input, "40_ibgp.conf"));
  input = client();
  input.policy.ibgp_peers[0].loopback_ipv6.reset();
  EXPECT_FALSE(without(input, "40_ibgp.conf"));
  input.policy.node.loopback_ipv4.reset();  // now they share no family
  EXPECT_TRUE(without(input, "40_ibgp.conf"));
}

TEST(Policy, PutsBandwidthsInTheOrderOfTheirNames) {
  const std::string text = text_of_file(render_policy(reflector(), {}), "05_communities.conf");
  // 100k_plus is 24 here and the slowest of all; 10g_plus is 22 and the fastest
  EXPECT_NE(
      text.find("if (64511, 24) ~ bgp_community then bgp_community.delete([ (64511, 22), (64511, 23), (64511, 21), "
                "(64511, 25) ]);"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("if bandwidth >= 10000 then bgp_community.add((64511, 22));"), std::string::npos) << text;
  EXPECT_EQ(text.find("if (64511, 22) ~"), std::string::npos) << "nothing is faster than the fastest";
}

TEST(Policy, SaysNothingOfNamesWithoutAKnownMeaning) {
  PolicyInput input = reflector();
  const auto before = render_policy(input, {});
  input.policy.policy.latency["tier9"] = {64511, 99};
  input.policy.policy.latency["fast"] = {64511, 99};
  for (const char* name : {"_plus", "k_plus", "1t_plus", "-1m_plus", "1.5m_plus", "99999999999m_plus", "1m"}) {
    input.policy.policy.bandwidth[name] = {64511, 99};
  }
  input.policy.policy.crypto["quantum"] = {64511, 99};
  input.policy.policy.loss["some"] = {64511, 99};
  input.policy.policy.topology["teleport"] = {64511, 99};
  input.policy.policy.link_bandwidth["g"] = {kSampleAsn, 5, 99};
  input.policy.policy.link_bandwidth["999999999999999999999999g"] = {kSampleAsn, 5, 99};
  EXPECT_EQ(render_policy(input, {}), before);
}

// Lists have no order on the wire.
RC_GTEST_PROP(Policy, IsTheSameForEveryOrderOfItsLists, (unsigned seed)) {
  std::mt19937 random(seed);
  for (const PolicySample& sample : policy_samples()) {
    PolicyInput turned = sample.input;
    std::shuffle(turned.roas.begin(), turned.roas.end(), random);
    std::shuffle(turned.policy.policy.own_prefixes.begin(), turned.policy.policy.own_prefixes.end(), random);
    std::shuffle(turned.policy.policy.rpki_servers.begin(), turned.policy.policy.rpki_servers.end(), random);
    std::shuffle(turned.policy.policy.blocked_prefixes.begin(), turned.policy.policy.blocked_prefixes.end(), random);
    RC_ASSERT(render_policy(turned, {}) == render_policy(sample.input, {}));
  }
}

// Whatever a peer is called, its description is one line of its own.
RC_GTEST_PROP(Policy, IsNotChangedByWhatAPeerIsCalled, (const std::string& name)) {
  PolicyInput input = client();
  input.policy.ibgp_peers[0].name = "x";
  const auto plain = render_policy(input, {});
  input.policy.ibgp_peers[0].name = "x" + name;
  std::string text = joined(render_policy(input, {}));
  const std::string description = "  description " + quote("x" + name) + ";\n";
  const std::size_t at = text.find(description);
  RC_ASSERT(at != std::string::npos);
  text.replace(at, description.size(), "  description \"x\";\n");
  RC_ASSERT(text == joined(plain));
}

TEST(Policy, TellsOfTunnelsOnlyWhereTheOperatorWants) {
  PolicyInput input = client();
  const auto says = [&](std::string_view what) {
    return text_of_file(render_policy(input, {}), "05_communities.conf").find(what) != std::string::npos;
  };
  EXPECT_TRUE(says("bgp_community.add((64511, 83));"));
  input.policy.policy.topology["tunnel"] = {64511, 87};  // as the control plane says
  EXPECT_TRUE(says("bgp_community.add((64511, 87));"));
  input.tells_topology = false;
  EXPECT_FALSE(says("(64511, 87)"));
}

TEST(RenderPeer, SaysWhatItIsToldOfItsLink) {
  const auto files = sample_sessions({});
  EXPECT_NE(
      files[0].text.find("import filter { moenet_link(4, 24, 34); moenet_link_loss(93); moenet_import_valid(); };"),
      std::string::npos);
  EXPECT_NE(files[1].text.find("import filter { moenet_link(1, 1000, 35); moenet_import_theirs(); };"),
            std::string::npos);
  EXPECT_NE(files[2].text.find("import filter dn42_import_filter_theirs;"), std::string::npos);
  EXPECT_NE(files[3].text.find("moenet_import_valid(); };\n    export filter dn42_export_filter_own;"),
            std::string::npos);
}

class PolicyOn : public testing::TestWithParam<BirdProgram> {};
INSTANTIATE_TEST_SUITE_P(Bird, PolicyOn, testing::ValuesIn(bird_programs()), name_of_program);

TEST_P(PolicyOn, BirdAcceptsEverySample) {
  ASSERT_TRUE(GetParam().is_there()) << GetParam().path << " is missing: ./dev setup, and ./dev test unpack it";
  const std::size_t number = GetParam().name == "system" ? 0 : GetParam().name == "bird2_17" ? 1 : 2;
  for (const PolicySample& sample : policy_samples()) {
    support::TemporaryFolder folder;
    std::filesystem::create_directory(folder / "peers");
    auto files = render_policy(sample.input, dialects()[number].dialect);
    for (const auto& session : sample_sessions(sample.input.names)) files.push_back(session);
    for (const auto& file : files) write_file(folder / "peers/" + file.name, file.text);
    write_file(folder / "bird.conf", render_main(folder / "peers", "jp1", IpAddress::v4({172, 22, 188, 2})));
    const std::string out = folder / "out";
    const std::string command = GetParam().path + " -p -c " + (folder / "bird.conf") + " >" + out + " 2>&1";
    EXPECT_EQ(std::system(command.c_str()), 0) << sample.name;
    EXPECT_EQ(text_of(out), "") << sample.name;  // no warning either
  }
}

}  // namespace
}  // namespace moenet::bird
