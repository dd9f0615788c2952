#include "agent/limit_retry.h"

#include <algorithm>
#include <utility>

namespace moenet::agent {
namespace {

// Chosen: a neighbor that leaks for a day is tried 24 times, and one that mends it waits an hour at most.
constexpr std::chrono::hours kWaitAtMost{1};
// Not hit for so long, a limit that is hit again is a new story.
constexpr std::chrono::hours kForgotten{1};
// BIRD 3 takes routes again beside its answer (chosen: 9,000 routes take some tens of milliseconds).
constexpr std::chrono::seconds kTakenWithin{2};

}  // namespace

std::optional<BlockedCount> blocked_count(const LinkMeasurement& link) {
  if (!link.bgp) return std::nullopt;
  std::optional<BlockedCount> count;
  for (const bird::ChannelDetail& channel : link.bgp->channels) {
    if (!channel.import_updates_blocked) continue;
    if (!count) count = BlockedCount{0, link.flaps};
    count->updates += *channel.import_updates_blocked;
  }
  return count;
}

bool is_import_blocked(const bird::ProtocolDetail& bgp) {
  return bgp.status.is_established() && std::ranges::any_of(bgp.channels, [](const bird::ChannelDetail& channel) {
           return channel.import_limit && channel.import_limit->is_hit && channel.import_limit->action == "block";
         });
}

bool is_harmless(const LinkMeasurement& link, const std::optional<LimitTry>& limit_try) {
  return limit_try && limit_try->harmless && limit_try->harmless == blocked_count(link);
}

bool is_limit_hit(const LinkMeasurement& link, const bird::ChannelDetail& channel,
                  std::optional<bird::ChannelLimit> bird::ChannelDetail::* which,
                  const std::optional<LimitTry>& limit_try) {
  if (!link.bgp || !bird::is_at_work(*link.bgp, channel, which)) return false;
  return which != &bird::ChannelDetail::import_limit || !is_harmless(link, limit_try);
}

LimitRetry::LimitRetry(std::chrono::seconds first) : waits_{first, kWaitAtMost} {}

void LimitRetry::look(const LinkMeasurement& link, SteadyTime now, Memory& memory) const {
  if (memory.done && now < *memory.done + kTakenWithin) return;
  memory.count = blocked_count(link);
  const bool is_hit = link.bgp && is_import_blocked(*link.bgp);
  const bool is_harmless = is_hit && memory.count && memory.done && memory.count == memory.count_at_try;
  const bool is_blocked = is_hit && !is_harmless;
  if (is_blocked && !memory.is_blocked) {
    // Of one that is found when the agent starts, nobody knows for how long; BIRD 3 may have blocked nothing for days.
    memory.next_try = looked_ ? now + waits_.ceiling(memory.tries) : now;
    memory.told = {};
    memory.done.reset();
  }
  memory.is_blocked = is_blocked;
  memory.told.harmless = is_harmless ? memory.count : std::nullopt;
  if (is_blocked) memory.blocked_last = now;
  if (now - memory.blocked_last >= kForgotten) memory.tries = 0;
}

void LimitRetry::take(const Measurement& measurement) {
  const SteadyTime now = measurement.bgp_read;
  if (!measurement.bird_problem.empty() || (looked_ && now <= *looked_)) return;
  std::map<model::Owner, Memory> before = std::exchange(memory_, {});
  for (const LinkMeasurement& link : measurement.links) {
    const auto known = before.find(link.owner);
    const bool is_hit = link.bgp && is_import_blocked(*link.bgp);
    if (!is_hit && known == before.end()) continue;
    Memory memory = known != before.end() ? std::move(known->second) : Memory{};
    look(link, now, memory);
    if (is_hit || memory.tries > 0 || memory.is_blocked)
      memory_.emplace_hint(memory_.end(), link.owner, std::move(memory));
  }
  looked_ = now;
}

std::vector<model::Owner> LimitRetry::due(SteadyTime now) const {
  std::vector<model::Owner> owners;
  for (const auto& [owner, memory] : memory_) {
    if (memory.is_blocked && memory.next_try <= now) owners.push_back(owner);
  }
  return owners;
}

void LimitRetry::note_tried(const model::Owner& owner, bool done, SteadyTime now, WallTime wall) {
  const auto at = memory_.find(owner);
  if (at == memory_.end()) return;
  Memory& memory = at->second;
  memory.next_try = now + waits_.ceiling(++memory.tries);
  if (!done) return;
  memory.done = now;
  memory.count_at_try = memory.count;
  memory.told.tried = wall;
}

std::optional<LimitTry> LimitRetry::told(const model::Owner& owner) const {
  const auto at = memory_.find(owner);
  return at == memory_.end() ? std::nullopt : std::optional(at->second.told);
}

std::optional<SteadyTime> LimitRetry::next() const {
  std::optional<SteadyTime> next;
  for (const auto& [owner, memory] : memory_) {
    if (memory.is_blocked) next = std::min(next.value_or(memory.next_try), memory.next_try);
  }
  return next;
}

}  // namespace moenet::agent
