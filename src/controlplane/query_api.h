// QueryApi: the looking glass's routes (docs/api.yaml): people ask a node, its agent fetches what is asked and answers.
// Runs on the service's workers what touches the database; who waits is in Queries.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "controlplane/access.h"
#include "controlplane/agent_api.h"
#include "controlplane/messages.h"
#include "controlplane/queries.h"
#include "controlplane/query_body.h"
#include "controlplane/store.h"
#include "http/router.h"

namespace moenet::controlplane {

// What became of queries that were asked here.
enum class QueryOutcome : std::uint8_t {
  answered,
  refused,     // by the node: the target, or it was asked too much
  unanswered,  // in time
  limited,     // here: the account's limit, or the node's
  unavailable  // the node is away or does not offer it, or this control plane stops
};
std::string_view name_of(QueryOutcome outcome);

struct QueryCounts {
  std::map<QueryOutcome, std::uint64_t> outcomes;  // all of them
  std::size_t open = 0;                            // also of those that were asked elsewhere
  std::size_t waiting_reads = 0;
};

// Thread-safe.
class QueryApi {
 public:
  // Runs a job on a worker; false when there are too many.
  using Submit = std::function<bool(std::function<void()> job, std::size_t bytes)>;

  // `others`: null where nobody else is on the database. All of them must outlive it.
  QueryApi(Store& store, Access& access, const AgentApi& agent, std::function<WallTime()> now, Messages* others,
           const QueryLimits& limits, Submit submit);
  ~QueryApi();
  QueryApi(const QueryApi&) = delete;
  QueryApi& operator=(const QueryApi&) = delete;

  // Before those of AgentApi, whose actions have any name.
  void add_routes(http::Router& router);
  void stop() { queries_.stop(); }
  QueryCounts counts() const;

 private:
  http::Answer ask(http::Request& request, const std::string& node);
  http::Answer read(http::Request& request, const std::string& node);
  http::Answer answer(http::Request& request, const std::string& node, const std::string& id);
  // Runs `work` on a worker, which answers `pending` unless it returns nothing.
  using Work = std::function<std::optional<http::Response>(const http::Request&)>;
  http::Answer later(http::Request& request, std::shared_ptr<http::Pending> pending, Work work);
  std::optional<http::Response> take(const http::Request& request, const std::string& name,
                                     const std::shared_ptr<http::Pending>& pending);
  Checked<void> check_offer(const Node& node, const std::string& tool) const;
  http::Response limited(const Queries::Refusal& refusal, const std::string& node);
  void count(QueryOutcome outcome) { ++outcomes_[static_cast<std::size_t>(outcome)]; }

  Store& store_;
  Access& access_;
  const AgentApi& agent_;
  const std::function<WallTime()> now_;
  Messages* const others_;
  const Submit submit_;
  std::array<std::atomic<std::uint64_t>, 5> outcomes_{};
  Queries queries_;
};

}  // namespace moenet::controlplane
