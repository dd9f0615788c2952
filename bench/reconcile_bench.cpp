// What a sync costs when nothing changed: planning alone, and a whole step with conflicts, planning and outcomes on a
// node in memory. The cost per session must stay flat from 100 to 10,000; planning 10,000 must take less than 10 ms.
#include <algorithm>

#include <benchmark/benchmark.h>

#include "reconcile/conflicts.h"
#include "reconcile/peerings.h"
#include "reconcile/reconciler.h"

namespace moenet::reconcile {
namespace {

// As much text as a rendered peer file has (about 600 bytes), and observed files apart from the desired ones, as on a
// real node.
model::DesiredState peerings(std::int64_t count) {
  model::DesiredState desired;
  for (unsigned n = 0; n < static_cast<unsigned>(count); ++n) {
    auto peering = peering_of(n);
    edit(peering.bird_file).text.resize(600, '.');
    desired.peerings.push_back(std::move(peering));
  }
  return desired;
}

void plan_unchanged(benchmark::State& state) {
  const auto desired = peerings(state.range(0));
  const NodeState observed = state_of(desired);
  for (auto _ : state) {
    Plan made = plan(desired, observed);
    if (!made.empty()) state.SkipWithError("the plan is not empty");
    benchmark::DoNotOptimize(made);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(plan_unchanged)->Arg(100)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMicrosecond);

void settle_unchanged(benchmark::State& state) {
  auto desired = peerings(state.range(0));
  const NodeState observed = state_of(desired);
  const auto status_of = statuses(desired, 2);
  for (auto _ : state) settle_conflicts(desired, status_of, observed);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(settle_unchanged)->Arg(100)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMicrosecond);

void step_unchanged(benchmark::State& state) {
  const auto desired = peerings(state.range(0));
  FakeNode node;
  node.state = state_of(desired);
  Reconciler reconciler(node, {});
  const auto status_of = statuses(desired, 2);
  for (auto _ : state) {
    const auto report = reconciler.step(desired, status_of, SteadyTime{}, {});
    if (!report || report->planned != 0) state.SkipWithError("the step changed something");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(step_unchanged)->Arg(100)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace moenet::reconcile
