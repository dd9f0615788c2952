#include "bird/roa_state.h"

#include <gtest/gtest.h>

#include "bird/control.h"
#include "bird/real_bird.h"
#include "bird/sample_policy.h"

namespace moenet::bird {
namespace {

TEST(FilterMemory, AsksOnceForEachChange) {
  FilterMemory memory;
  EXPECT_FALSE(memory.is_stale({"a", "0"}));
  EXPECT_TRUE(memory.is_stale({"a", "1"}));
  EXPECT_TRUE(memory.is_stale({"a", "1"})) << "nobody asked them yet";
  memory.note_asked();
  EXPECT_FALSE(memory.is_stale({"a", "1"}));
  EXPECT_TRUE(memory.is_stale({"a", "3"}));
  memory.note_asked();
  EXPECT_TRUE(memory.is_stale({"a", "0"}));
  memory.note_asked();
  EXPECT_FALSE(memory.is_stale({"a", "0"}));
}

TEST(FilterMemory, OfAnotherRunNothingIsRemembered) {
  FilterMemory memory;
  EXPECT_TRUE(memory.is_stale({"a", "3"})) << "of a BIRD that ran before it is not known what it saw";
  memory.note_asked();
  EXPECT_TRUE(memory.is_stale({"b", "3"}));
  EXPECT_FALSE(memory.is_stale({"c", "0"})) << "a BIRD that starts has seen none";
}

TEST(FilterMemory, WhatCameAndWentBetweenTwoLooksIsNoChange) {
  FilterMemory memory;
  EXPECT_TRUE(memory.is_stale({"a", "3"}));
  EXPECT_FALSE(memory.is_stale({"a", "0"}));
}

class RoaStateOn : public testing::TestWithParam<BirdProgram> {};
INSTANTIATE_TEST_SUITE_P(Bird, RoaStateOn, testing::ValuesIn(bird_programs()), name_of_program);

// A BIRD with the tables of the policy and, on request, ROAs of the network's own.
class Tables {
 public:
  explicit Tables(const BirdProgram& program) : bird(program.path) {
    input_.policy.policy = model::default_policy(kSampleAsn);
    input_.policy.policy.own_prefixes = {prefix("172.22.188.0/26"), prefix("fd00:4242:7777::/48")};
    dialect_ = Dialect::of(program.name == "bird3" ? Version{3, 1, 8} : Version{2, 0, 12});
    write();
    write_file(bird.main(), "router id 1.1.1.1;\nprotocol device {}\ninclude \"" + bird.peers() + "/*.conf\";\n");
    bird.start();
  }

  void load(std::vector<Roa> roas) {
    input_.roas = std::move(roas);
    write();
    ASSERT_TRUE(pool.ask("configure", soon(), {}));
  }
  std::optional<RoaState> look() { return look_at_roas(pool, soon(), {}).value(); }

  RealBird bird;
  BirdPool pool{bird.socket(), {}};

 private:
  void write() {
    for (const auto& file : render_policy(input_, dialect_)) {
      if (file.name.find("roa") != std::string::npos) write_file(bird.peers() + "/" + file.name, file.text);
    }
  }
  PolicyInput input_;
  Dialect dialect_;
};

const Roa kOwn4{prefix("172.22.188.0/26"), 29, kSampleAsn};
const Roa kOwn6{prefix("fd00:4242:7777::/48"), 64, kSampleAsn};

TEST_P(RoaStateOn, IsToldByBird3Alone) {
  ASSERT_TRUE(GetParam().is_there()) << GetParam().path << " is missing: ./dev setup";
  Tables tables(GetParam());
  if (GetParam().name != "bird3") {
    EXPECT_FALSE(tables.look());
    return;
  }
  ASSERT_TRUE(tables.look());
  EXPECT_EQ(tables.look()->loaded, "0");
  EXPECT_EQ(tables.look(), tables.look());
  const std::string first_run = tables.look()->run;
  const auto becomes = [&](const std::string& wanted) {
    wait_until("loaded: " + wanted, [&] { return tables.look()->loaded == wanted; });
  };
  tables.load({{prefix("172.22.188.0/26"), 29, kSampleAsn + 1}, {prefix("172.20.0.0/24"), 24, kSampleAsn}});
  tables.load({kOwn4});
  becomes("1");
  tables.load({kOwn4, kOwn6});
  becomes("3");
  tables.load({kOwn6});
  becomes("2");
  EXPECT_EQ(tables.look()->run, first_run);
  EXPECT_TRUE(ask_filters_again(tables.pool, soon(), {})) << "no session is there, which is no error";
  tables.bird.restart();
  wait_until("another run", [&] {
    const auto state = look_at_roas(tables.pool, soon(), {});
    return state && *state && (*state)->run != first_run;
  });
}

TEST_P(RoaStateOn, IsNotKnownWithoutThePolicy) {
  ASSERT_TRUE(GetParam().is_there()) << GetParam().path << " is missing: ./dev setup";
  RealBird bird(GetParam().path);
  write_file(bird.main(), "router id 1.1.1.1;\nprotocol device {}\n");
  bird.start();
  BirdPool pool(bird.socket(), {});
  const auto state = look_at_roas(pool, soon(), {});
  ASSERT_TRUE(state) << state.error().what;
  EXPECT_FALSE(*state);
}

}  // namespace
}  // namespace moenet::bird
