// The answer as a whole: the envelope, and the list in it. One row is session_json.cpp.
#include <algorithm>
#include <numeric>
#include <utility>

#include <boost/json/value.hpp>

#include "base/log.h"
#include "model/json_reader.h"
#include "model/session_json.h"

namespace moenet::model {

namespace json = boost::json;

namespace {

constexpr std::size_t kMessageBytes = 200;  // of the server's message in an error

Errc errc_of(std::int64_t code) {
  if (code == 401 || code == 403) return Errc::denied;
  if (code == 404) return Errc::not_found;
  if (code == 429 || code >= 500) return Errc::unavailable;
  return Errc::invalid;
}

bool is_in_order(const std::vector<SessionRow>& rows) {
  return std::is_sorted(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.uuid < b.uuid; });
}

// A row is 472 bytes and more behind pointers: an order is sorted first, and each row then moves once.
std::vector<SessionRow> sorted_by_uuid(std::vector<SessionRow> rows) {
  if (is_in_order(rows)) return rows;
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rows[a].uuid < rows[b].uuid; });
  std::vector<SessionRow> result;
  result.reserve(rows.size());
  for (const std::size_t index : order) result.push_back(std::move(rows[index]));
  return result;
}

}  // namespace

Result<json::value> read_envelope(std::string_view body) {
  TRY(json::value envelope, parse_json(body));
  json::object* object = envelope.if_object();
  const json::value* code_field = object == nullptr ? nullptr : object->if_contains("code");
  const std::optional<std::int64_t> code = code_field == nullptr ? std::nullopt : integer_in(*code_field);
  if (!code) return fail(Errc::invalid, "not the envelope: a JSON object with a number `code` was expected");
  if (*code != 0) {
    const json::value* message = object->if_contains("message");
    const std::string text = message != nullptr && message->is_string()
                                 ? escape_for_log(std::string_view(message->get_string()), kMessageBytes)
                                 : std::string("no message");
    return fail(errc_of(*code), "control plane answered " + std::to_string(*code) + ": " + text);
  }
  json::value* data = object->if_contains("data");
  if (data == nullptr) return json::value(nullptr);
  return std::move(*data);
}

Result<std::vector<SessionRow>> read_sessions(const json::value& data) {
  const json::object* object = data.if_object();
  const json::value* list = object == nullptr ? nullptr : object->if_contains("bgpSessions");
  const json::array* array = list == nullptr ? nullptr : list->if_array();
  if (array == nullptr) return fail(Errc::invalid, "no list `bgpSessions` in the answer");
  std::vector<SessionRow> rows;
  rows.reserve(array->size());
  for (const json::value& row : *array) rows.push_back(read_session(row));
  rows = sorted_by_uuid(std::move(rows));
  for (std::size_t i = 1; i < rows.size(); ++i) {
    if (rows[i].uuid.empty() || rows[i].uuid != rows[i - 1].uuid) continue;
    rows[i].session = std::unexpected(Fault{"uuid", "listed more than once: the first row counts"});
  }
  return rows;
}

}  // namespace moenet::model
