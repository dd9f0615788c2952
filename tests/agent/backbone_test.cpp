#include "agent/backbone.h"

#include <gtest/gtest.h>

#include "agent/mesh_of.h"

namespace moenet::agent {
namespace {

class BackboneTest : public testing::Test {
 protected:
  BackboneTest() {
    config_.node = {"jp1", *IpAddress::parse("172.22.188.2"), *IpAddress::parse("fd00::2"),
                    *IpAddress::parse("fe80::2")};
    config_.bird.ownership = BirdOwnership::full;
    config_.loopback.kind = LoopbackKind::automatic;
  }
  Backbone make() { return Backbone(config_, context_of(config_, mesh_key_of(99))); }
  static Composed compose(Backbone& backbone, const std::string& version = "2.0.12") {
    return backbone.compose(
        [](std::string_view host, auto) { return Result<std::optional<IpAddress>>(IpAddress::parse(host).value()); },
        version);
  }
  static std::vector<std::string> owners(const Composed& composed) {
    std::vector<std::string> all;
    for (const auto& peering : composed.state.peerings) all.emplace_back(peering.owner);
    return all;
  }
  static Known<model::Mesh> known(const model::Mesh& mesh, std::uint64_t number) {
    return {std::make_shared<const model::Mesh>(mesh), false, number};
  }
  using Texts = std::vector<std::string>;
  AgentConfig config_;
};

TEST_F(BackboneTest, KeepsTheMeshUntilItIsKnownAndThenWantsJustThat) {
  auto backbone = make();
  EXPECT_TRUE(compose(backbone).state.keeps_mesh);
  EXPECT_EQ(owners(compose(backbone)), Texts{"loopback"});
  backbone.take_mesh(known(mesh_of({3, 10}), 1), false);
  const auto composed = compose(backbone);
  EXPECT_FALSE(composed.state.keeps_mesh);
  EXPECT_EQ(owners(composed), (Texts{"loopback", "mesh/10", "mesh/3"}));
  EXPECT_EQ(composed.status_of.size(), 3u);
}

TEST_F(BackboneTest, WantsNoMeshWhereItIsSwitchedOff) {
  config_.mesh.enabled = false;
  auto backbone = make();
  backbone.take_mesh(known(mesh_of({3}), 1), false);
  EXPECT_FALSE(compose(backbone).state.keeps_mesh);
  EXPECT_EQ(owners(compose(backbone)), Texts{"loopback"});
}

TEST_F(BackboneTest, AMeshThatShrinksByHalfIsHeldUntilItCameThreeTimes) {
  auto backbone = make();
  backbone.take_mesh(known(mesh_of({3, 4, 5, 6, 7, 8}), 1), false);
  const auto small = known(mesh_of({3}), 2);
  backbone.take_mesh(small, false);
  EXPECT_TRUE(backbone.guard().holds);
  EXPECT_EQ(owners(compose(backbone)).size(), 7u);
  backbone.take_mesh(small, false);
  EXPECT_EQ(owners(compose(backbone)).size(), 7u) << "the same answer, looked at again";
  backbone.take_mesh({small.answer, false, 3}, false);
  EXPECT_EQ(owners(compose(backbone)).size(), 7u);
  backbone.take_mesh({small.answer, false, 4}, false);
  EXPECT_EQ(owners(compose(backbone)), (Texts{"loopback", "mesh/3"}));
}

TEST_F(BackboneTest, TheFirstMeshIsJudgedByTheTunnelsThatThereAre) {
  auto backbone = make();
  backbone.take_neighbors({3, 4, 5, 6, 7, 8});
  const auto small = known(mesh_of({3, 9}), 1);
  backbone.take_mesh(small, false);
  EXPECT_TRUE(backbone.guard().holds);
  const auto composed = compose(backbone);
  EXPECT_EQ(owners(composed),
            (Texts{"loopback", "mesh/3", "mesh/4", "mesh/5", "mesh/6", "mesh/7", "mesh/8", "mesh/9"}));
  EXPECT_EQ(composed.state.peerings[1].intent, model::Intent::present);
  EXPECT_EQ(composed.state.peerings[2].intent, model::Intent::untouched) << "nothing is known of it";
  EXPECT_EQ(composed.state.peerings[7].intent, model::Intent::present) << "a new one is set up";
  backbone.take_mesh({small.answer, false, 2}, false);
  backbone.take_mesh({small.answer, false, 3}, false);
  EXPECT_EQ(owners(compose(backbone)), (Texts{"loopback", "mesh/3", "mesh/9"}));
}

TEST_F(BackboneTest, AMeshFromTheDiskTakesNobodyAway) {
  auto backbone = make();
  backbone.take_neighbors({3, 4});
  auto kept = known(mesh_of({3}), 0);
  kept.is_from_disk = true;
  backbone.take_mesh(kept, false);
  EXPECT_EQ(owners(compose(backbone)), (Texts{"loopback", "mesh/3", "mesh/4"}));
  backbone.take_mesh({kept.answer, false, 1}, false);
  EXPECT_EQ(owners(compose(backbone)), (Texts{"loopback", "mesh/3"})) << "the control plane says the same";
}

TEST_F(BackboneTest, AFirstMeshWithARowOfNoIdTakesNobodyAway) {
  auto backbone = make();
  backbone.take_neighbors({3, 4});
  auto mesh = mesh_of({3});
  mesh.all_identified = false;
  backbone.take_mesh(known(mesh, 1), false);
  EXPECT_EQ(owners(compose(backbone)), (Texts{"loopback", "mesh/3", "mesh/4"}));
}

TEST_F(BackboneTest, AnOperatorLetsAShrunkenMeshPassAtOnce) {
  auto backbone = make();
  backbone.take_mesh(known(mesh_of({3, 4, 5, 6, 7, 8}), 1), false);
  const auto small = known(mesh_of({3}), 2);
  backbone.take_mesh(small, false);
  backbone.take_mesh(small, true);
  EXPECT_EQ(owners(compose(backbone)), (Texts{"loopback", "mesh/3"}));
}

TEST_F(BackboneTest, KnowsNoPolicyWithoutAVersionOrAWordOfTheNetwork) {
  auto backbone = make();
  EXPECT_FALSE(compose(backbone, "").state.policy);
  EXPECT_FALSE(compose(backbone).state.policy) << "no network is known";
  config_.bird.local_asn = 4242420998;
  auto local = make();
  EXPECT_FALSE(compose(local, "").state.policy);
  ASSERT_TRUE(compose(local).state.policy);
  EXPECT_EQ(compose(local).state.policy->front()->owner, "policy");
}

TEST_F(BackboneTest, RendersThePolicyAgainOnlyWhenSomethingChanged) {
  auto backbone = make();
  model::BirdPolicy policy;
  policy.policy = model::default_policy(4242420998);
  policy.node.id = 2;
  backbone.take_policy({std::make_shared<const model::BirdPolicy>(policy), false, 1});
  const auto first = compose(backbone).state.policy;
  ASSERT_TRUE(first);
  EXPECT_EQ(compose(backbone).state.policy->front(), first->front()) << "the same object";
  EXPECT_NE(compose(backbone, "3.1.8").state.policy->front(), first->front());
  backbone.set_drain(bird::Drain::asks);
  const auto draining = compose(backbone, "3.1.8").state.policy;
  EXPECT_NE(draining->front()->text.find("MOENET_DRAIN = true"), std::string::npos);
}

TEST_F(BackboneTest, WantsNoPolicyFilesWhereTheOperatorOwnsBird) {
  config_.bird.ownership = BirdOwnership::peers;
  auto backbone = make();
  ASSERT_TRUE(compose(backbone).state.policy);
  EXPECT_TRUE(compose(backbone).state.policy->empty());
}

TEST_F(BackboneTest, RendersThePolicyAnewOnlyForOtherRoas) {
  config_.bird.local_asn = 4242420998;
  auto backbone = make();
  const auto roa_file = [&] {
    const auto composed = compose(backbone);
    const auto& files = *composed.state.policy;
    return *std::ranges::find(files, "10_roa.conf", [](const auto& file) { return file->name; });
  };
  const auto without = roa_file();
  const auto table = std::make_shared<const std::vector<bird::Roa>>(
      std::vector<bird::Roa>{{*IpPrefix::parse("172.22.188.0/26"), 29, 4242420998}});
  backbone.take_roas(table);
  const auto with = roa_file();
  EXPECT_EQ(without->text.find("static_roa4"), std::string::npos);
  EXPECT_NE(with->text.find("  route 172.22.188.0/26 max 29 as 4242420998;\n"), std::string::npos) << with->text;
  backbone.take_roas(table);
  EXPECT_EQ(roa_file(), with) << "the same object: nothing was rendered";
  backbone.take_roas(nullptr);
  EXPECT_EQ(roa_file()->text, without->text);
}

}  // namespace
}  // namespace moenet::agent
