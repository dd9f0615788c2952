// A BIRD whose policy is ours: it is taken as a whole or not at all.
#include <gtest/gtest.h>

#include "bird/transaction_fixture.h"

namespace moenet::bird {
namespace {

// A BIRD that is ours: its main file is the include, and the policy lies beside the peers.

class OwnBirdOn : public TransactionOn {
 protected:
  void SetUp() override {
    TransactionOn::SetUp();
    if (HasFatalFailure()) return;
    write_file(bird_.main(), main_);
    const auto begun = apply({{base(), filters(), peer(kFirst + 1)}, {}, main_, false});
    ASSERT_TRUE(begun) << begun.error().what;
    ASSERT_TRUE(begun->configured);
  }
  static model::BirdFile policy_file(const std::string& name, const std::string& body) {
    const model::Owner owner(model::kPolicyOwner);
    return {name, owner, ownership_line(owner) + body};
  }
  model::BirdFile base(const std::string& more = "") const {
    return policy_file("00_base.conf",
                       "router id 1.1.1.1;\nlog \"" + bird_.file("log") + "\" all;\nprotocol device {}\n" + more);
  }
  static model::BirdFile filters(const std::string& more = "") {
    return policy_file("20_filters.conf", policy() + more);
  }

  const std::string main_ = ownership_line(std::string(kBaseOwner)) + include_line(bird_.peers()) + "\n";
};

INSTANTIATE_TEST_SUITE_P(Bird, OwnBirdOn, testing::ValuesIn(bird_programs()), name_of_program);

TEST_P(OwnBirdOn, ChangesWithPeersInOneConfigure) {
  const auto before = configures();
  const auto result =
      apply({{base("define MOENET_DRAIN = true;\n"), peer(kFirst + 2)}, {"dn42_4242420001.conf"}, main_, false});
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_EQ(result->policy_refused, "");
  EXPECT_EQ(protocols(), std::vector<std::string>{"dn42_4242420002"});
  EXPECT_EQ(live(base()), base("define MOENET_DRAIN = true;\n").text);
  EXPECT_EQ(configures(), before + 1);
}

TEST_P(OwnBirdOn, IsRefusedAsAWholeAndThePeersGoOn) {
  const auto result =
      apply({{base("# new\n"), filters("filter broken { nonsense }\n"), peer(kFirst + 2)}, {}, main_, false});
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_TRUE(result->policy_refused.starts_with("20_filters.conf:")) << result->policy_refused;
  EXPECT_TRUE(result->refused.empty());
  EXPECT_EQ(live(base()), base().text);
  EXPECT_EQ(live(filters()), filters().text);
  EXPECT_EQ(protocols(), (std::vector<std::string>{"dn42_4242420001", "dn42_4242420002"}));
}

TEST_P(OwnBirdOn, ThatBreaksByLosingAFileIsRefusedToo) {
  const auto result = apply({{base("filter uses { dn42_none(); accept; }\n")}, {"20_filters.conf"}, main_, false});
  ASSERT_TRUE(result) << result.error().what;
  EXPECT_NE(result->policy_refused, "");
  EXPECT_FALSE(result->configured) << "nothing was left to change";
  EXPECT_TRUE(is_there("20_filters.conf"));
}

TEST_P(OwnBirdOn, ThatIsTheFirstAndIsRefusedFailsTheWhole) {
  ASSERT_TRUE(apply({{},
                     {"00_base.conf", "20_filters.conf", "dn42_4242420001.conf"},
                     main_ + "router id 1.1.1.1;\nprotocol device {}\n",
                     false}));
  const auto result = apply({{base(), filters("nonsense\n"), peer(kFirst + 1)}, {}, main_, false});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::invalid);
  EXPECT_NE(result.error().what.find("refuses its policy"), std::string::npos) << result.error().what;
  EXPECT_FALSE(is_there("dn42_4242420001.conf")) << "no session is judged by the policy's fault";
}

}  // namespace
}  // namespace moenet::bird
