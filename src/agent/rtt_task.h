// rttTask: measures round trips and loss of each link by ICMP echoes, smooths them, and tells BIRD (through
// reconcileTask, decision 0009), /status and the control plane (wire contract A8).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "agent/config.h"
#include "agent/control_plane.h"
#include "agent/ledger.h"
#include "agent/link_echoes.h"
#include "agent/link_memory.h"
#include "agent/link_quality.h"
#include "agent/measurement.h"
#include "agent/state_file.h"
#include "base/latest.h"

namespace moenet::agent {

inline constexpr std::string_view kRttTask = "rttTask";
inline constexpr std::string_view kLinksState = "links";  // its state file

struct RttWiring {
  ControlPlane& control_plane;
  TaskLedger& ledger;
  const model::NodeIdentity& node;
  const MetricSettings& settings;
  const Latest<NodeReport>& report;
  const Latest<Measurement>& measurement;
  Latest<LinkQualities>& qualities;
  StateFile state;
  std::function<Result<std::unique_ptr<net::Pinger>>()> open_pinger;
  InterfaceIndex interface_index;
  std::function<void()> on_tags;  // what BIRD is told of a link is another; on this task's thread
};

// The body of A8. Who did not answer is "unreachable" there; left out is a session's neighbor that does not answer
// while its tunnel is alive or nothing is known of it: many answer no echoes at all.
boost::json::value rtt_body(const LinkQualities& qualities, const Measurement* measurement, WallTime now);

// Does BIRD have to be told? Both are sorted by owner.
bool have_equal_tags(const LinkQualities& one, const LinkQualities& other);

// What the state file holds of the links, for those who only look.
LinkQualities kept_qualities(const StateFile& state, WallTime now);

class RttTask {
 public:
  explicit RttTask(RttWiring wiring) : wiring_(std::move(wiring)) {}

  // Before reconcileTask's first step, so that BIRD is not told to forget what it knows.
  void load();
  void run(const std::stop_token& stop);

 private:
  using Answers = std::vector<std::optional<LinkEchoes>>;

  bool measure(const std::stop_token& stop);
  Result<Answers> ask(const std::vector<EchoedLink>& links, const std::stop_token& stop) const;
  void take(const std::vector<EchoedLink>& links, const Answers& answers, WallTime now);
  void forget(const NodeReport& report, WallTime now);
  void publish(LinkQualities qualities);
  Result<void> send(const LinkQualities& qualities, WallTime now, const std::stop_token& stop);
  void save();
  void record(const Result<void>& outcome);

  RttWiring wiring_;
  KnownLinks known_;  // that ever answered, as long as that is not too old
  SteadyTime saved_{};
  bool is_saved_ = true;    // but for averages
  std::string last_error_;  // as logged last; empty when there is none
};

}  // namespace moenet::agent
