#include "agent/health.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "agent/meter.h"
#include "bird/last_error.h"
#include "bird/render.h"

namespace moenet::agent {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// A session key is of no use after so long (REJECT_AFTER_TIME, WireGuard paper 6.1).
constexpr seconds kKeyLives{180};

// A cause that counts minutes would be another one each minute, and each is told to the control plane.
constexpr std::array<minutes, 12> kAges{
    minutes(3),   minutes(5),   minutes(10),      minutes(30),      minutes(60),          minutes(120),
    minutes(360), minutes(720), minutes(24 * 60), minutes(48 * 60), minutes(7 * 24 * 60), minutes(30 * 24 * 60)};

std::string about(seconds age) {
  minutes least = kAges.front();
  for (const minutes step : kAges) {
    if (age >= step) least = step;
  }
  if (least < minutes(60)) return fmt::format("over {} min", least.count());
  if (least < minutes(24 * 60)) return fmt::format("over {} h", least.count() / 60);
  return fmt::format("over {} days", least.count() / (24 * 60));
}

bool is_blocking(const std::optional<bird::ChannelLimit>& limit) {
  return limit && limit->is_hit && limit->action != "warn";
}

// A limit that only warns takes nothing from anybody.
bool is_held_back(const bird::ProtocolDetail& bgp) {
  return std::ranges::any_of(bgp.channels, [](const bird::ChannelDetail& channel) {
    return is_blocking(channel.receive_limit) || is_blocking(channel.import_limit) || is_blocking(channel.export_limit);
  });
}

std::string handshake_cause(const TunnelState& tunnel) {
  const std::string who = tunnel.endpoint ? fmt::format("endpoint {} does not answer", tunnel.endpoint->text())
                                          : "the peer has not called, and it has no endpoint to call";
  if (!tunnel.handshake_age) return "no handshake yet: " + who;
  if (*tunnel.handshake_age < kKeyLives) return "";
  return fmt::format("no handshake for {}: {}", about(*tunnel.handshake_age), who);
}

// Without an error BIRD goes from state to state as it tries, which is one cause all the while.
std::string bgp_cause(const bird::ProtocolDetail& bgp, model::Asn asn) {
  constexpr std::string_view kTrying = "start";
  const bool is_trying = bgp.status.state == kTrying && bgp.last_error.empty();
  const auto cause = is_trying ? std::nullopt : bird::cause_of(bgp, asn);
  return "BGP is not established: " + cause.value_or("the neighbor does not answer");
}

}  // namespace

const Health* find_health(const HealthTable& table, const model::Owner& owner) {
  const auto at = std::ranges::lower_bound(table, owner, {}, &Health::owner);
  return at != table.end() && at->owner == owner ? &*at : nullptr;
}

model::Condition told_condition(const SessionView& session, const HealthTable& health) {
  if (!std::holds_alternative<model::InPlace>(session.condition)) return session.condition;
  const Health* known = find_health(health, model::owner_of_session(session.uuid));
  if (known != nullptr && !known->works) return model::Broken{known->cause};
  const bool is_problem = session.held_status == static_cast<int>(model::SessionStatus::problem);
  if (is_problem && (known == nullptr || !known->is_certain)) return model::Unchanged{};
  return session.condition;
}

// Of BGP that is up: what a limit holds back. In UTC and to the minute of the try, so that a cause is another one with
// each try and no oftener.
std::string limit_cause(const LinkMeasurement& link, const std::optional<LimitTry>& limit_try) {
  if (!is_held_back(*link.bgp)) return "";
  bird::ProtocolDetail bgp = *link.bgp;
  if (is_harmless(link, limit_try)) {
    for (bird::ChannelDetail& channel : bgp.channels) {
      if (channel.import_limit) channel.import_limit->is_hit = false;
    }
    if (!is_held_back(bgp)) return "";
  }
  std::string cause = bird::cause_of(bgp, link.asn).value_or("");
  if (limit_try && limit_try->tried && is_import_blocked(bgp))
    cause += fmt::format("; tried again at {:%H:%M} UTC", std::chrono::floor<seconds>(*limit_try->tried));
  return cause;
}

