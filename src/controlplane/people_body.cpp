#include "controlplane/people_body.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/uuid.h"
#include "controlplane/admin_body.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

constexpr std::int64_t kTokenLife = 90LL * 24 * 3'600;  // chosen: a forgotten token ends by itself
constexpr std::int64_t kLongestTokenLife = 3'650LL * 24 * 3'600;

// Names and labels: they are part of paths, logs and the audit log's names.
bool is_label(std::string_view text) {
  const auto is_label_byte = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, is_label_byte);
}

Checked<void> check_members(const json::value& body, std::initializer_list<std::string_view> known) {
  if (!body.is_object()) return refuse(Errc::invalid, "expected an object");
  for (const auto& [name, value] : body.get_object()) {
    if (std::ranges::find(known, std::string_view(name)) == known.end())
      return refuse(Errc::invalid, "no such member", std::string(name));
  }
  return {};
}

const json::value* member(const json::value& body, std::string_view name) {
  const json::value* value = body.get_object().if_contains(name);
  return value != nullptr && value->is_null() ? nullptr : value;
}

Checked<std::optional<std::string>> text_of(const json::value& body, std::string_view name) {
  const json::value* value = member(body, name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return refuse(Errc::invalid, "expected text", std::string(name));
  return std::string(value->get_string());
}

Checked<std::optional<Role>> role_of(const json::value& body) {
  CHECKED_TRY(const auto name, text_of(body, "role"));
  if (!name) return std::nullopt;
  const auto role = role_from(*name);
  if (!role) return refuse(Errc::invalid, "expected user, admin or owner", "role");
  return role;
}

json::value or_null(std::int64_t number) { return number == 0 ? json::value(nullptr) : json::value(number); }

json::value parsed_or_null(const std::string& text) {
  boost::system::error_code bad;
  json::value value = text.empty() ? json::value(nullptr) : json::parse(text, bad);
  return bad ? json::value(nullptr) : value;
}

}  // namespace

Checked<User> new_user(const json::value& body) {
  if (auto known = check_members(body, {"name", "asn", "role"}); !known) return std::unexpected(known.error());
  User user;
  CHECKED_TRY(const auto role, role_of(body));
  user.role = role.value_or(Role::user);
  if (const json::value* asn = member(body, "asn")) {
    if (!asn->is_int64() || asn->get_int64() < 1 || asn->get_int64() > 4'294'967'295)
      return refuse(Errc::invalid, "expected an AS number, 1 to 4294967295", "asn");
    user.asn = static_cast<model::Asn>(asn->get_int64());
  }
  CHECKED_TRY(const auto name, text_of(body, "name"));
  user.name = name.value_or(user.asn == 0 ? "" : fmt::format("AS{}", user.asn));
  if (!is_label(user.name) || is_uuid(user.name) || user.name == "owner")
    return refuse(Errc::invalid, "expected 1 to 64 letters, digits, . _ -", "name");
  return user;
}

Checked<User> merge_user(User user, const json::value& body) {
  if (auto known = check_members(body, {"role", "disabled"}); !known) return std::unexpected(known.error());
  CHECKED_TRY(const auto role, role_of(body));
  user.role = role.value_or(user.role);
  if (const json::value* disabled = member(body, "disabled")) {
    if (!disabled->is_bool()) return refuse(Errc::invalid, "expected true or false", "disabled");
    user.is_disabled = disabled->get_bool();
  }
  return user;
}

Checked<WantedToken> new_token(const json::value& body, WallTime now) {
  if (auto known = check_members(body, {"label", "role", "user", "expiresIn"}); !known)
    return std::unexpected(known.error());
  WantedToken wanted;
  CHECKED_TRY(const auto label, text_of(body, "label"));
  wanted.token.label = label.value_or("");
  if (!is_label(wanted.token.label)) return refuse(Errc::invalid, "expected 1 to 64 letters, digits, . _ -", "label");
  CHECKED_TRY(wanted.role, role_of(body));
  CHECKED_TRY(const auto user, text_of(body, "user"));
  wanted.user = user.value_or("");
  std::int64_t life = kTokenLife;
  if (const json::value* expires = member(body, "expiresIn")) {
    if (!expires->is_int64() || expires->get_int64() < 0 || expires->get_int64() > kLongestTokenLife)
      return refuse(Errc::invalid, "expected 0 to 315360000 seconds", "expiresIn");
    life = expires->get_int64();
  }
  const UnixMs now_ms = std::chrono::floor<std::chrono::milliseconds>(now.time_since_epoch()).count();
  wanted.token.expires_at = life == 0 ? 0 : now_ms + 1'000 * life;
  return wanted;
}

Checked<AuditFilter> audit_filter(const http::Request& request, const PartOfList& part) {
  AuditFilter filter;
  if (const auto object = request.parameter("object")) filter.object = std::string(*object);
  if (const auto who = request.parameter("who")) filter.who = std::string(*who);
  const auto number = [](std::string_view text, std::int64_t& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    return error == std::errc() && end == text.data() + text.size() && into >= 0;
  };
  if (const auto since = request.parameter("since"); since && !number(*since, filter.since))
    return refuse(Errc::invalid, "expected unix milliseconds", "since");
  if (part.after && !number(*part.after, filter.before_seq))
    return refuse(Errc::invalid, "expected the `next` of the part before", "after");
  return filter;
}

json::object view_of(const User& user) {
  return {{"id", user.uuid},
          {"name", user.name},
          {"role", name_of(user.role)},
          {"asn", or_null(user.asn)},
          {"disabled", user.is_disabled},
          {"createdAt", user.created_at},
          {"lastSeen", or_null(user.last_seen)}};
}

json::object view_of(const ApiToken& token) {
  return {{"id", token.uuid},
          {"user", token.user_name.empty() ? json::value(nullptr) : json::value(token.user_name)},
          {"label", token.label},
          {"role", name_of(token.role)},
          {"createdAt", token.created_at},
          {"expiresAt", or_null(token.expires_at)},
          {"lastUsed", or_null(token.last_used)}};
}

json::object view_of(const AuditEntry& entry) {
  return {{"seq", entry.seq},
          {"at", entry.at},
          {"who", entry.who},
          {"address", entry.address},
          {"action", entry.action},
          {"object", entry.object},
          {"before", parsed_or_null(entry.before_json)},
          {"after", parsed_or_null(entry.after_json)}};
}

}  // namespace moenet::controlplane
