#include "agent/control_plane_words.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/log.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;
using http::Response;

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

}  // namespace

// No status makes a read wrong.
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

http::Headers read_headers(const std::string& etag, std::chrono::seconds wait) {
  http::Headers headers;
  if (!etag.empty()) headers.set("If-None-Match", etag);
  if (wait.count() > 0) headers.set("Prefer", fmt::format("wait={}", wait.count()));
  return headers;
}

Result<Fetched> fetched_of(Result<Response> response, std::string_view etag, std::string_view what) {
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

std::string modify_body(const Modification& modification) { return json::serialize(json_of(modification)); }

std::string batch_body(std::span<const Modification> modifications) {
  json::array updates;
  for (const auto& modification : modifications) updates.push_back(json_of(modification));
  return json::serialize(json::object{{"updates", std::move(updates)}});
}

Result<void> modify_outcome(const Result<Response>& response, const Modification& modification) {
  auto data = data_of(response);
  Result<void> outcome;
  if (!data)
    outcome = std::unexpected(with_context(data.error(), fmt::format("report session {}", modification.session)));
  return forgive_missing(std::move(outcome), modification);
}

// Answers per item: {"results":[{"uuid","code","message"}]} in the order of the updates (B4).
std::vector<Result<void>> batch_outcomes(const Result<Response>& response,
                                         std::span<const Modification> modifications) {
  auto data = data_of(response);
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

}  // namespace moenet::agent
