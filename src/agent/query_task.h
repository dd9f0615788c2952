// queryTask: holds a read at the control plane that ends when somebody asks this node something, has its tools answer,
// and sends the answers. All that it can cost is bounded here and by its own Tools: it touches nothing of the node, and
// no other task waits for it, nor for its connections (ControlPlane).
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>

#include "agent/control_plane.h"
#include "agent/ledger.h"
#include "agent/looking_glass.h"
#include "agent/query_list.h"
#include "agent/tools.h"

namespace moenet::agent {

inline constexpr std::string_view kQueryTask = "queryTask";

// How often people may use the node's tools through the control plane, all of them together, beside the local API's
// own ToolLimits: nobody out there takes the tools from the node's operator.
inline constexpr ToolLimits kQueryLimits{};

struct QueryPace {
  std::chrono::milliseconds floor{1'000};    // between two reads, whatever the server answers: chosen, as FetchLoop's
  std::chrono::milliseconds unasked{5'000};  // until it is looked again whether the server offers queries: chosen
};

struct QueryWiring {
  ControlPlane& control_plane;
  TaskLedger& ledger;
  const LookingGlassSettings& settings;
  Tools& tools;
  std::stop_token stop;  // also ends the sending of answers, which the tools' threads do
  QueryPace pace = {};
};

class QueryTask {
 public:
  explicit QueryTask(QueryWiring wiring) : wiring_(std::move(wiring)) {}

  void run(const std::stop_token& stop);

 private:
  Result<void> read_once(const std::stop_token& stop);
  void record(const Result<void>& outcome);
  void take(Query query);
  bool is_new(const std::string& id);
  void send(const std::string& id, const std::string& body);
  void pause(std::chrono::milliseconds span, const std::stop_token& stop);

  QueryWiring wiring_;
  std::deque<std::string> known_;  // the ids that came last: two control planes may both hand one out
  std::chrono::seconds wait_{0};   // at the server; less where waiting reads are cut
  SteadyTime wait_longer_at_{};    // when to forget that
  std::string last_error_;         // as logged last
};

}  // namespace moenet::agent
