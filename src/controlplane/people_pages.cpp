#include "controlplane/people_pages.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/log.h"
#include "controlplane/pages.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

// A member as one harmless word or line for a terminal: others chose it.
std::string text(const json::value& object, std::string_view member) {
  const json::value* value = object.as_object().if_contains(member);
  if (value == nullptr || value->is_null()) return "-";
  if (value->is_string()) return escape_for_log({value->get_string().data(), value->get_string().size()});
  return escape_for_log(json::serialize(*value), 500);
}

std::string time(const json::value& object, std::string_view member) {
  const json::value* value = object.as_object().if_contains(member);
  if (value == nullptr || !value->is_int64()) return "-";
  return fmt::format("{:%Y-%m-%d %H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(value->get_int64() / 1'000)));
}

// A line per member: what it was and what it is. What came or went says so by its sign.
std::string changes_of(const json::value& before, const json::value& after) {
  std::string lines;
  const json::value& shown = after.is_object() ? after : before;
  if (!shown.is_object()) return lines;
  const std::string_view sign = !before.is_object() ? "+ " : !after.is_object() ? "- " : "";
  for (const auto& [name, value] : shown.get_object()) {
    const std::string was = sign.empty() ? text(before, name) + " -> " : std::string(sign);
    lines += fmt::format("    {}: {}{}\n", escape_for_log(name), was, text(shown, name));
  }
  return lines;
}

}  // namespace

std::string users_page(const json::value& users) {
  std::vector<std::vector<std::string>> rows{{"NAME", "ROLE", "ASN", "STATE", "SEEN"}};
  for (const json::value& user : users.as_array()) {
    rows.push_back({text(user, "name"), text(user, "role"), text(user, "asn"),
                    text(user, "disabled") == "true" ? "disabled" : "-", time(user, "lastSeen")});
  }
  return rows.size() == 1 ? "no users yet: who proves an AS number becomes one\n" : table(rows);
}

std::string tokens_page(const json::value& tokens) {
  std::vector<std::vector<std::string>> rows{{"ID", "USER", "LABEL", "ROLE", "EXPIRES", "USED"}};
  for (const json::value& token : tokens.as_array()) {
    rows.push_back({text(token, "id"), text(token, "user"), text(token, "label"), text(token, "role"),
                    time(token, "expiresAt"), time(token, "lastUsed")});
  }
  return rows.size() == 1 ? "no tokens\n" : table(rows);
}

std::string audit_page(const json::value& entries) {
  std::string page;
  json::array oldest_first = entries.as_array();
  std::ranges::reverse(oldest_first);
  for (const json::value& entry : oldest_first) {
    const std::string address = text(entry, "address");
    page += fmt::format("{} {} {} {} {}{}\n", text(entry, "seq"), time(entry, "at"), text(entry, "who"),
                        text(entry, "action"), text(entry, "object"), address.empty() ? "" : " from " + address);
    page += changes_of(entry.at("before"), entry.at("after"));
  }
  return page.empty() ? "nothing\n" : page;
}

}  // namespace moenet::controlplane
