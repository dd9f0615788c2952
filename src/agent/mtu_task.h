// mtuTask: how large a packet the path beneath each tunnel carries, seldom, by echoes to where the peer was seen. It
// advises, as an MTU is agreed on by both ends; with mtu.probe "apply" it also says what this end's tunnel may be at
// most, and reconcileTask makes it so.
#pragma once

#include <functional>
#include <stop_token>

#include "agent/config.h"
#include "agent/ledger.h"
#include "agent/measurement.h"
#include "agent/mtu_memory.h"
#include "agent/path_mtu.h"
#include "agent/reconcile_task.h"
#include "agent/state_file.h"
#include "base/latest.h"
#include "net/path_mtu.h"

namespace moenet::agent {

inline constexpr std::string_view kMtuTask = "mtuTask";
inline constexpr std::string_view kMtusState = "mtus";  // its state file

// Errors: unavailable (nothing is answered), denied, cancelled.
using PathSearch = std::function<Result<net::PathMtu>(const IpAddress& endpoint, const std::stop_token& stop)>;
Result<net::PathMtu> search_path(const IpAddress& endpoint, const std::stop_token& stop);

// The tunnels of `links` (sorted by owner) that lead somewhere, with nothing known of their paths. A look takes minutes
// where hosts are silent, and no measurement is to live that long for it.
TunnelPaths tunnels_of(const std::vector<LinkMeasurement>& links);

struct PathLook {
  TunnelPaths paths;
  Result<void> outcome;  // the first error of a search, but for silence; the other paths are searched all the same
};
// After each search: what is known by then, in which `found` is new.
using PathSink = std::function<void(const TunnelPaths& known, const TunnelPaths& found)>;

// What is known after a look at `tunnels`: paths to where they led and not older than `interval` stay, others are
// searched anew, an address once for all its tunnels, and until then stay as they were known; those of other tunnels
// are forgotten. It ends when it is cancelled.
PathLook measured_paths(TunnelPaths tunnels, const TunnelPaths& before, WallTime now, std::chrono::seconds interval,
                        const PathSearch& search, const std::stop_token& stop, const PathSink& on_found = {});

// What the state file holds, for those who only look; nothing where it is not to be applied.
MtuLimits kept_limits(const MtuSettings& settings, const StateFile& state);

struct MtuWiring {
  TaskLedger& ledger;
  const MtuSettings& settings;
  const Latest<NodeReport>& report;
  const Latest<Measurement>& measurement;
  Latest<TunnelPaths>& paths;
  Latest<MtuLimits>& limits;  // published with "apply" only
  StateFile state;
  PathSearch search;
  std::function<void()> on_limits;  // a tunnel may have to be another; on this task's thread
};

class MtuTask {
 public:
  explicit MtuTask(MtuWiring wiring) : wiring_(std::move(wiring)) {}

  // Before reconcileTask's first step, so that no tunnel is what it was without its path for a moment.
  void load();
  // Looks at each new measurement for tunnels that are new or due.
  void run(Wakeup& measured, const std::stop_token& stop);
  void look(TunnelPaths tunnels, WallTime now, const std::stop_token& stop);

 private:
  void apply(const TunnelPaths& found, WallTime searched);
  void forget();
  void tell();
  void save();

  MtuWiring wiring_;
  KnownMtus known_;
  bool is_saved_ = true;
  Result<void> outcome_;  // of the last look that searched
};

}  // namespace moenet::agent
