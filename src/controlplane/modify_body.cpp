#include "controlplane/modify_body.h"

#include <algorithm>
#include <cctype>
#include <string_view>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/uuid.h"
#include "controlplane/session_moves.h"
#include "model/json_reader.h"
#include "model/lifecycle.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

constexpr std::size_t kMostUpdates = 1'000;
constexpr std::size_t kMostErrorCharacters = 255;  // wire contract A5

const ModifyOutcome kMalformed{500, "Internal Server Error", false};

// Numbers, numeric text, and the words that deployed agents use.
std::optional<std::int64_t> status_in(const json::value& value) {
  if (value.is_string()) {
    const std::string_view word(value.get_string().data(), value.get_string().size());
    if (word == "active" || word == "enabled") return 2;
    if (word == "problem") return 6;
    if (word == "deleted") return 7;
  }
  return model::integer_in(value);
}

std::size_t characters_in(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::ranges::count_if(utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

ModifyItem read_item(const json::object& object) {
  ModifyItem item;
  const json::value* uuid = object.if_contains("uuid");
  if (uuid == nullptr) uuid = object.if_contains("peer_id");
  const json::value* status = object.if_contains("status");
  if (uuid == nullptr || uuid->is_null() || status == nullptr) {
    item.refused = ModifyOutcome{422, "Missing uuid or status", false};
    return item;
  }
  const auto number = status_in(*status);
  if (uuid->is_string()) item.uuid.assign(uuid->get_string().begin(), uuid->get_string().end());
  std::ranges::transform(item.uuid, item.uuid.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (!is_uuid(item.uuid) || !number) {
    item.refused = kMalformed;
    return item;
  }
  item.status = *number;
  const json::value* error = object.if_contains("lastError");
  if (error == nullptr || error->is_null()) return item;
  if (!error->is_string() ||
      characters_in({error->get_string().data(), error->get_string().size()}) > kMostErrorCharacters) {
    item.refused = kMalformed;
    return item;
  }
  item.last_error.assign(error->get_string().begin(), error->get_string().end());
  return item;
}

}  // namespace

ModifyBody read_modify_body(const json::object& object) {
  ModifyBody body;
  const json::value* updates = object.if_contains("updates");
  if (updates == nullptr) {
    body.items.push_back(read_item(object));
    return body;
  }
  body.is_batch = true;
  if (!updates->is_array()) {
    body.refused = ModifyOutcome{422, "Missing updates array", false};
    return body;
  }
  if (updates->get_array().size() > kMostUpdates) {
    body.refused = ModifyOutcome{422, fmt::format("More than {} updates", kMostUpdates), false};
    return body;
  }
  for (const json::value& update : updates->get_array()) {
    ModifyItem item;
    item.refused = kMalformed;
    body.items.push_back(update.is_object() ? read_item(update.get_object()) : std::move(item));
  }
  return body;
}

SessionChange change_for(const ModifyItem& item, NodeId node) {
  return {item.uuid,
          [status = item.status, error = item.last_error, node](const StoredSession& row) -> Checked<Verdict> {
            if (row.node != node) return refuse(Errc::not_found, "no session of this node");
            return decide_agent_report(row, status, error);
          },
          {},
          model::fit_last_error(item.last_error)};
}

ModifyOutcome outcome_of(const Changed& changed) {
  if (changed) return {200, "Success", !changed->has_value()};
  if (changed.error().error.code == Errc::not_found) return {404, "Session not found", false};
  return {422, changed.error().error.what, false};
}

json::value batch_answer(const std::vector<ModifyItem>& items, const std::vector<ModifyOutcome>& outcomes) {
  json::array results;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const ModifyOutcome& outcome = outcomes[i];
    json::object result{
        {"uuid", items[i].uuid}, {"code", outcome.status == 200 ? 0 : outcome.status}, {"message", outcome.message}};
    if (outcome.status == 200) result[outcome.was_deleted ? "deleted" : "updated"] = true;
    results.push_back(std::move(result));
  }
  return json::object{{"results", std::move(results)}};
}

}  // namespace moenet::controlplane
