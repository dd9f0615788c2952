// ControlPlane: the agent's side of the wire contract (part A, and B where the server offers it), typed. Knows URLs,
// envelopes and what an answer must look like; retries, breaker and TLS are http::HttpClient's.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "agent/config.h"
#include "base/result.h"
#include "http/client.h"
#include "model/lifecycle.h"
#include "model/session_json.h"

namespace moenet::agent {

// An answer to a conditional read: the body, or "as you have it".
struct Fetched {
  bool not_modified = false;
  std::string etag;  // empty: the server knows no ETag, so it cannot wait either
  std::string body;  // the envelope as it came; empty when not_modified
};

// One status to report; `session` names the row.
struct Modification {
  model::SessionId session;
  model::StatusReport report;
};

// Thread-safe.
class ControlPlane {
 public:
  ControlPlane(const ControlPlaneSettings& settings, std::string_view node_name, std::string user_agent);

  // The body of the answer, for model::read_envelope. Errors of all reads: denied (401, 403: the token), not_found (the
  // node is unknown), invalid (the body is over the limit), internal (a status that no read should get), unavailable,
  // timeout, cancelled.
  Result<std::string> fetch_config(const std::stop_token& stop);
  // `action`: "sessions", "mesh", "bird-config". With an `etag` of an earlier answer and `wait` > 0 the server may hold
  // the answer until it differs.
  Result<Fetched> fetch(std::string_view action, const std::string& etag, std::chrono::seconds wait,
                        const std::stop_token& stop);

  // Result i is modification i's. not_found for status DELETED means done, and is a success here. Errors: invalid (422:
  // the server refuses the move), and the above.
  std::vector<Result<void>> modify(std::span<const Modification> modifications, const std::stop_token& stop);

  // The body of mesh/status (A9).
  Result<void> report_mesh(const boost::json::value& body, const std::stop_token& stop);

  // The body of rtt (A8).
  Result<void> report_rtt(const boost::json::value& body, const std::stop_token& stop);

  // A body of report (A7).
  Result<void> report_sessions(const std::string& body, const std::stop_token& stop);

  Result<void> heartbeat(const boost::json::value& body, const std::stop_token& stop);

  // Has the server said that it has queries for nodes (decisions/0015-looking-glass.md)?
  bool offers_queries() const { return offers_queries_; }
  // The body of `queries`, which the server holds until there are any, or `wait` is over. Both of these have their own
  // connections and breaker: whatever goes wrong with them costs nothing else.
  Result<std::string> fetch_queries(std::chrono::seconds wait, const std::stop_token& stop);
  // Tried once. Errors: also not_found, when nobody waits for it any more.
  Result<void> answer_query(std::string_view id, const std::string& body, const std::stop_token& stop);

  http::ClientCounters counters() const { return client_.counters(); }
  http::BreakerView breaker() const { return client_.breaker(); }

 private:
  void note_features(const http::Response& response);
  Result<http::Response> send(std::string_view method, const std::string& url, std::string body, http::Headers headers,
                              const std::stop_token& stop, std::chrono::seconds wait = {});
  Result<void> modify_one(const Modification& modification, const std::stop_token& stop);
  std::vector<Result<void>> modify_batch(std::span<const Modification> modifications, const std::stop_token& stop);

  ControlPlaneSettings settings_;
  std::string base_;       // "{url}/api/v1/agent/"
  std::string node_path_;  // base_ + the node's name, percent-encoded
  http::HttpClient client_;
  http::HttpClient query_client_;
  std::atomic<bool> offers_batch_{false};
  std::atomic<bool> offers_queries_{false};
};

}  // namespace moenet::agent
