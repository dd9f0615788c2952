#include "controlplane/audit.h"

#include "controlplane/session_draft.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

constexpr std::string_view kHidden = "***";
constexpr std::string_view kHiddenAndChanged = "*** (changed)";

json::value shown(const Secret& secret, std::string_view as) {
  return secret.empty() ? json::value(nullptr) : json::value(as);
}

json::value member_of(const Audited& audited, const std::string& name) {
  const json::value* value = audited.members.if_contains(name);
  return value == nullptr ? json::value(nullptr) : *value;
}

Secret secret_of(const Audited& audited, const std::string& name) {
  const auto found = audited.secrets.find(name);
  return found == audited.secrets.end() ? Secret() : found->second;
}

// A secret within a column of a row, whatever else the row is: imported ones need be no valid session.
Secret secret_within(const std::string& text, std::string_view name) {
  boost::system::error_code bad;
  const json::value value = json::parse(text, bad);
  const json::value* found = !bad && value.is_object() ? value.get_object().if_contains(name) : nullptr;
  return found != nullptr && found->is_string() ? Secret(found->get_string()) : Secret();
}

// All of it, for what comes or goes.
std::string whole(const Audited& audited) {
  json::object object = audited.members;
  for (const auto& [name, secret] : audited.secrets) {
    if (!secret.empty()) object[name] = kHidden;
  }
  return json::serialize(object);
}

}  // namespace

Audited audited(const Node& node) {
  return {{{"name", node.name},
           {"id", node.id},
           {"regionCode", node.region_code},
           {"location", node.location},
           {"provider", node.provider},
           {"isRr", node.is_rr},
           {"bandwidth", node.bandwidth},
           {"loopbackIpv4", node.loopback_ipv4},
           {"loopbackIpv6", node.loopback_ipv6},
           {"publicIpv4", node.public_ipv4},
           {"publicIpv6", node.public_ipv6},
           {"maxSessions", node.max_sessions},
           {"closed", node.is_closed},
           {"minBandwidthMbit", node.min_bandwidth_mbit},
           {"peeringNote", node.peering_note},
           {"leaving", node.is_leaving}},
          {}};
}

Audited audited(const StoredSession& row) {
  const SessionDraft draft = draft_of(row);
  Audited result;
  result.members = {{"asn", row.asn},
                    {"node", row.node},
                    {"name", row.name},
                    {"description", row.description},
                    {"status", model::name_of(row.status)},
                    {"lastError", row.last_error},
                    {"type", row.type},
                    {"publicKey", draft.public_key},
                    {"endpoint", row.endpoint},
                    {"ipv4", row.ipv4},
                    {"ipv6", row.ipv6},
                    {"ipv6LinkLocal", row.ipv6_link_local},
                    {"interface", row.interface_name},
                    {"port", row.port},
                    {"mtu", row.mtu},
                    {"policy", row.policy},
                    {"mpBgp", draft.mp_bgp},
                    {"extendedNextHop", draft.extended_next_hop}};
  if (draft.gre_key) result.members["greKey"] = *draft.gre_key;
  if (draft.import_limit) result.members["importLimit"] = *draft.import_limit;
  if (draft.bandwidth_mbit) result.members["bandwidthMbit"] = *draft.bandwidth_mbit;
  result.secrets = {{"presharedKey", secret_within(row.credential, "preshared_key")},
                    {"password", secret_within(row.data_json, "password")}};
  return result;
}

Audited audited(const Settings& settings) { return {write_settings(settings).as_object(), {}}; }

Audited audited(const User& user) {
  return {{{"name", user.name}, {"role", name_of(user.role)}, {"asn", user.asn}, {"disabled", user.is_disabled}}, {}};
}

Audited audited(const ApiToken& token) {
  return {{{"label", token.label},
           {"user", token.user_name},
           {"role", name_of(token.role)},
           {"expiresAt", token.expires_at}},
          {}};
}

AuditedChange audited_change(const Audited* before, const Audited* after) {
  if (before == nullptr || after == nullptr)
    return {before == nullptr ? "" : whole(*before), after == nullptr ? "" : whole(*after)};
  json::object old_members;
  json::object new_members;
  std::map<std::string, bool> names;  // of plain members and of secrets
  for (const Audited* one : {before, after}) {
    for (const auto& [name, value] : one->members) names.emplace(name, false);
    for (const auto& [name, value] : one->secrets) names.emplace(name, true);
  }
  for (const auto& [name, is_secret] : names) {
    if (is_secret) {
      const Secret old_secret = secret_of(*before, name);
      const Secret new_secret = secret_of(*after, name);
      if (old_secret == new_secret) continue;
      old_members[name] = shown(old_secret, kHidden);
      new_members[name] = shown(new_secret, old_secret.empty() ? kHidden : kHiddenAndChanged);
    } else if (const auto old_value = member_of(*before, name), new_value = member_of(*after, name);
               old_value != new_value) {
      old_members[name] = old_value;
      new_members[name] = new_value;
    }
  }
  return {json::serialize(old_members), json::serialize(new_members)};
}

}  // namespace moenet::controlplane
