#include "net/path_mtu.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace moenet::net {
namespace {

using Fate = EchoOutcome::Fate;
using Kind = IcmpMessage::Kind;

// Chosen: more than any search needs (65,535 bytes in eighths are 6 rounds), so that a path that changes all the time
// ends it too.
constexpr unsigned kMostRounds = 16;

unsigned header_bytes(IpFamily family) { return (family == IpFamily::v4 ? 20 : 40) + kIcmpHeaderBytes; }

class Search {
 public:
  Search(EchoExchange& exchange, const EchoProbe& target, unsigned least, unsigned most, const PathMtuPlan& plan)
      : exchange_(exchange), target_(target), plan_(plan), good_(least - 1), bad_(most + 1), most_(most) {}

  Result<PathMtu> carry_out(const std::stop_token& stop) {
    const unsigned least = good_ + 1;
    TRY_VOID(ask({least}, stop));  // of who is silent the other sizes would tell nothing
    if (good_ < least)
      return fail(Errc::unavailable,
                  fmt::format("{} does not answer to packets of {} bytes", target_.target.text(), least));
    bool confirmed = false;
    for (unsigned round = 0; round < kMostRounds && !confirmed; ++round) {
      if (bad_ - good_ > 1) {
        TRY_VOID(ask(sizes(), stop));
      } else if (bad_by_silence_) {  // once more: two losses may have passed for a limit
        const unsigned asked = std::exchange(bad_, most_ + 1);
        bad_by_silence_ = false;
        TRY_VOID(ask({asked}, stop));
        confirmed = good_ < asked;
      } else {
        confirmed = true;
      }
    }
    PathMtu found{static_cast<std::uint16_t>(good_), std::nullopt};
    if (named_ && named_->mtu_bytes == good_) found.named_by = named_->from;
    return found;
  }

 private:
  // Spread evenly over what is open, its upper end included, with what a router named and the next above it.
  std::set<unsigned> sizes() const {
    std::set<unsigned> chosen;
    const unsigned open = bad_ - good_ - 1;
    const unsigned count = std::min(open, std::max(plan_.sizes_at_once, 1u));
    for (unsigned i = 1; i <= count; ++i) chosen.insert(good_ + open * i / count);
    if (named_ && named_->mtu_bytes > good_)
      for (const unsigned size : {named_->mtu_bytes, named_->mtu_bytes + 1})
        if (size < bad_) chosen.insert(size);
    return chosen;
  }

  Result<void> ask(const std::set<unsigned>& sizes, const std::stop_token& stop) {
    std::vector<EchoProbe> probes;
    for (const unsigned size : sizes) {
      auto& probe = probes.emplace_back(target_);
      probe.payload_bytes = static_cast<std::uint16_t>(size - header_bytes(target_.target.family()));
      probe.hop_limit = 0;
    }
    TRY(const auto outcomes,
        exchange_.run(probes, {plan_.tries, plan_.interval, plan_.pace, plan_.timeout, true}, stop));
    std::size_t index = 0;
    for (const unsigned size : sizes) {
      for (std::size_t at = index; at < outcomes.size(); at += probes.size()) TRY_VOID(learn(size, outcomes[at]));
      ++index;
    }
    const auto limit = std::ranges::find_if(sizes, [&](unsigned size) { return size > good_; });
    if (limit == sizes.end() || *limit >= bad_) return {};
    bad_ = *limit;
    bad_by_silence_ = true;
    for (auto at = static_cast<std::size_t>(std::distance(sizes.begin(), limit)); at < outcomes.size();
         at += probes.size())
      bad_by_silence_ = bad_by_silence_ && outcomes[at].fate == Fate::silent;
    return {};
  }

  Result<void> learn(unsigned size, const EchoOutcome& outcome) {
    if (outcome.fate == Fate::answered) good_ = std::max(good_, size);
    if (outcome.refusal && outcome.refusal->kind == Kind::too_big && outcome.refusal->mtu_bytes < size &&
        outcome.refusal->mtu_bytes > 0)
      named_ = *outcome.refusal;
    if (outcome.send_error != 0 && outcome.send_error != EMSGSIZE)
      return fail(Errc::unavailable,
                  fmt::format("send to {}: {}", target_.target.text(), std::strerror(outcome.send_error)));
    return {};
  }

  EchoExchange& exchange_;
  const EchoProbe& target_;
  const PathMtuPlan& plan_;
  unsigned good_;  // passes, or one below the least
  unsigned bad_;   // does not pass, or one above the most
  unsigned most_;
  bool bad_by_silence_ = false;
  std::optional<EchoRefusal> named_;
};

}  // namespace

Result<PathMtu> search_path_mtu(EchoExchange& exchange, const EchoProbe& target, std::uint16_t least,
                                std::uint16_t most, const PathMtuPlan& plan, const std::stop_token& stop) {
  if (least > most || least < header_bytes(target.target.family()) + kSealBytes)
    return fail(Errc::invalid, fmt::format("no path MTU lies between {} and {}", least, most));
  return Search(exchange, target, least, most, plan).carry_out(stop);
}

}  // namespace moenet::net
