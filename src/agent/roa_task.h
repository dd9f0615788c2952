// roaTask: keeps the files of ROAs fresh that `bird.roaUrls` names, and hands on what all of them say together. A file
// that cannot be had or believed leaves in force what it said last.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config.h"
#include "agent/ledger.h"
#include "agent/roa_source.h"
#include "base/latest.h"

namespace moenet::agent {

inline constexpr std::string_view kRoaTask = "roaTask";

// Of all files, sorted, each once.
using RoaTable = std::vector<bird::Roa>;

// What the state files hold of the URLs that are configured now, for those who only look. Null when that is nothing.
std::shared_ptr<const RoaTable> kept_roas(const AgentConfig& config);

class RoaTask {
 public:
  // `on_change` runs on the task's thread after `table` got another content.
  RoaTask(const AgentConfig& config, const std::string& user_agent, TaskLedger& ledger, Latest<RoaTable>& table,
          std::function<void()> on_change);

  // Before run(): what was kept on disk. That there is nothing is no error.
  void load();
  void run(const std::stop_token& stop);

  // Asks for all files now. `allow_shrink`: the operator's `sync --allow-mass-delete`; this once a file may have lost
  // more than half. Thread-safe.
  void request(bool allow_shrink);

 private:
  Result<void> fetch_all(bool allow_shrink, const std::stop_token& stop);
  void save(RoaSource& source);
  void record(const Result<void>& outcome, SteadyTime::duration took);
  bool publish();
  void pause(const Result<void>& outcome, const std::stop_token& stop);

  std::vector<std::unique_ptr<RoaSource>> sources_;  // in the order of the configuration
  std::chrono::seconds interval_;
  TaskLedger& ledger_;
  Latest<RoaTable>& table_;
  std::function<void()> on_change_;
  Wakeup requested_;
  std::atomic<bool> allow_shrink_{false};
  unsigned failures_ = 0;   // in a row
  std::string last_error_;  // as logged last; empty when there is none
};

}  // namespace moenet::agent
