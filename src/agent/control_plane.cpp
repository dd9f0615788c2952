#include "agent/control_plane.h"

#include <charconv>

#include <boost/json.hpp>
#include <fmt/format.h>

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

// What an unsuccessful answer means to the caller. The body may be the envelope or plain text.
Error error_of(const Response& response) {
  auto envelope = model::read_envelope(response.body);
  const bool is_envelope = !envelope && envelope.error().code != Errc::invalid;
  const std::string what = fmt::format("HTTP {}: {}", response.status,
                                       is_envelope ? envelope.error().what : escape_for_log(response.body, 80));
  switch (response.status) {
    case 401:
    case 403: return {Errc::denied, what + " (check controlPlane.token)"};
    case 404: return {Errc::not_found, what};
    case 422: return {Errc::invalid, what};
    case 429: return {Errc::unavailable, what};
    default: break;
  }
  return {response.status >= 500 ? Errc::unavailable : Errc::internal, what};
}

// Of a read, which no status makes wrong.
Error read_error_of(const Response& response) {
  Error error = error_of(response);
  if (error.code == Errc::invalid) error.code = Errc::internal;
  return error;
}

Result<json::value> data_of(const Result<Response>& response) {
  if (!response) return std::unexpected(response.error());
  if (response->status != 200) return std::unexpected(error_of(*response));
  return model::read_envelope(response->body);
}

json::object json_of(const Modification& modification) {
  json::object object;
  object["uuid"] = modification.session.view();
  object["status"] = static_cast<int>(modification.report.status);
  if (!modification.report.last_error.empty()) object["lastError"] = modification.report.last_error;
  return object;
}

// Deleting what is not there any more is what was wanted (A5).
Result<void> forgive_missing(Result<void> outcome, const Modification& modification) {
  if (!outcome && outcome.error().code == Errc::not_found &&
      modification.report.status == model::SessionStatus::deleted)
    return {};
  return outcome;
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
  const std::string what = fmt::format("fetch {}", action);
  http::Headers headers;
  if (etag.empty()) wait = {};
  if (!etag.empty()) headers.set("If-None-Match", etag);
  if (wait.count() > 0) headers.set("Prefer", fmt::format("wait={}", wait.count()));
  auto response = send("GET", fmt::format("{}/{}", node_path_, action), "", std::move(headers), stop, wait);
  if (!response) return std::unexpected(with_context(response.error(), what));
  Fetched fetched;
  if (const auto tag = response->headers.find("ETag")) fetched.etag = *tag;
  if (response->status == 304 && !etag.empty()) {
    fetched.not_modified = true;
  } else if (response->status == 200) {
    fetched.body = std::move(response->body);
  } else {
    return std::unexpected(with_context(read_error_of(*response), what));
  }
  return fetched;
}

Result<void> ControlPlane::modify_one(const Modification& modification, const std::stop_token& stop) {
  auto data = data_of(send("POST", node_path_ + "/modify", json::serialize(json_of(modification)), {}, stop));
  Result<void> outcome;
  if (!data)
    outcome = std::unexpected(with_context(data.error(), fmt::format("report session {}", modification.session)));
  return forgive_missing(std::move(outcome), modification);
}

// Answers per item: {"results":[{"uuid","code","message"}]} in the order of the updates (B4).
std::vector<Result<void>> ControlPlane::modify_batch(std::span<const Modification> modifications,
                                                     const std::stop_token& stop) {
  json::array updates;
  for (const auto& modification : modifications) updates.push_back(json_of(modification));
  auto data = data_of(
      send("POST", node_path_ + "/modify", json::serialize(json::object{{"updates", std::move(updates)}}), {}, stop));
  const json::array* results = nullptr;
  if (data && data->is_object()) {
    if (const auto* list = data->get_object().if_contains("results")) results = list->if_array();
  }
  std::vector<Result<void>> outcomes;
  for (std::size_t i = 0; i < modifications.size(); ++i) {
    if (!data) {
      outcomes.push_back(std::unexpected(with_context(data.error(), "report sessions")));
      continue;
    }
    const json::object* item = results != nullptr && i < results->size() ? (*results)[i].if_object() : nullptr;
    const auto* code = item != nullptr ? item->if_contains("code") : nullptr;
    if (code == nullptr || !code->is_int64()) {
      outcomes.push_back(fail(Errc::internal, "report sessions: no result for this session"));
    } else if (code->get_int64() == 0) {
      outcomes.push_back({});
    } else {
      const auto* message = item->if_contains("message");
      Response refused;
      refused.status = static_cast<int>(code->get_int64());
      refused.body = message != nullptr && message->is_string() ? std::string(message->get_string()) : "";
      outcomes.push_back(forgive_missing(
          std::unexpected(with_context(error_of(refused), fmt::format("report session {}", modifications[i].session))),
          modifications[i]));
    }
  }
  return outcomes;
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
