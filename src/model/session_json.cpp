// One row of the list, both ways. The answer around it is session_list.cpp.
#include "model/session_json.h"

#include <array>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>

#include "base/uuid.h"
#include "model/credential.h"
#include "model/json_reader.h"
#include "model/session_extensions.h"
#include "model/text.h"

namespace moenet::model {

namespace json = boost::json;

namespace {

constexpr std::int64_t kAsnMax = 4294967295;        // RFC 6793; 0 is reserved (RFC 7607)
constexpr std::int64_t kMtuMin = 1280;              // IPv6 needs it (RFC 8200 section 5)
constexpr std::int64_t kMtuMax = 9000;              // wire contract A3
constexpr std::size_t kNameBytesMax = 255;          // chosen: a name is one line
constexpr std::size_t kDescriptionBytesMax = 1024;  // chosen: 10,000 of 10 kB would not fit the agent's memory
constexpr std::size_t kLastErrorBytesMax = 1024;    // 255 characters (A5) of at most four bytes
constexpr std::size_t kEndpointBytesMax = 300;      // a host name has at most 253 (RFC 1035), and a port
constexpr std::size_t kWordBytesMax = 64;           // of a policy, a type
constexpr std::size_t kPasswordBytesMax = 80;       // TCP_MD5SIG_MAXKEYLEN in linux/tcp.h
// The contract has endpoints without a port. 51820 is what WireGuard's own documents use, so a writer who left it out
// meant it.
constexpr std::uint16_t kEndpointPort = 51820;

std::string_view view(const json::string& text) { return {text.data(), text.size()}; }

// RFC 9562 section 4, in lower case; empty when it is none.
SessionId read_uuid(const JsonReader& row) {
  const std::string text = lower_case(row.text("uuid", 36).value_or(""));
  if (is_uuid(text)) return SessionId(text);
  row.note("uuid", "a UUID");
  return {};
}

std::optional<Asn> read_asn(const JsonReader& row) {
  const std::optional<std::int64_t> asn = row.integer("asn", 1, kAsnMax);
  if (!asn) {
    row.note("asn", "a number from 1 to 4294967295");
    return std::nullopt;
  }
  return static_cast<Asn>(*asn);
}

// A number that is no status we know stays in the row, so that it can be named and left alone.
std::optional<std::int64_t> read_status(const JsonReader& row, Session& session) {
  const json::value* value = row.find("status");
  const std::optional<std::int64_t> number = value == nullptr ? std::nullopt : integer_in(*value);
  const std::optional<SessionStatus> known = number ? session_status_from_int(*number) : std::nullopt;
  if (known) {
    session.status = *known;
  } else {
    row.note("status", "a status from 0 to 8");
  }
  return number;
}

void read_type(const JsonReader& row, Session& session) {
  const std::string text = lower_case(trimmed(row.text("type", kWordBytesMax).value_or("")));
  if (text.empty()) return;  // older than the other types
  for (const TunnelType type : {TunnelType::wireguard, TunnelType::gre, TunnelType::ip6gre}) {
    if (text != name_of(type)) continue;
    session.type = type;
    return;
  }
  row.note("type", "one of wireguard, gre, ip6gre");
}

// A missing name is a fault, although writers derive it from the ASN: guessing the wrong spelling would make a second
// link.
void read_interface(const JsonReader& row, Session& session) {
  const json::value* value = row.find("interface");
  const json::string* text = value == nullptr ? nullptr : value->if_string();
  const std::string_view name = text == nullptr ? std::string_view() : view(*text);
  if (!is_interface_name(name)) {
    row.note("interface", "a link name (1 to 15 of A-Z a-z 0-9 _ . -)");
    return;
  }
  session.interface_name = name;
}

// 0 has been seen where the writer had no value; it means the default as an absent field does. Other numbers outside
// the range are faults: a tunnel of a wrong MTU loses packets where nobody looks.
void read_mtu(const JsonReader& row, Session& session) {
  const json::value* value = row.find("mtu");
  if (value == nullptr || integer_in(*value) == 0) return;
  if (const std::optional<std::int64_t> mtu = row.integer("mtu", kMtuMin, kMtuMax)) {
    session.mtu_bytes = static_cast<std::uint32_t>(*mtu);
  }
}

void read_ports(const JsonReader& row, const std::optional<Credential>& credential, Session& session) {
  if (gre_family(session.type)) return;  // there is nothing to listen on
  const char* key = row.find("port") != nullptr ? "port" : "localPort";
  if (const std::optional<std::int64_t> port = row.integer(key, 0, UINT16_MAX)) {
    session.listen_port = static_cast<std::uint16_t>(*port);
  } else if (credential && row.find(key) == nullptr) {
    session.listen_port = credential->listen_port.value_or(0);
  }
}

// The far end of a GRE tunnel, which has no ports: one that is written all the same says nothing. Without it the tunnel
// would take packets from anybody, and send them nowhere.
void read_far_end(const JsonReader& row, std::string_view text, Session& session) {
  const IpFamily family = *gre_family(session.type);
  const auto bare = IpAddress::parse(text);
  const Result<HostPort> endpoint = bare ? HostPort{bare->text(), 0} : HostPort::parse(text, 0);
  const auto address = endpoint ? endpoint->address() : std::nullopt;
  const bool is_host = !address || (address->family() == family && !address->is_unspecified() &&
                                    !address->is_multicast() && !address->is_link_local());
  if (endpoint && is_host) {
    session.endpoint = HostPort{endpoint->host, 0};
    return;
  }
  row.note("endpoint", fmt::format("the peer's {} address, or a name that has one: {} has to know where to send",
                                   family == IpFamily::v4 ? "IPv4" : "IPv6", name_of(session.type)));
}

// The copy in the credential counts when the row has no such field at all; null in the row means that the peer calls
// us.
void read_endpoint(const JsonReader& row, const std::optional<Credential>& credential, Session& session) {
  const std::optional<std::string> field = row.text("endpoint", kEndpointBytesMax);
  std::string_view text;
  if (field) {
    text = trimmed(*field);
  } else if (!row.has("endpoint") && credential && credential->endpoint &&
             credential->endpoint->size() <= kEndpointBytesMax) {
    text = *credential->endpoint;
  }
  if (gre_family(session.type)) return read_far_end(row, text, session);
  if (text.empty()) return;
  Result<HostPort> endpoint = HostPort::parse(text, kEndpointPort);
  if (!endpoint || endpoint->port == 0) {
    row.note("endpoint", "HOST:PORT");
    return;
  }
  session.endpoint = std::move(*endpoint);
}

std::optional<Credential> read_keys(const JsonReader& row, Session& session) {
  if (session.type != TunnelType::wireguard) return std::nullopt;  // these have no keys
  std::expected<Credential, std::string> credential = read_credential(row.find("credential"));
  if (!credential) {
    row.note_secret("credential", std::move(credential).error());
    return std::nullopt;
  }
  session.public_key = credential->public_key;
  session.preshared_key = credential->preshared_key;
  return std::move(*credential);
}

std::optional<IpAddress> read_address(const JsonReader& row, std::string_view key, IpFamily family) {
  std::optional<IpAddress> address = row.address(key, family);
  if (!address || !address->is_loopback()) return address;
  row.note(key, "an address that a peer can have");
  return std::nullopt;
}

void read_addresses(const JsonReader& row, Session& session) {
  session.ipv4 = read_address(row, "ipv4", IpFamily::v4);
  session.ipv6 = read_address(row, "ipv6", IpFamily::v6);
  session.ipv6_link_local = row.address("ipv6LinkLocal", IpFamily::v6);
  if (session.ipv6_link_local && !session.ipv6_link_local->is_link_local()) {
    row.note("ipv6LinkLocal", "a link-local IPv6 address (fe80::/10)");
    session.ipv6_link_local.reset();
  }
}

void read_policy(const JsonReader& row, Session& session) {
  constexpr std::array kPolicies{SessionPolicy::full, SessionPolicy::peer, SessionPolicy::upstream,
                                 SessionPolicy::downstream};
  const json::value* value = row.find("policy");
  if (value == nullptr) return;
  if (const std::optional<std::int64_t> number = integer_in(*value); number && *number >= 0 && *number <= 3) {
    session.policy = kPolicies[static_cast<std::size_t>(*number)];
    return;
  }
  const std::string text = value->is_string() ? lower_case(trimmed(view(value->get_string()))) : std::string("?");
  if (text.empty()) return;
  for (const SessionPolicy policy : kPolicies) {
    if (text != name_of(policy)) continue;
    session.policy = policy;
    return;
  }
  row.note("policy", "one of full, peer, upstream, downstream or 0 to 3");
}

// `data` is anybody's: only an object, or the text of one, with fields that we know is read.
void read_data(const JsonReader& row, std::vector<JsonFault>& faults, Session& session) {
  constexpr std::size_t kTextBytesMax = 4096;
  constexpr std::int64_t kBandwidthMax = 1'000'000;  // 1 Tbit/s; chosen
  const json::value* value = row.find("data");
  if (value == nullptr) return;
  json::value inner;
  const json::string* text = value->if_string();
  if (text != nullptr && text->size() <= kTextBytesMax && text->starts_with('{')) {
    Result<json::value> parsed = parse_json(view(*text));
    if (!parsed) return;
    inner = std::move(*parsed);
    value = &inner;
  }
  if (!value->is_object()) return;
  const JsonReader data(*value, faults, "data");
  const auto key = gre_family(session.type) ? data.integer("greKey", 0, UINT32_MAX) : std::nullopt;
  if (key) session.gre_key = static_cast<std::uint32_t>(*key);
  session.bgp_password = data.secret("password", kPasswordBytesMax);
  // 0 is no limit of anybody's: it would block every route.
  const std::optional<std::int64_t> limit = data.integer("importLimit", 0, UINT32_MAX);
  if (limit && *limit != 0) session.import_limit = static_cast<std::uint32_t>(*limit);
  const std::optional<std::int64_t> bandwidth = data.integer("bandwidthMbit", 0, kBandwidthMax);
  if (bandwidth && *bandwidth != 0) session.bandwidth_mbit = static_cast<std::uint32_t>(*bandwidth);
}

json::value text_or_null(const std::optional<IpAddress>& address) {
  if (!address) return nullptr;
  return json::value(address->text());
}

}  // namespace

SessionRow read_session(const json::value& value) {
  std::vector<JsonFault> faults;
  const JsonReader row(value, faults);
  SessionRow result{{}, std::nullopt, std::nullopt, {}, std::unexpected(Fault{"row", "not a JSON object"})};
  if (!value.is_object()) return result;
  Session session;
  result.uuid = read_uuid(row);
  result.asn = read_asn(row);
  result.status = read_status(row, session);
  result.last_error = row.free_text("lastError", kLastErrorBytesMax);
  session.uuid = result.uuid;
  session.asn = result.asn.value_or(0);
  session.name = row.free_text("name", kNameBytesMax);
  session.description = row.free_text("description", kDescriptionBytesMax);
  read_type(row, session);
  read_interface(row, session);
  const std::optional<Credential> credential = read_keys(row, session);
  read_mtu(row, session);
  read_ports(row, credential, session);
  read_endpoint(row, credential, session);
  read_addresses(row, session);
  read_extensions(row, session);
  read_policy(row, session);
  read_data(row, faults, session);
  if (faults.empty()) {
    result.session = std::move(session);
  } else {
    result.session = std::unexpected(Fault{faults.front().path, faults.front().reason()});
  }
  return result;
}

json::value write_session(const Session& session, std::string_view last_error) {
  json::array extensions;
  if (session.mp_bgp) extensions.emplace_back("mp_bgp");
  if (session.extended_next_hop) extensions.emplace_back("extended_nexthop");
  json::value data = nullptr;
  if (session.gre_key || session.bgp_password || session.import_limit || session.bandwidth_mbit) {
    json::object& fields = data.emplace_object();
    if (session.gre_key) fields["greKey"] = *session.gre_key;
    if (session.bgp_password) fields["password"] = session.bgp_password->reveal();
    if (session.import_limit) fields["importLimit"] = *session.import_limit;
    if (session.bandwidth_mbit) fields["bandwidthMbit"] = *session.bandwidth_mbit;
  }
  json::object row;
  row["uuid"] = session.uuid.view();
  row["asn"] = session.asn;
  row["name"] = session.name.view();
  row["description"] = session.description.view();
  row["status"] = static_cast<int>(session.status);
  row["ipv4"] = text_or_null(session.ipv4);
  row["ipv6"] = text_or_null(session.ipv6);
  row["ipv6LinkLocal"] = text_or_null(session.ipv6_link_local);
  row["type"] = name_of(session.type);
  row["extensions"] = std::move(extensions);
  row["interface"] = session.interface_name;
  row["endpoint"] = session.endpoint ? json::value(session.endpoint->text()) : json::value(nullptr);
  row["credential"] = write_credential(session);
  row["data"] = std::move(data);
  row["mtu"] = session.mtu_bytes;
  row["port"] = session.listen_port;
  row["policy"] = name_of(session.policy);
  row["lastError"] = last_error.empty() ? json::value(nullptr) : json::value(last_error);
  return row;
}

}  // namespace moenet::model
