#include "controlplane/session_draft.h"

#include <algorithm>
#include <string_view>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "controlplane/addressing.h"
#include "model/json_reader.h"
#include "model/peering.h"
#include "model/session_json.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

constexpr std::size_t kMostName = 64;
constexpr std::size_t kMostDescription = 255;
constexpr std::size_t kMostText = 255;
constexpr std::string_view kMeshInterface = "dn42-wg-igp-";  // wire contract A9

json::value parse_or_null(const std::string& text) {
  boost::system::error_code bad;
  auto value = json::parse(text, bad);
  return bad ? json::value(nullptr) : std::move(value);
}

json::value null_if_empty(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }

// Reads members over a draft: what is absent stays, what is null becomes the default again.
class DraftReader {
 public:
  DraftReader(const json::object& object, const model::JsonReader& reader) : object_(object), reader_(reader) {}

  void text(std::string_view key, std::string& value, std::size_t most = kMostText,
            std::string_view otherwise = {}) const {
    if (!object_.contains(key)) return;
    value = otherwise;
    auto read = reader_.text(key, most);
    if (!read) return;
    if (std::ranges::any_of(*read, [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
      reader_.note(key, "text without control characters");
    }
    value = std::move(*read);
  }
  void secret(std::string_view key, Secret& value, std::size_t most) const {
    if (!object_.contains(key)) return;
    value = Secret();
    if (auto read = reader_.secret(key, most)) value = std::move(*read);
  }
  void boolean(std::string_view key, bool& value) const {
    if (object_.contains(key)) value = reader_.boolean(key).value_or(false);
  }
  void number(std::string_view key, std::optional<std::int64_t>& value, std::int64_t low, std::int64_t high) const {
    if (object_.contains(key)) value = reader_.integer(key, low, high);
  }
  void number(std::string_view key, std::int64_t& value, std::int64_t low, std::int64_t high,
              std::int64_t otherwise) const {
    if (object_.contains(key)) value = reader_.integer(key, low, high).value_or(otherwise);
  }

 private:
  const json::object& object_;
  const model::JsonReader& reader_;
};

// Faults of the wire's fields, told in the words of the draft.
std::string member_of(const std::string& wire_field) {
  if (wire_field == "credential" || wire_field == "credential.public_key") return "publicKey";
  if (wire_field == "credential.preshared_key") return "presharedKey";
  if (wire_field == "data.password") return "password";
  if (wire_field == "data.greKey") return "greKey";
  if (wire_field == "data.importLimit") return "importLimit";
  if (wire_field == "data.bandwidthMbit") return "bandwidthMbit";
  if (wire_field == "extensions") return "extendedNextHop";
  return wire_field;
}

bool is_wireguard(std::string_view type) { return type == model::name_of(model::TunnelType::wireguard); }

Checked<void> check_keys(const SessionDraft& draft) {
  if (!is_wireguard(draft.type)) return {};
  const auto key = Key::from_base64(draft.public_key);
  if (!key || key->is_zero()) {
    return refuse(Errc::invalid, "expected the peer's WireGuard public key (44 characters of base64)", "publicKey");
  }
  if (draft.preshared_key.empty()) return {};
  const auto preshared = Key::from_base64(draft.preshared_key.reveal());
  if (!preshared || preshared->is_zero()) {
    return refuse(Errc::invalid, "expected a WireGuard preshared key (44 characters of base64, `wg genpsk`)",
                  "presharedKey");
  }
  return {};
}

// What only the control plane can know to be wrong.
Checked<void> check_against_network(const StoredSession& row, const Settings& settings, std::int64_t port_before) {
  if (row.asn == settings.asn) return refuse(Errc::invalid, fmt::format("AS{} is our own", row.asn), "asn");
  // A session that has such a port since ids went to 62 only may be edited without moving it.
  if (is_mesh_port(row.port) && row.port != port_before) {
    return refuse(
        Errc::invalid,
        fmt::format("{} belongs to the mesh ({} to {})", row.port, kMeshPortBase + 1, kMeshPortBase + kMaxNodeId),
        "port");
  }
  if (row.interface_name.starts_with(kMeshInterface)) {
    return refuse(Errc::invalid, fmt::format("names that begin with {} belong to the mesh", kMeshInterface),
                  "interface");
  }
  return {};
}

std::string extensions_text(const SessionDraft& draft) {
  json::array extensions;
  if (draft.mp_bgp) extensions.emplace_back("mp_bgp");
  if (draft.extended_next_hop) extensions.emplace_back("extended_nexthop");
  return json::serialize(extensions);
}

std::string data_text(const SessionDraft& draft) {
  json::object data;
  if (draft.gre_key && !is_wireguard(draft.type)) data["greKey"] = *draft.gre_key;
  if (!draft.password.empty()) data["password"] = draft.password.reveal();
  if (draft.import_limit) data["importLimit"] = *draft.import_limit;
  if (draft.bandwidth_mbit) data["bandwidthMbit"] = *draft.bandwidth_mbit;
  return data.empty() ? "null" : json::serialize(data);
}

// The copies of endpoint, port and MTU are what older agents read.
std::string credential_text(const SessionDraft& draft, const StoredSession& row) {
  if (!is_wireguard(draft.type)) return "";
  return json::serialize(json::object{
      {"public_key", draft.public_key},
      {"preshared_key", draft.preshared_key.empty() ? json::value(nullptr) : json::value(draft.preshared_key.reveal())},
      {"listen_port", row.port},
      {"endpoint", null_if_empty(row.endpoint)},
      {"mtu", row.mtu},
  });
}

void put_address(std::string& field, const std::optional<IpAddress>& address) {
  field = address ? address->text() : "";
}

}  // namespace

Checked<SessionDraft> merge_draft(SessionDraft draft, const json::value& changes) {
  if (!changes.is_object()) return refuse(Errc::invalid, "expected an object");
  const json::object& object = changes.get_object();
  std::vector<model::JsonFault> faults;
  const model::JsonReader reader(changes, faults);
  const DraftReader read(object, reader);
  read.number("asn", draft.asn, 1, 4'294'967'295, 0);
  read.text("name", draft.name, kMostName);
  read.text("description", draft.description, kMostDescription);
  read.text("type", draft.type, kMostText, "wireguard");
  read.text("publicKey", draft.public_key);
  read.secret("presharedKey", draft.preshared_key, 64);
  read.number("greKey", draft.gre_key, 0, 4'294'967'295);
  read.text("endpoint", draft.endpoint);
  read.text("ipv4", draft.ipv4);
  read.text("ipv6", draft.ipv6);
  read.text("ipv6LinkLocal", draft.ipv6_link_local);
  read.text("interface", draft.interface_name);
  read.number("port", draft.port, 0, 65'535);
  read.number("mtu", draft.mtu, 1280, 9000, 1420);
  read.text("policy", draft.policy);
  read.boolean("mpBgp", draft.mp_bgp);
  read.boolean("extendedNextHop", draft.extended_next_hop);
  read.secret("password", draft.password, 80);
  read.number("importLimit", draft.import_limit, 1, 4'294'967'295);
  read.number("bandwidthMbit", draft.bandwidth_mbit, 1, 1'000'000);
  const auto unknown =
      reader.unknown_keys({"node",      "approve",      "asn",           "name",   "description", "type",
                           "publicKey", "presharedKey", "endpoint",      "ipv4",   "ipv6",        "ipv6LinkLocal",
                           "interface", "port",         "mtu",           "policy", "mpBgp",       "extendedNextHop",
                           "password",  "importLimit",  "bandwidthMbit", "greKey"});
  if (!unknown.empty()) return refuse(Errc::invalid, "no such member", unknown.front());
  if (!faults.empty()) return refuse(Errc::invalid, faults.front().reason(), faults.front().path);
  return draft;
}

SessionDraft draft_of(const StoredSession& row) {
  SessionDraft draft;
  draft.asn = row.asn;
  draft.name = row.name;
  draft.description = row.description;
  draft.type = row.type;
  draft.endpoint = row.endpoint;
  draft.ipv4 = row.ipv4;
  draft.ipv6 = row.ipv6;
  draft.ipv6_link_local = row.ipv6_link_local;
  draft.interface_name = row.interface_name;
  draft.port = row.port;
  draft.mtu = row.mtu;
  draft.policy = row.policy;
  const model::SessionRow read = model::read_session(agent_view(row));
  if (!read.session) return draft;
  const model::Session& session = *read.session;
  if (session.gre_key) draft.gre_key = *session.gre_key;
  if (!session.public_key.is_zero()) draft.public_key = session.public_key.base64();
  if (session.preshared_key) draft.preshared_key = Secret(session.preshared_key->base64());
  draft.mp_bgp = session.mp_bgp;
  draft.extended_next_hop = session.extended_next_hop;
  if (session.bgp_password) draft.password = *session.bgp_password;
  if (session.import_limit) draft.import_limit = *session.import_limit;
  if (session.bandwidth_mbit) draft.bandwidth_mbit = *session.bandwidth_mbit;
  return draft;
}

Checked<StoredSession> apply_draft(StoredSession row, const SessionDraft& draft, const Settings& settings,
                                   const Node& node) {
  if (draft.asn < 1) return refuse(Errc::invalid, "expected the peer's AS number", "asn");
  if (auto keys = check_keys(draft); !keys) return std::unexpected(keys.error());
  const std::int64_t port_before = row.port;
  const std::string& network_policy = settings.peering.policy;
  row.asn = static_cast<model::Asn>(draft.asn);
  row.name = draft.name.empty() ? fmt::format("AS{}", row.asn) : draft.name;
  row.description = draft.description.empty() ? row.name : draft.description;
  row.type = draft.type;
  row.endpoint = draft.endpoint;
  row.ipv4 = draft.ipv4;
  row.ipv6 = draft.ipv6;
  row.ipv6_link_local = draft.ipv6_link_local;
  row.interface_name = draft.interface_name.empty() ? fmt::format("dn42-{}", row.asn) : draft.interface_name;
  row.port = is_wireguard(row.type) ? draft.port.value_or(default_listen_port(row.asn)) : 0;
  row.mtu = draft.mtu;
  row.policy = !draft.policy.empty() ? draft.policy : !network_policy.empty() ? network_policy : "full";
  row.extensions_json = extensions_text(draft);
  row.data_json = data_text(draft);
  row.credential = credential_text(draft, row);
  if (auto known = check_against_network(row, settings, port_before); !known) return std::unexpected(known.error());

  const model::SessionRow read = model::read_session(agent_view(row));
  if (!read.session) return refuse(Errc::invalid, read.session.error().reason, member_of(read.session.error().field));
  if (read.session->bgp_password && !model::is_bird_password(read.session->bgp_password->reveal())) {
    return refuse(Errc::invalid, "holds a double quote, which BIRD's language cannot express", "password");
  }
  const auto peering = model::peering_of(*read.session, identity_of(settings, node));
  if (!peering) return refuse(Errc::invalid, peering.error().reason, member_of(peering.error().field));
  row.type = model::name_of(read.session->type);
  put_address(row.ipv4, read.session->ipv4);
  put_address(row.ipv6, read.session->ipv6);
  put_address(row.ipv6_link_local, read.session->ipv6_link_local);
  row.endpoint = read.session->endpoint ? read.session->endpoint->text() : "";
  row.credential = credential_text(draft, row);
  return row;
}

json::object agent_view(const StoredSession& row) {
  json::value extensions = parse_or_null(row.extensions_json);
  if (!extensions.is_array()) extensions = json::array();
  return {
      {"uuid", row.uuid},
      {"asn", row.asn},
      {"name", row.name},
      {"description", row.description},
      {"status", static_cast<int>(row.status)},
      {"ipv4", null_if_empty(row.ipv4)},
      {"ipv6", null_if_empty(row.ipv6)},
      {"ipv6LinkLocal", null_if_empty(row.ipv6_link_local)},
      {"type", row.type},
      {"extensions", std::move(extensions)},
      {"interface", row.interface_name},
      {"endpoint", null_if_empty(row.endpoint)},
      {"credential", row.credential},
      {"data", parse_or_null(row.data_json)},
      {"mtu", row.mtu},
      {"port", row.port},
      {"policy", row.policy},
      {"lastError", null_if_empty(row.last_error)},
  };
}

json::object operator_view(const StoredSession& row, const Node& node, const std::string& report_json) {
  const SessionDraft draft = draft_of(row);
  return {
      {"uuid", row.uuid},
      {"node", node.name},
      {"asn", row.asn},
      {"name", row.name},
      {"description", row.description},
      {"status", model::name_of(row.status)},
      {"lastError", null_if_empty(row.last_error)},
      {"type", row.type},
      {"publicKey", null_if_empty(draft.public_key)},
      {"hasPresharedKey", !draft.preshared_key.empty()},
      {"endpoint", null_if_empty(row.endpoint)},
      {"greKey", draft.gre_key ? json::value(*draft.gre_key) : json::value(nullptr)},
      {"ipv4", null_if_empty(row.ipv4)},
      {"ipv6", null_if_empty(row.ipv6)},
      {"ipv6LinkLocal", null_if_empty(row.ipv6_link_local)},
      {"interface", row.interface_name},
      {"port", row.port},
      {"mtu", row.mtu},
      {"policy", row.policy},
      {"mpBgp", draft.mp_bgp},
      {"extendedNextHop", draft.extended_next_hop},
      {"hasPassword", !draft.password.empty()},
      {"importLimit", draft.import_limit ? json::value(*draft.import_limit) : json::value(nullptr)},
      {"bandwidthMbit", draft.bandwidth_mbit ? json::value(*draft.bandwidth_mbit) : json::value(nullptr)},
      {"createdAt", row.created_at},
      {"updatedAt", row.updated_at},
      {"version", row.version},
      {"report", report_json.empty() ? json::value(nullptr) : parse_or_null(report_json)},
  };
}

}  // namespace moenet::controlplane
