#include "agent/config.h"

#include <algorithm>
#include <array>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/config_source.h"
#include "base/file.h"
#include "http/target.h"
#include "model/config_reader.h"
#include "model/mesh.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;
using model::JsonFault;
using model::JsonReader;
using model::listen_endpoint;
using model::read_path;

constexpr std::size_t kTokenLimit = 4096;
constexpr std::size_t kPathLimit = 1024;
constexpr std::size_t kNameLimit = 128;
constexpr std::uint16_t kDefaultPort = 24368;
constexpr std::int64_t kHour = 3600;
constexpr std::size_t kMostTargets = 64;  // chosen: more than anybody lists by hand
constexpr std::size_t kMostRoaUrls = 4;   // chosen: DN42 has three generators of them
constexpr std::size_t kMostFolders = 16;  // of controlPlane.pathsBelow, chosen

// The systemd credential that holds the control plane's token (systemd.exec(5), LoadCredential=).
constexpr std::string_view kTokenCredential = "control-plane-token";

constexpr std::array<std::pair<std::string_view, LoopbackKind>, 6> kLoopbackKinds{{{"auto", LoopbackKind::automatic},
                                                                                   {"dummy", LoopbackKind::dummy},
                                                                                   {"ifb", LoopbackKind::ifb},
                                                                                   {"bridge", LoopbackKind::bridge},
                                                                                   {"lo", LoopbackKind::lo},
                                                                                   {"none", LoopbackKind::none}}};

constexpr std::array<std::pair<std::string_view, MtuProbe>, 3> kMtuProbes{
    {{"off", MtuProbe::off}, {"advise", MtuProbe::advise}, {"apply", MtuProbe::apply}}};

