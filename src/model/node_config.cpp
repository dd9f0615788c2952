#include "model/node_config.h"

#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include "model/json_reader.h"
#include "model/mesh.h"

namespace moenet::model {

namespace json = boost::json;

namespace {

constexpr std::size_t kWordBytesMax = 255;    // chosen: names, places
constexpr std::size_t kPathBytesMax = 4096;   // PATH_MAX in linux/limits.h
constexpr std::int64_t kPoolMax = 1024;       // chosen: above the descriptors a service gets by default
constexpr std::int64_t kSecondsMax = 86'400;  // chosen: a day

void read_count(const JsonReader& reader, std::string_view key, std::int64_t high, std::uint32_t& value) {
  if (const std::optional<std::int64_t> number = reader.integer(key, 1, high))
    value = static_cast<std::uint32_t>(*number);
}

template <class Duration>
void read_span(const JsonReader& reader, std::string_view key, std::int64_t low, std::int64_t high, Duration& value) {
  if (const std::optional<std::int64_t> number = reader.integer(key, low, high)) value = Duration(*number);
}

std::string read_path(const JsonReader& reader, std::string_view key) {
  return reader.text(key, kPathBytesMax).value_or("");
}

NodeConfig::Node read_node(const JsonReader& reader) {
  NodeConfig::Node node;
  node.name = reader.text("name", kWordBytesMax).value_or("");
  const std::optional<std::int64_t> id = reader.integer("id", 0, kLastNodeId);
  if (id && *id != 0) node.id = static_cast<std::uint32_t>(*id);
  node.region = reader.free_text("region", kWordBytesMax);
  node.location = reader.free_text("location", kWordBytesMax);
  node.provider = reader.free_text("provider", kWordBytesMax);
  return node;
}

NodeConfig::Bird read_bird(const JsonReader& reader) {
  NodeConfig::Bird bird;
  bird.control_socket = read_path(reader, "controlSocket");
  read_count(reader, "poolSize", kPoolMax, bird.pool_size);
  read_count(reader, "poolSizeMax", kPoolMax, bird.pool_size_max);
  bird.peer_folder = read_path(reader, "peerConfDir");
  bird.ebgp_template = read_path(reader, "ebgpConfTemplateFile");
  bird.ibgp_folder = read_path(reader, "ibgpConfDir");
  return bird;
}

NodeConfig::WireGuard read_wireguard(const JsonReader& reader) {
  constexpr std::int64_t kKeepaliveMax = 65'535;  // 16 bits in linux/wireguard.h
  NodeConfig::WireGuard wireguard;
  wireguard.private_key_path = read_path(reader, "privateKeyPath");
  wireguard.public_key_path = read_path(reader, "publicKeyPath");
  wireguard.folder = read_path(reader, "configDir");
  read_span(reader, "persistentKeepaliveInterval", 0, kKeepaliveMax, wireguard.keepalive);
  wireguard.dn42_ipv4 = reader.address("dn42Ipv4", IpFamily::v4);
  wireguard.dn42_ipv6 = reader.address("dn42Ipv6", IpFamily::v6);
  wireguard.dn42_ipv6_link_local = reader.address("dn42Ipv6LinkLocal", IpFamily::v6);
  if (wireguard.dn42_ipv6_link_local && !wireguard.dn42_ipv6_link_local->is_link_local()) {
    reader.note("dn42Ipv6LinkLocal", "a link-local IPv6 address (fe80::/10)");
  }
  return wireguard;
}

NodeConfig::Metric read_metric(const JsonReader& reader) {
  NodeConfig::Metric metric;
  read_span(reader, "pingTimeout", 1, kSecondsMax, metric.ping_timeout);
  read_count(reader, "pingCount", 1000, metric.ping_count);
  read_count(reader, "pingWorkers", kPoolMax, metric.ping_workers);
  return metric;
}

NodeConfig::AutoUpdate read_auto_update(const JsonReader& reader) {
  constexpr std::int64_t kMinutesMax = 60 * 24 * 365;  // chosen: a year is as good as never
  NodeConfig::AutoUpdate update;
  update.enabled = reader.boolean("enabled").value_or(false);
  read_span(reader, "checkInterval", 1, kMinutesMax, update.check_interval);
  update.channel = reader.text("channel", kWordBytesMax).value_or("");
  update.repository = reader.text("githubRepo", kWordBytesMax).value_or("");
  return update;
}

std::string text_of(const std::optional<IpAddress>& address) { return address ? address->text() : std::string(); }

}  // namespace

Result<NodeConfig> read_node_config(const json::value& data) {
  if (!data.is_object()) return fail(Errc::invalid, "node config: expected an object, got " + describe_json(data));
  std::vector<JsonFault> faults;
  const JsonReader reader(data, faults);
  NodeConfig config;
  config.node = read_node(reader.object("node"));
  config.bird = read_bird(reader.object("bird"));
  config.wireguard = read_wireguard(reader.object("wireguard"));
  config.metric = read_metric(reader.object("metric"));
  config.auto_update = read_auto_update(reader.object("autoUpdate"));
  if (faults.empty()) return config;
  return fail(Errc::invalid, "node config: " + texts_of(faults));
}

json::value write_node_config(const NodeConfig& config) {
  return {
      {"node",
       {{"name", config.node.name},
        {"id", config.node.id.value_or(0)},
        {"region", config.node.region},
        {"location", config.node.location},
        {"provider", config.node.provider}}},
      {"bird",
       {{"controlSocket", config.bird.control_socket},
        {"poolSize", config.bird.pool_size},
        {"poolSizeMax", config.bird.pool_size_max},
        {"peerConfDir", config.bird.peer_folder},
        {"ebgpConfTemplateFile", config.bird.ebgp_template},
        {"ibgpConfDir", config.bird.ibgp_folder}}},
      {"wireguard",
       {{"privateKeyPath", config.wireguard.private_key_path},
        {"publicKeyPath", config.wireguard.public_key_path},
        {"configDir", config.wireguard.folder},
        {"persistentKeepaliveInterval", config.wireguard.keepalive.count()},
        {"dn42Ipv4", text_of(config.wireguard.dn42_ipv4)},
        {"dn42Ipv6", text_of(config.wireguard.dn42_ipv6)},
        {"dn42Ipv6LinkLocal", text_of(config.wireguard.dn42_ipv6_link_local)}}},
      {"metric",
       {{"pingTimeout", config.metric.ping_timeout.count()},
        {"pingCount", config.metric.ping_count},
        {"pingWorkers", config.metric.ping_workers}}},
      {"autoUpdate",
       {{"enabled", config.auto_update.enabled},
        {"checkInterval", config.auto_update.check_interval.count()},
        {"channel", config.auto_update.channel},
        {"githubRepo", config.auto_update.repository}}},
  };
}

}  // namespace moenet::model