// The first that explains the others. BGP that is up proves all below it.
std::optional<std::string> cause_of_failure(const LinkMeasurement& link, bool is_bird_known,
                                            const std::optional<LimitTry>& limit_try) {
  if (link.bgp && link.bgp->status.is_established()) return limit_cause(link, limit_try);
  if (!link.has_link) return fmt::format("link {} is gone", link.interface_name);
  if (!link.is_up) return fmt::format("link {} is down", link.interface_name);
  if (link.tunnel) {
    if (auto cause = handshake_cause(*link.tunnel); !cause.empty()) return cause;
  }
  if (!is_bird_known) return std::nullopt;
  if (!link.bgp) return fmt::format("BIRD does not run {}", bird::protocol_name(link.asn));
  return bgp_cause(*link.bgp, link.asn);
}

HealthJudge::Memory HealthJudge::begun(const model::Owner& owner, bool is_certain, const Measurement& at) {
  Memory memory;
  memory.shown = {owner, true, "", at.wall, is_certain};
  memory.next_cause_since = at.steady;
  return memory;
}

// What is not known counts neither way.
void HealthJudge::pause(const Measurement& at, Memory& memory) {
  memory.otherwise_since.reset();
  memory.next_cause_since = at.steady;
}

void HealthJudge::take(const std::string& cause, const Measurement& at, Memory& memory) const {
  Health& shown = memory.shown;
  const bool works = cause.empty();
  if (memory.next_cause != cause) {
    memory.next_cause = SharedText(cause);
    memory.next_cause_since = at.steady;
  }
  if (works == shown.works) {
    memory.otherwise_since.reset();
    const bool has_held = at.steady - memory.next_cause_since >= settings_.ok_after;
    if (has_held) shown.cause = memory.next_cause;
    if (works && has_held) shown.is_certain = true;
    return;
  }
  if (!memory.otherwise_since) memory.otherwise_since = at.steady;
  if (at.steady - *memory.otherwise_since < (works ? settings_.ok_after : settings_.problem_after)) return;
  shown.works = works;
  shown.cause = memory.next_cause;
  shown.since = at.wall;
  shown.is_certain = true;
  memory.otherwise_since.reset();
}

HealthJudge::Memory HealthJudge::judge_one(const SessionView& session, const model::Owner& owner, const Memory* before,
                                           bool is_shut, const LinkMeasurement* link, const Measurement& at) const {
  const bool is_in_place = std::holds_alternative<model::InPlace>(session.condition);
  const bool begins = is_shut || session.held_status == static_cast<int>(model::SessionStatus::queued_for_setup);
  if (begins) return begun(owner, true, at);
  Memory memory = before != nullptr ? *before : begun(owner, !is_in_place, at);
  const bool is_measured = is_in_place && link != nullptr;
  const auto cause = is_measured ? cause_of_failure(*link, at.bird_problem.empty(), session.limit_try) : std::nullopt;
  if (cause) {
    take(*cause, at, memory);
  } else {
    pause(at, memory);
  }
  return memory;
}

HealthTable HealthJudge::judge(const Measurement& measurement, const SessionViews& sessions,
                               std::span<const std::string> shut) {
  std::vector<Memory> before = std::exchange(memory_, {});
  HealthTable table;
  memory_.reserve(sessions.size());
  table.reserve(sessions.size());
  for (const SessionView& session : sessions) {
    if (!is_present(session)) continue;
    const model::Owner owner = model::owner_of_session(session.uuid);
    const auto known = std::ranges::lower_bound(before, owner, {},
                                                [](const Memory& memory) -> const auto& { return memory.shown.owner; });
    const bool is_known = known != before.end() && known->shown.owner == owner;
    const bool is_shut = std::ranges::binary_search(shut, bird::protocol_name(session.asn));
    const auto at = std::ranges::lower_bound(measurement.links, owner, {}, &LinkMeasurement::owner);
    const LinkMeasurement* link = at != measurement.links.end() && at->owner == owner ? &*at : nullptr;
    // The measurement's owner is one text in all of them.
    memory_.push_back(judge_one(session, link != nullptr ? link->owner : owner, is_known ? &*known : nullptr, is_shut,
                                link, measurement));
    if (std::holds_alternative<model::InPlace>(session.condition)) table.push_back(memory_.back().shown);
  }
  return table;
}

}  // namespace moenet::agent
