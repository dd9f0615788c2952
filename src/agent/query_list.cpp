#include "agent/query_list.h"

#include <algorithm>

#include <boost/json.hpp>

#include "agent/error_status.h"
#include "base/log.h"
#include "model/json_reader.h"
#include "model/session_json.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;

constexpr std::size_t kIdBytesMax = 64;
constexpr std::size_t kToolBytesMax = 32;
constexpr std::size_t kWhatBytesMax = 300;
// Nobody is believed to wait longer; chosen: more than the tools themselves take.
constexpr std::int64_t kMostSeconds = 60;

// It becomes a segment of a URL.
bool is_id(std::string_view text) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
  return !text.empty() && text.size() <= kIdBytesMax && text.find_first_not_of(kAllowed) == text.npos;
}

Result<ToolQuestion> question_in(const model::JsonReader& reader, const LookingGlassSettings& settings) {
  const std::string name = reader.free_text("tool", kToolBytesMax);
  const auto tool = tool_from(name);
  if (!tool || !settings.offers(*tool))
    return fail(Errc::denied, "this node does not offer " + escape_for_log(name, kToolBytesMax));
  const json::value* arguments = reader.find("arguments");
  if (arguments == nullptr) return fail(Errc::invalid, "target: an address or a name");
  return tool_question_in(*tool, *arguments);
}

json::object refusal(int status, std::string_view what) {
  return {{"status", status}, {"error", escape_for_log(what, kWhatBytesMax)}};
}

}  // namespace

Result<std::vector<Query>> read_queries(std::string_view body, const LookingGlassSettings& settings) {
  if (body.size() > kQueriesBytesMax) return fail(Errc::invalid, "queries: more than 64 KiB");
  TRY(const json::value data, model::read_envelope(body));
  const json::object* object = data.if_object();
  const json::value* list = object == nullptr ? nullptr : object->if_contains("queries");
  if (list == nullptr || !list->is_array()) return fail(Errc::invalid, "no list `queries` in the answer");
  std::vector<Query> queries;
  for (const json::value& item : list->get_array()) {
    if (queries.size() == kMostQueries) break;
    std::vector<model::JsonFault> faults;
    const model::JsonReader reader(item, faults);
    const std::string id = reader.text("id", kIdBytesMax).value_or("");
    if (!is_id(id)) continue;
    const auto left = reader.integer("secondsLeft", 0, kMostSeconds).value_or(kMostSeconds);
    queries.push_back({id, question_in(reader, settings), std::chrono::seconds(left)});
  }
  return queries;
}

std::string query_refusal(const Error& error) { return json::serialize(refusal(status_of(error.code), error.what)); }

std::string query_limit(std::chrono::seconds retry_after) {
  json::object body = refusal(429, "this node is asked too much");
  body["retryAfter"] = retry_after.count();
  return json::serialize(body);
}

}  // namespace moenet::agent
