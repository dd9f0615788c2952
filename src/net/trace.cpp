#include "net/trace.h"

#include <algorithm>
#include <cstring>
#include <iterator>

namespace moenet::net {
namespace {

using Fate = EchoOutcome::Fate;
using Kind = IcmpMessage::Kind;

// IPv4's TTL and IPv6's hop limit have 8 bits.
constexpr unsigned kMostHops = 255;

std::optional<HopAnswer> answer_of(const IpAddress& target, const EchoOutcome& outcome) {
  if (outcome.fate == Fate::answered) return HopAnswer{target, outcome.time, {}};
  if (!outcome.refusal) return std::nullopt;
  HopAnswer answer{outcome.refusal->from, outcome.time, {}};
  if (outcome.refusal->kind == Kind::time_exceeded) return answer;
  IcmpMessage message;
  message.kind = outcome.refusal->kind;
  message.code = outcome.refusal->code;
  answer.refusal = words_for(target.family(), message);
  return answer;
}

bool is_silent(const Hop& hop) {
  return std::ranges::none_of(hop, [](const auto& answer) { return answer.has_value(); });
}

bool ends_there(const Hop& hop) {
  return std::ranges::any_of(hop, [](const auto& answer) { return answer && !answer->refusal.empty(); });
}

}  // namespace

Result<Trace> trace_path(EchoExchange& exchange, const EchoProbe& target, const TracePlan& plan,
                         const std::stop_token& stop) {
  Trace trace;
  const unsigned most = std::min(plan.most_hops, kMostHops);
  for (unsigned first = 1; first <= most; first += plan.at_once) {
    std::vector<EchoProbe> probes(std::min(plan.at_once, most + 1 - first), target);
    for (unsigned i = 0; i < probes.size(); ++i) probes[i].hop_limit = static_cast<std::uint8_t>(first + i);
    TRY(const auto outcomes, exchange.run(probes, {plan.probes, plan.interval, plan.pace, plan.timeout, false}, stop));
    const auto unsent = std::ranges::find(outcomes, Fate::unsent, &EchoOutcome::fate);
    if (unsent != outcomes.end())
      return fail(Errc::unavailable, "send to " + target.target.text() + ": " + std::strerror(unsent->send_error));
    bool heard = false;
    for (std::size_t i = 0; i < probes.size(); ++i) {
      auto& hop = trace.hops.emplace_back();
      for (std::size_t at = i; at < outcomes.size(); at += probes.size()) {
        hop.push_back(answer_of(target.target, outcomes[at]));
        trace.reached = trace.reached || outcomes[at].fate == Fate::answered;
      }
      heard = heard || !is_silent(hop);
      if (trace.reached || ends_there(hop)) return trace;
    }
    if (!heard) break;
  }
  while (!trace.hops.empty() && is_silent(trace.hops.back())) trace.hops.pop_back();
  return trace;
}

}  // namespace moenet::net
