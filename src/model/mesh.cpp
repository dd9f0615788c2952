#include "model/mesh.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include <boost/json/value.hpp>

#include "model/json_reader.h"
#include "model/mesh_member.h"
#include "model/text.h"

namespace moenet::model {

namespace json = boost::json;

namespace {

constexpr std::int64_t kMtuMin = 1280;           // IPv6 needs it (RFC 8200 section 5)
constexpr std::int64_t kMtuMax = 9000;           // wire contract A3
constexpr std::size_t kEndpointBytesMax = 300;   // a host name has at most 253 (RFC 1035), and a port
constexpr std::uint32_t kMeshPortBase = 51'820;  // wire contract A9: a node listens at this + the other's id

Fault first_of(const std::vector<JsonFault>& faults) { return {faults.front().path, faults.front().reason()}; }

MeshMember read_self(const JsonReader& answer) {
  if (answer.has("self")) return read_member(answer.object("self"));
  MeshMember self;
  self.node_id = read_node_id(answer, "localNodeId");
  self.loopback_ipv4 = read_loopback(answer, "localLoopback4", IpFamily::v4);
  self.loopback_ipv6 = read_loopback(answer, "localLoopback6", IpFamily::v6);
  return self;
}

// The key under the first of `names` that says anything; absent when blank or zero, which is "no key" for WireGuard.
std::optional<Key> read_key(const JsonReader& row, std::initializer_list<std::string_view> names,
                            std::string_view expected) {
  for (const std::string_view name : names) {
    const json::value* value = row.find(name);
    if (value == nullptr) continue;
    const json::string* text = value->if_string();
    const std::string_view word = text == nullptr ? "?" : trimmed({text->data(), text->size()});
    if (word.empty()) continue;
    const Result<Key> key = Key::from_base64(word);
    if (!key) {
      row.note_secret(name, std::string(expected));
      return std::nullopt;
    }
    if (!key->is_zero()) return *key;
  }
  return std::nullopt;
}

// An endpoint without a port is meant at the port that the far end keeps for us.
std::optional<HostPort> read_endpoint(const JsonReader& row, NodeId own_id) {
  const std::optional<std::string> field = row.text("endpoint", kEndpointBytesMax);
  const std::string_view text = field ? trimmed(*field) : std::string_view();
  if (text.empty()) return std::nullopt;
  Result<HostPort> endpoint = HostPort::parse(text, static_cast<std::uint16_t>(kMeshPortBase + own_id));
  if (endpoint && endpoint->port != 0) return std::move(*endpoint);
  row.note("endpoint", "HOST:PORT");
  return std::nullopt;
}

// 0 means the default, as in a session.
std::uint32_t read_mtu(const JsonReader& row) {
  const std::uint32_t unsaid = MeshPeer{}.mtu_bytes;
  const json::value* value = row.find("mtu");
  if (value == nullptr || integer_in(*value) == 0) return unsaid;
  return static_cast<std::uint32_t>(row.integer("mtu", kMtuMin, kMtuMax).value_or(unsaid));
}

MeshRow read_row(const json::value& value, const MeshMember& self) {
  if (!value.is_object()) return {0, std::unexpected(Fault{"row", "not a JSON object"})};
  std::vector<JsonFault> faults;
  const JsonReader row(value, faults);
  MeshMember member = read_member(row);
  MeshPeer peer{member.node_id,
                std::move(member.name),
                member.region_code,
                member.loopback_ipv4,
                member.loopback_ipv6,
                read_key(row, {"publicKey", "public_key"}, "a WireGuard public key (44 characters of base64)"),
                read_key(row, {"presharedKey", "preshared_key", "psk"}, "a preshared key (44 characters of base64)"),
                read_endpoint(row, self.node_id),
                read_mtu(row),
                member.is_rr};
  MeshRow result{member.node_id, std::move(peer)};
  if (!faults.empty()) result.peer = std::unexpected(first_of(faults));
  return result;
}

// Which of a peer's loopbacks is one of `other`'s, with its wire name; empty when none.
std::pair<std::string_view, std::string> shared_loopback(const MeshPeer& peer, const auto& other) {
  if (peer.loopback_ipv4 && peer.loopback_ipv4 == other.loopback_ipv4) {
    return {"loopbackIpv4", peer.loopback_ipv4->text()};
  }
  if (peer.loopback_ipv6 && peer.loopback_ipv6 == other.loopback_ipv6) {
    return {"loopbackIpv6", peer.loopback_ipv6->text()};
  }
  return {};
}

// What makes a sound row impossible beside this node and the rows before it.
std::optional<Fault> clash(const MeshRow& row, const MeshMember& self, const std::vector<MeshRow>& earlier) {
  if (row.node_id == self.node_id) return Fault{"nodeId", std::to_string(row.node_id) + " is our own"};
  if (row.node_id != 0 && !earlier.empty() && earlier.back().node_id == row.node_id) {
    return Fault{"nodeId", std::to_string(row.node_id) + " is listed more than once: the first row counts"};
  }
  if (!row.peer) return std::nullopt;
  if (const auto [field, address] = shared_loopback(*row.peer, self); !field.empty()) {
    return Fault{std::string(field), address + " is our own"};
  }
  for (const MeshRow& other : earlier) {
    if (!other.peer) continue;
    const auto [field, address] = shared_loopback(*row.peer, *other.peer);
    if (field.empty()) continue;
    return Fault{std::string(field), address + " is node " + std::to_string(other.node_id) + "'s too"};
  }
  return std::nullopt;
}

}  // namespace

Result<Mesh> read_mesh(const json::value& data) {
  if (!data.is_object()) return fail(Errc::invalid, "mesh: expected an object, got " + describe_json(data));
  std::vector<JsonFault> faults;
  const JsonReader answer(data, faults);
  Mesh mesh;
  mesh.self = read_self(answer);
  const json::value* list = answer.find("peers");
  const json::array* rows = list == nullptr ? nullptr : list->if_array();
  if (rows == nullptr) answer.note("peers", "a list");
  if (rows == nullptr || !faults.empty()) return fail(Errc::invalid, "mesh: " + texts_of(faults));

  std::vector<MeshRow> read;
  for (const json::value& row : *rows) read.push_back(read_row(row, mesh.self));
  std::stable_sort(read.begin(), read.end(), [](const auto& a, const auto& b) { return a.node_id < b.node_id; });
  mesh.all_identified = read.empty() || read.front().node_id != 0;
  for (MeshRow& row : read) {
    if (std::optional<Fault> fault = clash(row, mesh.self, mesh.peers)) row.peer = std::unexpected(std::move(*fault));
    mesh.peers.push_back(std::move(row));
  }
  return mesh;
}

}  // namespace moenet::model
