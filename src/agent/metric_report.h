// metricReportTask: tells the control plane what was measured of each session (wire contract A7, and B3 for those that
// read it). What it could not be told is kept for about an hour and told later, oldest first.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/control_plane.h"
#include "agent/ledger.h"
#include "agent/link_quality.h"
#include "agent/measurement.h"
#include "base/latest.h"

namespace moenet::agent {

inline constexpr std::string_view kMetricReportTask = "metricReportTask";

// A control plane takes 1 MiB (A1); chosen below it.
inline constexpr std::size_t kReportBytes = 1'000'000;

// The report of a measurement, in as many bodies as `most_bytes` asks for, with `part` and `parts` where there are
// several. One session with all that is known of it is far below any sensible limit.
std::vector<std::string> report_bodies(const std::string& node_name, const Measurement& measurement,
                                       const LinkQualities& qualities, std::size_t most_bytes = kReportBytes);

// Reports that wait to be sent. Pure.
class ReportBacklog {
 public:
  struct Limits {
    std::size_t reports = 60;      // an hour of the default interval
    std::size_t bytes = 4u << 20;  // chosen: 100 sessions need 3.6 MB for that hour
  };
  using Body = std::shared_ptr<const std::string>;

  explicit ReportBacklog(Limits limits) : limits_(limits) {}

  // Drops the oldest where the limits ask for it, and never the one that was added.
  void add(std::vector<std::string> bodies);
  Body first() const;  // null when there is none
  // `body` was told, or never will be. One that was dropped meanwhile is no matter.
  void remove(const Body& body);

  std::size_t waiting() const;  // reports
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct Waiting {
    std::uint64_t report = 0;
    Body body;
  };

  void drop_oldest();

  Limits limits_;
  std::deque<Waiting> bodies_;
  std::size_t bytes_ = 0;
  std::uint64_t last_report_ = 0;
  std::uint64_t dropped_ = 0;
};

class MetricReport {
 public:
  using Send = std::function<Result<void>(const std::string& body, const std::stop_token& stop)>;

  MetricReport(std::string node_name, TaskLedger& ledger, const Latest<LinkQualities>& qualities, Send send)
      : node_name_(std::move(node_name)), ledger_(ledger), qualities_(qualities), send_(std::move(send)) {}

  // From metricTask's thread, with each round.
  void add(const Measurement& measurement);
  // Sends what waits until all of it is told, or the control plane is away.
  void send_waiting(const std::stop_token& stop);
  // As send_waiting(), after each add().
  void run(const std::stop_token& stop);

  struct Counters {
    std::uint64_t waiting = 0;
    std::uint64_t dropped = 0;  // because too many waited
    std::uint64_t refused = 0;  // by the control plane, for good
  };
  // Thread-safe.
  Counters counters() const;

 private:
  std::string node_name_;
  TaskLedger& ledger_;
  const Latest<LinkQualities>& qualities_;
  Send send_;
  Wakeup wakeup_;
  mutable std::mutex mutex_;  // of the two below
  ReportBacklog backlog_{{}};
  std::uint64_t refused_ = 0;
  bool is_told_ = true;  // the last attempt went well; the sender's alone
};

}  // namespace moenet::agent
