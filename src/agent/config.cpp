#include "agent/config.h"

#include <algorithm>
#include <array>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/file.h"
#include "http/target.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;
using model::JsonFault;
using model::JsonReader;

constexpr std::size_t kFileLimit = 1u << 20;
constexpr std::size_t kTokenLimit = 4096;
constexpr std::size_t kPathLimit = 1024;
constexpr std::size_t kNameLimit = 128;
constexpr std::uint16_t kDefaultPort = 24368;
constexpr std::int64_t kHour = 3600;
constexpr std::size_t kMostRoaUrls = 4;  // chosen: DN42 has three generators of them

// The systemd credential that holds the control plane's token (systemd.exec(5), LoadCredential=).
constexpr std::string_view kTokenCredential = "control-plane-token";

constexpr std::array<std::pair<std::string_view, LoopbackKind>, 6> kLoopbackKinds{{{"auto", LoopbackKind::automatic},
                                                                                   {"dummy", LoopbackKind::dummy},
                                                                                   {"ifb", LoopbackKind::ifb},
                                                                                   {"bridge", LoopbackKind::bridge},
                                                                                   {"lo", LoopbackKind::lo},
                                                                                   {"none", LoopbackKind::none}}};

// All that the control plane may set (wire contract A4). Whatever else its answer holds is ignored: what is run,
// listened on, trusted or overwritten is for the node's own file to say.
constexpr std::array<std::pair<std::string_view, std::string_view>, 25> kFetchedMembers{{
    {"node", "name"},
    {"node", "id"},
    {"node", "region"},
    {"node", "location"},
    {"node", "provider"},
    {"bird", "controlSocket"},
    {"bird", "poolSize"},
    {"bird", "poolSizeMax"},
    {"bird", "peerConfDir"},
    {"bird", "ebgpConfTemplateFile"},
    {"bird", "ibgpConfDir"},
    {"wireguard", "privateKeyPath"},
    {"wireguard", "publicKeyPath"},
    {"wireguard", "configDir"},
    {"wireguard", "persistentKeepaliveInterval"},
    {"wireguard", "dn42Ipv4"},
    {"wireguard", "dn42Ipv6"},
    {"wireguard", "dn42Ipv6LinkLocal"},
    {"metric", "pingTimeout"},
    {"metric", "pingCount"},
    {"metric", "pingWorkers"},
    {"autoUpdate", "enabled"},
    {"autoUpdate", "checkInterval"},
    {"autoUpdate", "channel"},
    {"autoUpdate", "githubRepo"},
}};

// "", and 0 as the node's id, stand for "not allocated" (A4).
bool says_nothing(std::string_view key, const json::value& value) {
  return value.is_null() || (value.is_string() && value.get_string().empty()) ||
         (key == "id" && model::integer_in(value) == 0);
}

json::object& object_at(json::object& parent, std::string_view key) {
  json::value& value = parent[key];
  if (!value.is_object()) value = json::object{};
  return value.get_object();
}

// `over` wins, member by member.
void merge_beneath(json::object& over, json::object under) {
  for (auto& [group, members] : under) {
    json::object* existing = over.emplace(group, json::object{}).first->value().if_object();
    if (existing == nullptr) continue;
    for (auto& [key, value] : members.get_object()) existing->emplace(key, std::move(value));
  }
}

// {"bootstrap":{"controlPlaneUrl" or "apiUrl","nodeName","token"}} in the words of the full form.
bool expand_bootstrap(json::object& root) {
  const json::value* section = root.if_contains("bootstrap");
  if (section == nullptr || !section->is_object()) return false;
  const json::object bootstrap = section->get_object();
  const auto move_to = [&](std::string_view from, std::string_view group, std::string_view to) {
    if (const auto* value = bootstrap.if_contains(from)) object_at(root, group).emplace(to, *value);
  };
  move_to("controlPlaneUrl", "controlPlane", "url");
  move_to("apiUrl", "controlPlane", "url");
  move_to("token", "controlPlane", "token");
  move_to("tokenFile", "controlPlane", "tokenFile");
  move_to("nodeName", "node", "name");
  root.erase("bootstrap");
  return true;
}

