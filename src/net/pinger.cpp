#include "net/pinger.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <iterator>

#include <fmt/format.h>

namespace moenet::net {
namespace {

using Fate = EchoOutcome::Fate;
using std::chrono::nanoseconds;

std::string words_for_outcome(const EchoTarget& target, const EchoOutcome& outcome) {
  if (outcome.send_error != 0)
    return fmt::format("send to {}: {}", target.address.text(), std::strerror(outcome.send_error));
  if (!outcome.refusal) return {};
  IcmpMessage message;
  message.kind = outcome.refusal->kind;
  message.code = outcome.refusal->code;
  return fmt::format("{}, says {}", words_for(target.address.family(), message), outcome.refusal->from.text());
}

void add(const EchoTarget& target, const EchoOutcome& outcome, EchoResult& result) {
  if (outcome.fate != Fate::unsent) ++result.sent;
  if (outcome.fate == Fate::answered) result.times.push_back(outcome.time);
  result.duplicates += outcome.duplicates;
  result.late += outcome.late;
  if (result.error.empty()) result.error = words_for_outcome(target, outcome);
}

class IcmpPinger : public Pinger {
 public:
  explicit IcmpPinger(std::unique_ptr<EchoExchange> exchange) : exchange_(std::move(exchange)) {}

  Access access() const override { return exchange_->access(); }

  Result<std::vector<EchoResult>> measure(std::span<const EchoTarget> targets, const EchoPlan& plan,
                                          const std::stop_token& stop) override {
    std::vector<EchoProbe> probes;
    probes.reserve(targets.size());
    for (const auto& target : targets)
      probes.push_back({target.address, target.interface_index, target.source, plan.payload_bytes, 0});
    TRY(const auto outcomes,
        exchange_->run(probes, {plan.count, plan.interval, plan.pace, plan.timeout, plan.never_fragment}, stop));
    std::vector<EchoResult> results(targets.size());
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
      const std::size_t target = i % targets.size();
      add(targets[target], outcomes[i], results[target]);
    }
    return results;
  }

 private:
  std::unique_ptr<EchoExchange> exchange_;
};

}  // namespace

EchoSummary summary_of(const EchoResult& result) {
  EchoSummary summary;
  if (result.sent > 0) summary.loss_percent = 100.0 * (result.sent - result.received()) / result.sent;
  if (result.times.empty()) return summary;
  auto sorted = result.times;
  std::ranges::sort(sorted);
  const std::size_t middle = sorted.size() / 2;
  summary.least = sorted.front();
  summary.median = sorted.size() % 2 != 0 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  if (result.times.size() < 2) return summary;
  nanoseconds moved{0};
  for (std::size_t i = 1; i < result.times.size(); ++i)
    moved += std::chrono::abs(result.times[i] - result.times[i - 1]);
  summary.jitter = moved / static_cast<nanoseconds::rep>(result.times.size() - 1);
  return summary;
}

Result<std::unique_ptr<Pinger>> Pinger::open(const ExchangeSettings& settings) {
  TRY(auto exchange, EchoExchange::open(settings));
  return std::make_unique<IcmpPinger>(std::move(exchange));
}

}  // namespace moenet::net
