#include "model/heartbeat.h"

#include <cstdint>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include "model/json_reader.h"

namespace moenet::model {

namespace json = boost::json;

namespace {

constexpr std::size_t kWordBytesMax = 255;
constexpr std::size_t kMostTools = 32;  // chosen: the agent has seven

std::uint64_t read_count(const JsonReader& reader, std::string_view key) {
  return static_cast<std::uint64_t>(reader.integer(key, 0, INT64_MAX).value_or(0));
}

std::optional<Key> read_key(const JsonReader& reader, std::string_view key) {
  const std::optional<std::string> text = reader.text(key, kWordBytesMax);
  if (!text || text->empty()) return std::nullopt;
  const Result<Key> result = Key::from_base64(*text);
  if (result) return *result;
  reader.note(key, "a WireGuard public key (44 characters of base64)");
  return std::nullopt;
}

// An object whose state is not "off", or plain `true`. Nothing else says anything, and nothing is a fault: who writes
// it is a later agent, or an earlier one.
std::optional<HeartbeatMaintenance> read_maintenance(const json::value* value) {
  if (value != nullptr && value->is_bool() && value->get_bool()) return HeartbeatMaintenance{"draining", {}};
  if (value == nullptr || !value->is_object()) return std::nullopt;
  std::vector<JsonFault> ignored;
  const JsonReader reader(*value, ignored);
  HeartbeatMaintenance maintenance;
  maintenance.state = reader.free_text("state", kWordBytesMax);
  maintenance.since = std::chrono::sys_seconds(std::chrono::seconds(read_count(reader, "since")));
  if (maintenance.state.empty() || maintenance.state == "off") return std::nullopt;
  return maintenance;
}

// Names in a list; nothing else says anything, and nothing is a fault, as above.
std::vector<std::string> read_tools(const json::value* value) {
  std::vector<std::string> tools;
  if (value == nullptr || !value->is_array()) return tools;
  for (const json::value& name : value->get_array()) {
    if (tools.size() == kMostTools) break;
    if (name.is_string() && name.get_string().size() <= kWordBytesMax) tools.emplace_back(name.get_string());
  }
  return tools;
}

}  // namespace

json::value write_json(const Heartbeat& heartbeat) {
  json::object status;
  status["version"] = heartbeat.agent_version;
  status["kernel"] = heartbeat.kernel;
  status["loadAvg"] = heartbeat.load_average;
  status["uptime"] = heartbeat.uptime.count();
  status["timestamp"] = heartbeat.time.time_since_epoch().count();
  status["tx"] = heartbeat.sent_bytes;
  status["rx"] = heartbeat.received_bytes;
  status["tcp"] = heartbeat.tcp_sockets;
  status["udp"] = heartbeat.udp_sockets;
  if (heartbeat.mesh_public_key) status["meshPublicKey"] = heartbeat.mesh_public_key->base64();
  if (heartbeat.public_ipv4) status["publicIpv4"] = heartbeat.public_ipv4->text();
  if (heartbeat.public_ipv6) status["publicIpv6"] = heartbeat.public_ipv6->text();
  if (const auto& maintenance = heartbeat.maintenance) {
    status["maintenance"] =
        json::object{{"state", maintenance->state}, {"since", maintenance->since.time_since_epoch().count()}};
  }
  if (!heartbeat.looking_glass.empty())
    status["lookingGlass"] = json::array(heartbeat.looking_glass.begin(), heartbeat.looking_glass.end());
  json::object body;
  body["node_id"] = heartbeat.node;
  body["agent_version"] = heartbeat.agent_version;
  body["status"] = std::move(status);
  return body;
}

Result<Heartbeat> read_heartbeat(const json::value& body) {
  std::vector<JsonFault> faults;
  const JsonReader reader(body, faults);
  Heartbeat heartbeat;
  heartbeat.node = reader.text("node_id", kWordBytesMax).value_or("");
  if (heartbeat.node.empty()) return fail(Errc::invalid, "Missing node_id");  // the deployed control plane's words
  const JsonReader status = reader.object("status");
  heartbeat.agent_version = reader.free_text("agent_version", kWordBytesMax);
  if (heartbeat.agent_version.empty()) heartbeat.agent_version = status.free_text("version", kWordBytesMax);
  heartbeat.kernel = status.free_text("kernel", kWordBytesMax);
  heartbeat.load_average = status.free_text("loadAvg", kWordBytesMax);
  heartbeat.uptime = std::chrono::seconds(read_count(status, "uptime"));
  heartbeat.time = std::chrono::sys_seconds(std::chrono::seconds(read_count(status, "timestamp")));
  heartbeat.sent_bytes = read_count(status, "tx");
  heartbeat.received_bytes = read_count(status, "rx");
  heartbeat.tcp_sockets = read_count(status, "tcp");
  heartbeat.udp_sockets = read_count(status, "udp");
  heartbeat.mesh_public_key = read_key(status, "meshPublicKey");
  heartbeat.public_ipv4 = status.address("publicIpv4", IpFamily::v4);
  heartbeat.public_ipv6 = status.address("publicIpv6", IpFamily::v6);
  heartbeat.maintenance = read_maintenance(status.find("maintenance"));
  heartbeat.looking_glass = read_tools(status.find("lookingGlass"));
  if (faults.empty()) return heartbeat;
  std::string what = "heartbeat";
  for (const JsonFault& fault : faults) what += (&fault == &faults.front() ? ": " : "; ") + fault.text();
  return fail(Errc::invalid, std::move(what));
}

}  // namespace moenet::model
