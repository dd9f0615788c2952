// A reconciler on a node in memory, step by step.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "reconcile/peerings.h"
#include "reconcile/reconciler.h"

namespace moenet::reconcile {

using model::DesiredState;

inline std::string text_of(const model::Condition& condition) {
  if (const auto* broken = std::get_if<model::Broken>(&condition)) return fmt::format("Broken: {}", broken->cause);
  if (const auto* invalid = std::get_if<model::Invalid>(&condition)) return fmt::format("Invalid: {}", invalid->cause);
  if (std::holds_alternative<model::InPlace>(condition)) return "InPlace";
  return std::holds_alternative<model::Removed>(condition) ? "Removed" : "Unchanged";
}

class ReconcilerTest : public ::testing::Test {
 protected:
  StepReport step(const DesiredState& desired) {
    node.operations.clear();
    auto report = reconciler.step(desired, statuses(desired), now, stop);
    EXPECT_TRUE(report) << report.error().what;
    EXPECT_EQ(node.violations, std::vector<std::string>());
    return report ? *report : StepReport();
  }
  // What became of each session, in order.
  std::vector<std::string> conditions(const StepReport& report) {
    std::vector<std::string> all;
    for (const auto& session : report.outcomes) all.push_back(text_of(session.condition));
    return all;
  }
  std::vector<std::string> conditions(const DesiredState& desired) { return conditions(step(desired)); }

  using Texts = std::vector<std::string>;
  const std::string link1 = session_name(1), link2 = session_name(2);
  FakeNode node;
  Reconciler reconciler{node, {}};
  SteadyTime now{std::chrono::hours(1)};
  std::stop_token stop;
};

}  // namespace moenet::reconcile
