// LimitRetry: sessions whose import limit was hit, and when BIRD is to be asked to take again what it blocked: it never
// does so by itself, however few routes the neighbor has by then (docs/decisions/0009). Waits grow while the limit is
// hit again. Pure; time is an argument.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include "agent/measurement.h"
#include "base/backoff.h"
#include "base/clock.h"

namespace moenet::agent {

// How often limits have blocked a route of a session. BIRD 3 says of a limit that it is hit until the session begins
// anew; whether it still is, shows in whether this grows when all routes are taken again.
struct BlockedCount {
  std::uint64_t updates = 0;
  std::uint64_t flaps = 0;  // BIRD counts anew with each session
  friend bool operator==(const BlockedCount&, const BlockedCount&) = default;
};
// Absent where BIRD does not count them: BIRD 2, which says of a limit that it is hit as long as it is.
std::optional<BlockedCount> blocked_count(const LinkMeasurement& link);

// Does BIRD say of an import limit that it is hit and blocks?
bool is_import_blocked(const bird::ProtocolDetail& bgp);

struct LimitTry {
  std::optional<WallTime> tried;         // last, since the limit was hit
  std::optional<BlockedCount> harmless;  // of a limit that is hit by BIRD's word alone: nothing was blocked since
  friend bool operator==(const LimitTry&, const LimitTry&) = default;
};

// Was nothing blocked since BIRD took all routes again, although it says of an import limit that it is hit?
bool is_harmless(const LinkMeasurement& link, const std::optional<LimitTry>& limit_try);
// Is the limit hit, as people and metrics are told? BIRD's mark outlasts it (bird::is_at_work).
bool is_limit_hit(const LinkMeasurement& link, const bird::ChannelDetail& channel,
                  std::optional<bird::ChannelLimit> bird::ChannelDetail::* which,
                  const std::optional<LimitTry>& limit_try);

class LimitRetry {
 public:
  // `first`: from the hit to the first try.
  explicit LimitRetry(std::chrono::seconds first);

  // Measurements of which BIRD was asked for all are looked at, each once.
  void take(const Measurement& measurement);
  std::vector<model::Owner> due(SteadyTime now) const;
  // BIRD was told to take the routes again, or could not be (`done`); either way the next try is later.
  void note_tried(const model::Owner& owner, bool done, SteadyTime now, WallTime wall);

  std::optional<LimitTry> told(const model::Owner& owner) const;  // absent: not hit of late
  std::optional<SteadyTime> next() const;                         // the earliest try of all

 private:
  struct Memory {
    bool is_blocked = false;
    SteadyTime blocked_last{};
    unsigned tries = 0;
    SteadyTime next_try{};
    std::optional<SteadyTime> done;  // the last try
    std::optional<BlockedCount> count;
    std::optional<BlockedCount> count_at_try;
    LimitTry told;
  };
  void look(const LinkMeasurement& link, SteadyTime now, Memory& memory) const;

  Backoff waits_;
  std::optional<SteadyTime> looked_;
  std::map<model::Owner, Memory> memory_;
};

}  // namespace moenet::agent
