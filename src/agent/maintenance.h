// Maintenance: a node is drained before somebody works on it, and restored afterwards. A state machine without clock,
// file and thread: off -> draining (neighbors are told to route around this node, RFC 8326) -> drained (the best paths
// have moved, or the time is up) -> down (if asked for: sessions are shut with a message, RFC 9003) -> off.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "bird/policy.h"
#include "model/desired.h"

namespace moenet::agent {

enum class MaintenancePhase : std::uint8_t { off, draining, drained, down };
std::string_view name_of(MaintenancePhase phase);  // "off", "draining", "drained", "down"

struct MaintenanceOptions {
  std::chrono::seconds timeout{120};  // draining ends by then, whatever BIRD shows
  bool shuts_sessions = false;
  std::string message;  // for the neighbors of sessions that are shut; fit for BIRD (bird::check_shutdown_message)

  friend bool operator==(const MaintenanceOptions&, const MaintenanceOptions&) = default;
};
// From the body of POST /maintenance/start: {"timeout_seconds"?, "shutdown"?, "message"?}; an empty text is {}. Errors:
// invalid, which names every fault.
Result<MaintenanceOptions> read_maintenance_options(std::string_view body);

// What must survive a restart of the agent, and a reboot.
struct MaintenanceRecord {
  MaintenancePhase phase = MaintenancePhase::off;
  std::chrono::sys_seconds since{};  // when it began; of `off` without meaning
  MaintenanceOptions options;
  // BIRD protocols that maintenance has shut, or is about to: those, and no others, are up again afterwards. Sorted.
  std::vector<std::string> shut;

  bool is_on() const { return phase != MaintenancePhase::off; }
  model::SessionSwitches switches() const;
  friend bool operator==(const MaintenanceRecord&, const MaintenanceRecord&) = default;
};
std::string write_maintenance(const MaintenanceRecord& record);
// Errors: invalid.
Result<MaintenanceRecord> read_maintenance(std::string_view text);

// The node as a reconciler's step, made for the record of this moment, left it.
struct MaintenanceLook {
  SteadyTime now{};
  WallTime wall{};
  bool policy_in_place = false;             // BIRD runs what the step wanted: with the drain, or without it
  std::vector<std::string> sessions;        // protocols of sessions that are in place, sorted
  std::vector<std::string> shut_protocols;  // that BIRD holds down, by whomever, sorted
  std::optional<std::uint64_t> preferred;  // routes of sessions that are the best of their network; absent: not counted
};

class Maintenance {
 public:
  Maintenance() = default;
  explicit Maintenance(MaintenanceRecord record)
      : record_(std::move(record)), is_settled_(!record_.is_on() && record_.shut.empty()) {}

  const MaintenanceRecord& record() const { return record_; }
  // Is nothing under way: drained, down with all sessions shut, or off with all of them up and told?
  bool is_settled() const { return is_settled_; }
  const std::optional<std::uint64_t>& preferred() const { return preferred_; }  // as counted last, this maintenance
  // What BIRD's policy is to be. An agent that begins anew while draining asks again first.
  bird::Drain drain() const;

  // While it is on already, new options take effect; draining begins again only where it had not ended. Errors:
  // conflict (sessions are down, and shall not be: that is what stop() is for).
  Result<void> start(const MaintenanceOptions& options, WallTime now);
  void stop();
  // The node leaves its own ways when the others have been asked for a while. Draining ends when then no session's
  // route is preferred any more, or when their number has been the same for a while (routes without an alternative
  // stay), counted from when BIRD runs that, or at the timeout. Back in service, others are called when the node has
  // its own ways again.
  void look(const MaintenanceLook& look);

 private:
  bool has_drained(const MaintenanceLook& look);
  bool is_in_force_for(const MaintenanceLook& look, std::chrono::seconds time);
  void look_at_return(const MaintenanceLook& look);

  MaintenanceRecord record_;
  bool is_settled_ = true;
  bool has_asked_ = false;                    // while draining: others have had their time
  bool is_returning_ = false;                 // while off: the node takes up its own ways, and others do not come yet
  std::optional<SteadyTime> in_force_since_;  // BIRD runs what drain() says
  std::optional<std::uint64_t> preferred_;
  SteadyTime preferred_since_{};  // that number
};

// For /maintenance, /status and the heartbeat. Immutable once published.
struct MaintenanceView {
  MaintenanceRecord record;
  bool is_settled = false;
  std::optional<std::uint64_t> preferred;
};
boost::json::object maintenance_document(const MaintenanceView& view);

}  // namespace moenet::agent
