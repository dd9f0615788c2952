#include "bird/roa_state.h"

#include <fmt/format.h>

#include "base/latest.h"
#include "bird/control.h"

namespace moenet::bird {
namespace {

// Sessions with other networks, and nothing else that has a filter of ours.
constexpr std::string_view kSessions = "dn42_*";
constexpr std::string_view kNoneLoaded = "0";

// 3.1.8 lists a ROA some milliseconds before its filters know it (chosen: many times that).
constexpr std::chrono::milliseconds kFiltersLag{100};

}  // namespace

std::string has_roa(const IpPrefix& network, model::Asn asn) {
  return fmt::format("roa_check(dn42_{}, {}, {}) = ROA_VALID", network.address.is_v4() ? "roa4" : "roa6",
                     network.text(), asn);
}

Result<std::optional<RoaState>> look_at_roas(BirdPool& pool, Deadline deadline, const std::stop_token& stop) {
  TRY(BirdPool::Lease lease, pool.take(deadline, stop));
  if (lease->version().major < 3) return std::optional<RoaState>();
  BirdControl bird(*lease, deadline, stop);
  TRY(auto loaded, bird.evaluate(std::string(kLoadedRoas) + "()"));
  if (!loaded) return std::optional<RoaState>();
  TRY(auto run, bird.last_boot());
  return std::optional(RoaState{std::move(run), std::move(*loaded)});
}

Result<void> ask_filters_again(BirdPool& pool, Deadline deadline, const std::stop_token& stop) {
  Wakeup never;
  never.wait(deadline.or_sooner(kFiltersLag), stop);
  TRY(BirdPool::Lease lease, pool.take(deadline, stop));
  return BirdControl(*lease, deadline, stop).reload_filters_in(kSessions);
}

bool FilterMemory::is_stale(const RoaState& now) {
  if (seen_.run != now.run) seen_ = {now.run, std::string(kNoneLoaded)};
  looked_at_ = now;
  return seen_ != now;
}

}  // namespace moenet::bird