// A URL path segment, a log field and a file name: kept to what is harmless in all three.
bool is_node_name(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= 64 && name.front() != '.' &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool is_bird_symbol(std::string_view name) {  // conf/cf-lex.l: [a-zA-Z_][a-zA-Z0-9_]*, at most 64 bytes
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
  return !name.empty() && name.size() <= 64 && kLetters.find(name.front()) != std::string_view::npos &&
         name.find_first_not_of(kAllowed) == std::string_view::npos;
}

class ConfigReading {
 public:
  ConfigReading(const json::value& root, Environment environment, const TokenSearch& tokens)
      : root_(root, loaded_.faults), environment_(environment), tokens_(tokens) {}

  struct Outcome {
    AgentConfig config;
    std::vector<std::string> warnings;
    std::vector<JsonFault> faults;
  };

  Outcome read(bool is_bootstrap, bool has_fetched) {
    warn_unknown(
        root_, {"bootstrap", "server", "node", "controlPlane", "bird", "wireguard", "metric", "autoUpdate", "stateDir",
                "api", "mesh", "loopback", "firewall", "kernel", "health", "mtu", "lookingGlass", "sandbox"});
    read_node();
    read_control_plane();
    read_bird();
    read_wireguard();
    read_backbone();
    read_api();
    read_kernel();
    read_metric();
    read_health();
    read_mtu();
    read_looking_glass();
    read_sandbox();
    read_path(root_, "stateDir", loaded_.config.state_folder);
    loaded_.config.is_complete = !is_bootstrap || has_fetched;
    return std::move(loaded_);
  }

 private:
  void warn_unknown(const JsonReader& reader, std::initializer_list<std::string_view> known) {
    model::warn_of_unknown_keys(reader, known, loaded_.warnings);
  }

  static void seconds(const JsonReader& reader, std::string_view key, std::int64_t low, std::int64_t high,
                      std::chrono::seconds& target) {
    if (const auto value = reader.integer(key, low, high)) target = std::chrono::seconds(*value);
  }

  static void symbol(const JsonReader& reader, std::string_view key, std::string& target) {
    auto text = reader.text(key, kNameLimit);
    if (!text) return;
    if (is_bird_symbol(*text)) {
      target = *text;
    } else {
      reader.note(key, "a BIRD name: letters, digits and _, at most 64");
    }
  }

  void read_node() {
    const JsonReader node = root_.object("node");
    warn_unknown(node, {"name", "id", "region", "location", "provider"});
    auto name = node.text("name", kNameLimit);
    if (!name || !is_node_name(*name)) {
      node.note("name", "the node's name at the control plane: 1 to 64 of letters, digits, . _ -");
    } else {
      loaded_.config.node.name = *name;
    }
    node.integer("id", 0, model::kLastNodeId);
  }

  void read_control_plane() {
    const JsonReader section = root_.object("controlPlane");
    warn_unknown(section, {"url", "token", "tokenFile", "requestTimeout", "heartbeatInterval", "syncInterval",
                           "metricInterval", "maxRetries", "retryInitialDelay", "pathsBelow"});
    ControlPlaneSettings& target = loaded_.config.control_plane;
    auto url = section.text("url", kPathLimit);
    if (!url || !http::is_server_url(*url)) {
      section.note("url", "the control plane's URL, http:// or https://, without user, query and fragment");
    } else {
      while (url->ends_with('/')) url->pop_back();
      target.url = *url;
    }
    seconds(section, "requestTimeout", 1, 600, target.request_timeout);
    seconds(section, "heartbeatInterval", 1, kHour, target.heartbeat_interval);
    seconds(section, "syncInterval", 1, kHour, target.sync_interval);
    seconds(section, "metricInterval", 1, kHour, target.metric_interval);
    if (const auto value = section.integer("maxRetries", 0, 20)) target.max_retries = static_cast<unsigned>(*value);
    if (const auto value = section.integer("retryInitialDelay", 1, 30'000))
      target.retry_initial_delay = std::chrono::milliseconds(*value);
    for (const auto& folder : section.texts("pathsBelow", kMostFolders, kPathLimit)) {  // read by config_source
      if (!folder.starts_with('/')) section.note("pathsBelow", "absolute paths of folders");
    }
    target.token = token_of(section, credential_path());
    if (target.token.empty() && !has_token_fault_ && !tokens_.is_optional) {
      section.note_secret(
          "token",
          "a token, here, in the file tokenFile, in MOENET_CP_TOKEN, or as the systemd credential control-plane-token");
    }
  }

  std::string credential_path() const {
    const char* folder = environment_("CREDENTIALS_DIRECTORY");
    std::string path = folder == nullptr ? tokens_.credential_file : fmt::format("{}/{}", folder, kTokenCredential);
    return ::access(path.c_str(), F_OK) == 0 ? path : "";
  }

  // `token`, else the content of `tokenFile`, else of `fallback_file` unless that is empty.
  Secret token_of(const JsonReader& section, const std::string& fallback_file) {
    if (auto token = section.secret("token", kTokenLimit)) return *token;
    std::string file;
    read_path(section, "tokenFile", file);
    if (file.empty()) file = fallback_file;
    if (file.empty()) return {};
    auto text = read_file(file, kTokenLimit);
    if (!text && tokens_.is_optional) return {};
    if (!text) {
      has_token_fault_ = true;
      section.note("tokenFile", fmt::format("a readable file ({})", text.error().what));
      return {};
    }
    struct stat status{};
    if (::stat(file.c_str(), &status) == 0 && (status.st_mode & 007) != 0) {
      loaded_.warnings.push_back(fmt::format("token file {} may be read by anyone: chmod 600 {}", file, file));
    }
    std::string_view trimmed = *text;
    while (!trimmed.empty() && (trimmed.back() == '\n' || trimmed.back() == '\r' || trimmed.back() == ' '))
      trimmed.remove_suffix(1);
    Secret token(trimmed);
    wipe(text->data(), text->size());
    return token;
  }

  void read_bird() {
    const JsonReader section = root_.object("bird");
    warn_unknown(section,
                 {"controlSocket", "poolSize",     "poolSizeMax",  "peerConfDir",        "ebgpConfTemplateFile",
                  "ibgpConfDir",   "ownership",    "configFile",   "localAsn",           "ownPrefixes",
                  "peerTemplate",  "importFilter", "exportFilter", "importTheirsFilter", "exportOwnFilter",
                  "country",       "localAddress", "ibgpBfd",      "topology",           "roaUrls",
                  "roaInterval"});
    BirdSettings& target = loaded_.config.bird;
    read_path(section, "controlSocket", target.control_socket);
    read_path(section, "peerConfDir", target.peer_folder);
    read_path(section, "configFile", target.config_file);
    if (const auto value = section.integer("poolSize", 1, 1024)) target.pool.kept = static_cast<std::size_t>(*value);
    if (const auto value = section.integer("poolSizeMax", 1, 1024)) target.pool.most = static_cast<std::size_t>(*value);
    if (target.pool.kept > target.pool.most) section.note("poolSize", "a number not above poolSizeMax");
    symbol(section, "peerTemplate", target.names.peer_template);
    symbol(section, "importFilter", target.names.import_filter);
    symbol(section, "exportFilter", target.names.export_filter);
    symbol(section, "importTheirsFilter", target.names.import_theirs);
    symbol(section, "exportOwnFilter", target.names.export_own);
    if (const auto ownership = section.text("ownership", kNameLimit)) {
      if (*ownership == "full") {
        target.ownership = BirdOwnership::full;
      } else if (*ownership != "peers") {
        section.note("ownership", "\"peers\" or \"full\"");
      }
    }
    if (const auto asn = section.integer("localAsn", 1, 4294967295)) target.local_asn = static_cast<model::Asn>(*asn);
    if (const auto country = section.integer("country", 1, 999)) target.country = static_cast<std::uint32_t>(*country);
    if (const auto said = section.boolean("localAddress")) target.says_source = *said;
    if (const auto bfd = section.boolean("ibgpBfd")) target.has_ibgp_bfd = *bfd;
    if (const auto topology = section.boolean("topology")) target.tells_topology = *topology;
    for (const auto& text : section.texts("ownPrefixes", 64, kNameLimit)) {
      if (auto prefix = IpPrefix::parse(text)) {
        target.own_prefixes.push_back(*prefix);
      } else {
        section.note("ownPrefixes", "prefixes like 172.22.188.0/26");
      }
    }
    read_roa_files(section, target);
  }

  void read_roa_files(const JsonReader& section, BirdSettings& target) {
    seconds(section, "roaInterval", 300, 24 * kHour, target.roa_interval);
    for (auto& url : section.texts("roaUrls", kMostRoaUrls, kPathLimit)) {
      if (!http::is_server_url(url) || std::ranges::find(target.roa_urls, url) != target.roa_urls.end()) {
        section.note("roaUrls", "URLs, http:// or https://, without user, query and fragment, each once");
      } else {
        target.roa_urls.push_back(std::move(url));
      }
    }
    if (!target.roa_urls.empty() && target.ownership != BirdOwnership::full)
      loaded_.warnings.emplace_back("bird.roaUrls says nothing without bird.ownership \"full\"");
  }

  void read_wireguard() {
    const JsonReader section = root_.object("wireguard");
    warn_unknown(section, {"privateKeyPath", "publicKeyPath", "configDir", "persistentKeepaliveInterval", "dn42Ipv4",
                           "dn42Ipv6", "dn42Ipv6LinkLocal", "backend", "userspaceProgram"});
    WireGuardSettings& target = loaded_.config.wireguard;
    read_path(section, "privateKeyPath", target.private_key_path);
    read_path(section, "publicKeyPath", target.public_key_path);
    seconds(section, "persistentKeepaliveInterval", 0, 65535, target.keepalive);
    if (const auto backend = section.text("backend", kNameLimit)) {
      if (*backend == "kernel") {
        target.backend = WireGuardBackend::kernel;
      } else if (*backend == "userspace") {
        target.backend = WireGuardBackend::userspace;
      } else if (*backend != "auto") {
        section.note("backend", "\"auto\", \"kernel\" or \"userspace\"");
      }
    }
    if (auto program = section.text("userspaceProgram", kPathLimit)) target.userspace_program = *program;
    model::NodeIdentity& node = loaded_.config.node;
    node.ipv4 = section.address("dn42Ipv4", IpFamily::v4);
    node.ipv6 = section.address("dn42Ipv6", IpFamily::v6);
    node.ipv6_link_local = section.address("dn42Ipv6LinkLocal", IpFamily::v6);
    if (node.ipv6_link_local && !node.ipv6_link_local->is_link_local())
      section.note("dn42Ipv6LinkLocal", "an address in fe80::/10");
  }

  // With a BIRD of its own the agent also sees to the addresses that its routes point at; else the operator does.
  void read_backbone() {
    const JsonReader mesh = root_.object("mesh");
    warn_unknown(mesh, {"enabled"});
    if (const auto enabled = mesh.boolean("enabled")) loaded_.config.mesh.enabled = *enabled;
    const JsonReader firewall = root_.object("firewall");
    warn_unknown(firewall, {"mode"});
    if (const auto mode = firewall.text("mode", kNameLimit)) {
      if (*mode == "nftables") {
        loaded_.config.firewall = FirewallMode::nftables;
      } else if (*mode != "none") {
        firewall.note("mode", "\"none\" or \"nftables\"");
      }
    }
    const JsonReader section = root_.object("loopback");
    warn_unknown(section, {"kind", "name"});
    LoopbackSettings& target = loaded_.config.loopback;
    if (loaded_.config.bird.ownership == BirdOwnership::full) target.kind = LoopbackKind::automatic;
    if (const auto kind = section.text("kind", kNameLimit)) {
      const auto known = std::ranges::find(kLoopbackKinds, *kind, &std::pair<std::string_view, LoopbackKind>::first);
      if (known == std::end(kLoopbackKinds)) {
        section.note("kind", "\"auto\", \"dummy\", \"ifb\", \"bridge\", \"lo\" or \"none\"");
      } else {
        target.kind = known->second;
      }
    }
    if (const auto name = section.text("name", kNameLimit)) {
      if (model::is_interface_name(*name)) {
        target.name = *name;
      } else {
        section.note("name", "an interface name: 1 to 15 of letters, digits, . _ -");
      }
    }
    if (target.kind == LoopbackKind::lo) target.name = "lo";
  }

  void read_api() {
    const JsonReader server = root_.object("server");
    warn_unknown(server, {"listen", "readTimeout", "writeTimeout", "idleTimeout"});
    ApiSettings& target = loaded_.config.api;
    target.listen = Endpoint{IpAddress::v4({127, 0, 0, 1}), kDefaultPort};
    seconds(server, "idleTimeout", 1, kHour, target.idle_timeout);
    if (const auto listen = server.text("listen", kNameLimit)) {
      if (const auto endpoint = listen_endpoint(*listen)) {
        target.listen = *endpoint;
      } else {
        server.note("listen", "ADDRESS:PORT, [V6ADDRESS]:PORT, or :PORT for all addresses");
      }
    }
    const JsonReader api = root_.object("api");
    warn_unknown(api, {"token", "tokenFile"});
    target.token = token_of(api, "");
    if (target.token.empty()) target.token = loaded_.config.control_plane.token;
  }

  void read_mtu() {
    const JsonReader mtu = root_.object("mtu");
    warn_unknown(mtu, {"probe", "interval"});
    MtuSettings& target = loaded_.config.mtu;
    seconds(mtu, "interval", 1, 24 * kHour, target.interval);
    const auto probe = mtu.text("probe", kNameLimit);
    if (!probe) return;
    const auto kind = std::ranges::find(kMtuProbes, *probe, &decltype(kMtuProbes)::value_type::first);
    if (kind == kMtuProbes.end()) {
      mtu.note("probe", "\"off\", \"advise\" or \"apply\"");
    } else {
      target.probe = kind->second;
    }
  }

  void read_looking_glass() {
    const JsonReader section = root_.object("lookingGlass");
    warn_unknown(section, {"enabled", "tools", "targets"});
    LookingGlassSettings& target = loaded_.config.looking_glass;
    target.enabled = section.boolean("enabled").value_or(true);
    if (section.has("tools")) {
      target.tools.clear();
      for (const auto& name : section.texts("tools", std::size(kTools), kNameLimit)) {
        const auto tool = tool_from(name);
        if (tool && std::ranges::find(target.tools, *tool) == target.tools.end()) {
          target.tools.push_back(*tool);
        } else {
          section.note("tools", "names of tools, each once: ping, tcping, trace, route, path, dig, mtu");
        }
      }
    }
    if (!section.has("targets")) return;
    target.targets.clear();
    for (const auto& text : section.texts("targets", kMostTargets, kNameLimit)) {
      const auto prefix = IpPrefix::parse(text);
      if (prefix && !prefix->has_host_bits()) {
        target.targets.push_back(*prefix);
      } else {
        section.note("targets", "networks like 172.20.0.0/14, without bits behind their length");
      }
    }
  }

  void read_sandbox() {
    const JsonReader section = root_.object("sandbox");
    warn_unknown(section, {"seccomp"});
    section.boolean("seccomp");  // wants_system_call_filter()
  }

  void read_kernel() {
    const JsonReader section = root_.object("kernel");
    warn_unknown(section, {"manageSettings", "acceptLocal"});
    KernelSettings& target = loaded_.config.kernel;
    target.manage_settings = section.boolean("manageSettings").value_or(false);
    target.accept_local = section.boolean("acceptLocal").value_or(false);
  }

  void read_metric() {
    const JsonReader section = root_.object("metric");
    warn_unknown(section, {"pingTimeout", "pingCount", "pingWorkers", "rttInterval"});
    MetricSettings& target = loaded_.config.metric;
    seconds(section, "pingTimeout", 1, 60, target.ping_timeout);
    seconds(section, "rttInterval", 1, kHour, target.rtt_interval);
    if (const auto count = section.integer("pingCount", 1, 100)) target.ping_count = static_cast<unsigned>(*count);
  }

  void read_health() {
    const JsonReader section = root_.object("health");
    warn_unknown(section, {"problemAfter", "okAfter", "limitRetry"});
    seconds(section, "problemAfter", 1, kHour, loaded_.config.health.problem_after);
    seconds(section, "okAfter", 0, kHour, loaded_.config.health.ok_after);
    seconds(section, "limitRetry", 1, kHour, loaded_.config.health.limit_retry);
  }

  Outcome loaded_;
  JsonReader root_;
  Environment environment_;
  const TokenSearch& tokens_;
  bool has_token_fault_ = false;
};

}  // namespace

std::expected<LoadedConfig, std::vector<JsonFault>> understand_config(const ConfigSource& source,
                                                                      const json::value& fetched,
                                                                      Environment environment,
                                                                      const TokenSearch& tokens) {
  const MergedConfig merged = merge_config(source, fetched, environment);
  auto outcome = ConfigReading(merged.root, environment, tokens).read(merged.is_bootstrap, fetched.is_object());
  outcome.faults.insert(outcome.faults.end(), merged.faults.begin(), merged.faults.end());
  if (!outcome.faults.empty()) return std::unexpected(std::move(outcome.faults));
  return LoadedConfig{std::move(outcome.config), std::move(outcome.warnings)};
}

}  // namespace moenet::agent