void apply_environment(json::object& root, Environment environment) {
  const auto set = [&](const char* variable, std::string_view group, std::string_view key) {
    const char* value = environment(variable);
    if (value != nullptr && *value != '\0') object_at(root, group)[key] = value;
  };
  set("MOENET_NODE_NAME", "node", "name");
  set("MOENET_NODE_ID", "node", "id");
  set("MOENET_CP_URL", "controlPlane", "url");
  set("MOENET_CP_TOKEN", "controlPlane", "token");
}

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
    warn_unknown(root_, {"bootstrap", "server", "node", "controlPlane", "bird", "wireguard", "metric", "autoUpdate",
                         "stateDir", "api", "mesh", "loopback", "firewall", "kernel"});
    read_node();
    read_control_plane();
    read_bird();
    read_wireguard();
    read_backbone();
    read_api();
    read_kernel();
    path(root_, "stateDir", loaded_.config.state_folder);
    loaded_.config.is_complete = !is_bootstrap || has_fetched;
    return std::move(loaded_);
  }

 private:
  void warn_unknown(const JsonReader& reader, std::initializer_list<std::string_view> known) {
    for (const auto& key : reader.unknown_keys(known))
      loaded_.warnings.push_back(fmt::format("unknown key {} is ignored", key));
  }

  static void path(const JsonReader& reader, std::string_view key, std::string& target) {
    auto text = reader.text(key, kPathLimit);
    if (!text) return;
    if (!text->starts_with('/') || text->find_first_of(std::string_view("\0\n\"", 3)) != std::string::npos) {
      reader.note(key, "an absolute path without quotes or line breaks");
    } else {
      target = *text;
    }
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
    node.integer("id", 0, 62);
  }

  void read_control_plane() {
    const JsonReader section = root_.object("controlPlane");
    warn_unknown(section, {"url", "token", "tokenFile", "requestTimeout", "heartbeatInterval", "syncInterval",
                           "metricInterval", "maxRetries", "retryInitialDelay"});
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
    section.integer("metricInterval", 1, kHour);
    if (const auto value = section.integer("maxRetries", 0, 20)) target.max_retries = static_cast<unsigned>(*value);
    if (const auto value = section.integer("retryInitialDelay", 1, 30'000))
      target.retry_initial_delay = std::chrono::milliseconds(*value);
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
    path(section, "tokenFile", file);
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
                 {"controlSocket", "poolSize", "poolSizeMax", "peerConfDir", "ebgpConfTemplateFile", "ibgpConfDir",
                  "ownership", "configFile", "localAsn", "ownPrefixes", "peerTemplate", "importFilter", "exportFilter",
                  "importTheirsFilter", "exportOwnFilter", "country", "ibgpBfd", "roaUrls", "roaInterval"});
    BirdSettings& target = loaded_.config.bird;
    path(section, "controlSocket", target.control_socket);
    path(section, "peerConfDir", target.peer_folder);
    path(section, "configFile", target.config_file);
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
    if (const auto bfd = section.boolean("ibgpBfd")) target.has_ibgp_bfd = *bfd;
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
    path(section, "privateKeyPath", target.private_key_path);
    path(section, "publicKeyPath", target.public_key_path);
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

  void read_kernel() {
    const JsonReader section = root_.object("kernel");
    warn_unknown(section, {"manageSettings", "acceptLocal"});
    KernelSettings& target = loaded_.config.kernel;
    target.manage_settings = section.boolean("manageSettings").value_or(false);
    target.accept_local = section.boolean("acceptLocal").value_or(false);
  }

  static std::optional<Endpoint> listen_endpoint(std::string_view text) {
    const std::string full = text.starts_with(':') ? "[::]" + std::string(text) : std::string(text);
    auto parsed = HostPort::parse(full);
    const auto address = parsed ? parsed->address() : std::nullopt;
    if (!address) return std::nullopt;
    return Endpoint{*address, parsed->port};
  }

  Outcome loaded_;
  JsonReader root_;
  Environment environment_;
  const TokenSearch& tokens_;
  bool has_token_fault_ = false;
};

}  // namespace

Result<std::string> find_config_file() {
  for (const char* path : {"./config.json", "/etc/moenet-agent/config.json", "/opt/moenet-agent/config.json"}) {
    if (::access(path, F_OK) == 0) return std::string(path);
  }
  return fail(Errc::not_found,
              "no configuration: neither ./config.json nor /etc/moenet-agent/config.json nor "
              "/opt/moenet-agent/config.json is there; name one with -c FILE");
}

Result<ConfigSource> read_config_file(const std::string& path) {
  TRY(const std::string text, read_file(path, kFileLimit));
  auto value = model::parse_json(text);
  if (!value) return std::unexpected(with_context(value.error(), path));
  if (!value->is_object()) return fail(Errc::invalid, path + ": expected a JSON object");
  return ConfigSource{path, std::move(*value)};
}

json::object fetched_members(const json::value& fetched) {
  json::object members;
  const json::object* answer = fetched.if_object();
  if (answer == nullptr) return members;
  for (const auto& [group, key] : kFetchedMembers) {
    const json::value* section = answer->if_contains(group);
    const json::object* object = section == nullptr ? nullptr : section->if_object();
    const json::value* value = object == nullptr ? nullptr : object->if_contains(key);
    if (value != nullptr && !says_nothing(key, *value)) object_at(members, group)[key] = *value;
  }
  return members;
}

std::expected<LoadedConfig, std::vector<JsonFault>> understand_config(const ConfigSource& source,
                                                                      const json::value& fetched,
                                                                      Environment environment,
                                                                      const TokenSearch& tokens) {
  json::value merged = source.file;
  json::object& root = merged.get_object();
  apply_environment(root, environment);
  const bool is_bootstrap = expand_bootstrap(root);
  merge_beneath(root, fetched_members(fetched));
  auto outcome = ConfigReading(merged, environment, tokens).read(is_bootstrap, fetched.is_object());
  if (!outcome.faults.empty()) return std::unexpected(std::move(outcome.faults));
  return LoadedConfig{std::move(outcome.config), std::move(outcome.warnings)};
}

}  // namespace moenet::agent
