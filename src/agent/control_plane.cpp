#include "agent/control_plane.h"

#include <charconv>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/control_plane_words.h"
#include "base/log.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;
using http::Response;

// Repetitions wait up to 30 s each (http::RetryPolicy); this is what they may add up to beside the attempts themselves.
constexpr std::chrono::seconds kRetryBudget{60};
// A held answer comes at the latest `wait` after the question; the network gets this much more.
constexpr std::chrono::seconds kWaitMargin{10};
constexpr std::string_view kBatchFeature = "batch-modify";
constexpr std::string_view kQueriesFeature = "queries";
// Each update is at most about 400 bytes, and a server takes 1 MiB (A1).
constexpr std::size_t kBatchSize = 1000;

// RFC 3986 section 2.3: all but unreserved characters.
std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
        c == '.' || c == '~') {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", byte);
    }
  }
  return encoded;
}

http::ClientSettings client_settings(const ControlPlaneSettings& settings, const std::string& user_agent) {
  http::ClientSettings client;
  client.retry.max_retries = settings.max_retries;
  client.retry.backoff.initial = settings.retry_initial_delay;
  client.user_agent = user_agent;
  return client;
}

// A few short answers, once each: neither a large body nor repetitions are worth anything.
http::ClientSettings query_settings(std::string user_agent) {
  http::ClientSettings client;
  client.retry.max_retries = 0;
  client.body_limit_bytes = 256u << 10;
  client.user_agent = std::move(user_agent);
  return client;
}

}  // namespace

ControlPlane::ControlPlane(const ControlPlaneSettings& settings, std::string_view node_name, std::string user_agent)
    : settings_(settings),
      base_(settings.url + "/api/v1/agent/"),
      node_path_(base_ + percent_encode(node_name)),
      client_(client_settings(settings, user_agent)),
      query_client_(query_settings(std::move(user_agent))) {}

void ControlPlane::note_features(const Response& response) {
  const std::string_view features = response.headers.find("X-MoeNet-Features").value_or("");
  // A proxy's own answer, or "not modified" without the header, takes nothing back.
  if (features.empty() && response.status / 100 != 2) return;
  offers_batch_ = features.find(kBatchFeature) != std::string_view::npos;
  offers_queries_ = features.find(kQueriesFeature) != std::string_view::npos;
}

Result<Response> ControlPlane::send(std::string_view method, const std::string& url, std::string body,
                                    http::Headers headers, const std::stop_token& stop, std::chrono::seconds wait) {
  http::Request request;
  request.method = method;
  request.target = url;
  request.headers = std::move(headers);
  request.body = std::move(body);
  if (!request.body.empty()) request.headers.set("Content-Type", "application/json");
  std::chrono::milliseconds attempt_timeout = settings_.request_timeout;
  std::chrono::milliseconds timeout = attempt_timeout * (settings_.max_retries + 1) + kRetryBudget;
  // One that waits is not repeated beyond its own time: whether to wait at all is decided anew first.
  if (wait.count() > 0) attempt_timeout = timeout = attempt_timeout + wait + kWaitMargin;
  auto response = client_.send(request, settings_.token, attempt_timeout, Deadline::after(timeout), stop);
  if (response) note_features(*response);
  return response;
}

Result<std::string> ControlPlane::fetch_config(const std::stop_token& stop) {
  auto response = send("GET", node_path_ + "/config", "", {}, stop);
  if (!response) return std::unexpected(with_context(response.error(), "fetch config"));
  if (response->status != 200) return std::unexpected(with_context(read_error_of(*response), "fetch config"));
  return std::move(response->body);
}

Result<Fetched> ControlPlane::fetch(std::string_view action, const std::string& etag, std::chrono::seconds wait,
                                    const std::stop_token& stop) {
  if (etag.empty()) wait = {};
  auto response = send("GET", fmt::format("{}/{}", node_path_, action), "", read_headers(etag, wait), stop, wait);
  return fetched_of(std::move(response), etag, fmt::format("fetch {}", action));
}

Result<void> ControlPlane::modify_one(const Modification& modification, const std::stop_token& stop) {
  return modify_outcome(send("POST", node_path_ + "/modify", modify_body(modification), {}, stop), modification);
}

std::vector<Result<void>> ControlPlane::modify_batch(std::span<const Modification> modifications,
                                                     const std::stop_token& stop) {
  return batch_outcomes(send("POST", node_path_ + "/modify", batch_body(modifications), {}, stop), modifications);
}

std::vector<Result<void>> ControlPlane::modify(std::span<const Modification> modifications,
                                               const std::stop_token& stop) {
  std::vector<Result<void>> outcomes;
  for (std::size_t i = 0; i < modifications.size();) {
    if (offers_batch_ && modifications.size() - i > 1) {
      const auto part = modifications.subspan(i, std::min(kBatchSize, modifications.size() - i));
      for (auto& outcome : modify_batch(part, stop)) outcomes.push_back(std::move(outcome));
      i += part.size();
    } else {
      outcomes.push_back(modify_one(modifications[i++], stop));
    }
  }
  return outcomes;
}

Result<void> ControlPlane::report_mesh(const json::value& body, const std::stop_token& stop) {
  auto data = data_of(send("POST", node_path_ + "/mesh/status", json::serialize(body), {}, stop));
  if (!data) return std::unexpected(with_context(data.error(), "report the mesh"));
  return {};
}

Result<void> ControlPlane::report_rtt(const json::value& body, const std::stop_token& stop) {
  auto data = data_of(send("POST", node_path_ + "/rtt", json::serialize(body), {}, stop));
  if (!data) return std::unexpected(with_context(data.error(), "report round trips"));
  return {};
}

Result<void> ControlPlane::report_sessions(const std::string& body, const std::stop_token& stop) {
  auto data = data_of(send("POST", node_path_ + "/report", body, {}, stop));
  if (!data) return std::unexpected(with_context(data.error(), "report what was measured"));
  return {};
}

Result<std::string> ControlPlane::fetch_queries(std::chrono::seconds wait, const std::stop_token& stop) {
  http::Request request;
  request.target = node_path_ + "/queries";
  request.headers.set("Prefer", fmt::format("wait={}", wait.count()));
  const std::chrono::milliseconds timeout = settings_.request_timeout + wait + kWaitMargin;
  auto response = query_client_.send(request, settings_.token, timeout, Deadline::after(timeout), stop);
  if (!response) return std::unexpected(with_context(response.error(), "fetch queries"));
  note_features(*response);
  if (response->status != 200) return std::unexpected(with_context(read_error_of(*response), "fetch queries"));
  return std::move(response->body);
}

Result<void> ControlPlane::answer_query(std::string_view id, const std::string& body, const std::stop_token& stop) {
  http::Request request;
  request.method = "POST";
  request.target = fmt::format("{}/queries/{}", node_path_, percent_encode(id));
  request.headers.set("Content-Type", "application/json");
  request.body = body;
  const std::chrono::milliseconds timeout = settings_.request_timeout;
  auto data = data_of(query_client_.send(request, settings_.token, timeout, Deadline::after(timeout), stop));
  if (!data) return std::unexpected(with_context(data.error(), "answer a query"));
  return {};
}

Result<void> ControlPlane::heartbeat(const json::value& body, const std::stop_token& stop) {
  auto data = data_of(send("POST", base_ + "heartbeat", json::serialize(body), {}, stop));
  if (!data) return std::unexpected(with_context(data.error(), "heartbeat"));
  return {};
}

}  // namespace moenet::agent
