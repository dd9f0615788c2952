#include "controlplane/server_config.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>

#include "base/file.h"
#include "http/target.h"
#include "model/config_reader.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;
using model::JsonFault;
using model::JsonReader;
using model::read_path;

constexpr std::size_t kTextLimit = 1024;
constexpr std::size_t kMostAddresses = 16;
constexpr std::size_t kMostProxies = 256;  // chosen: the published prefixes of a large content network are some 20

constexpr std::array<std::pair<std::string_view, log::Level>, 4> kLogLevels{{{"debug", log::Level::debug},
                                                                             {"info", log::Level::info},
                                                                             {"warning", log::Level::warning},
                                                                             {"error", log::Level::error}}};

struct Variable {
  const char* name;
  std::string_view section;  // "" = at the top
  std::string_view key;
  bool is_list = false;  // at commas
};
// MOENET_CP_URL and MOENET_CP_TOKEN are the commands' and the agent's.
constexpr std::array<Variable, 12> kVariables{{{"MOENET_CP_LISTEN", "", "listen", true},
                                               {"MOENET_CP_DATABASE", "", "database"},
                                               {"MOENET_CP_DATABASE_FILE", "", "databaseFile"},
                                               {"MOENET_CP_STATE_DIR", "", "stateDir"},
                                               {"MOENET_CP_PUBLIC_URL", "", "publicUrl"},
                                               {"MOENET_CP_TLS_CERTIFICATE", "tls", "certificate"},
                                               {"MOENET_CP_TLS_KEY", "tls", "key"},
                                               {"MOENET_CP_TRUSTED_PROXIES", "", "trustedProxies", true},
                                               {"MOENET_CP_SHARED_KEY_FILE", "", "sharedKeyFile"},
                                               {"MOENET_CP_METRICS_TOKEN_FILE", "", "metricsTokenFile"},
                                               {"MOENET_CP_REGISTRY", "", "registry"},
                                               {"MOENET_CP_LOG_LEVEL", "", "logLevel"}}};

json::array pieces(std::string_view text) {
  json::array list;
  while (true) {
    const std::size_t comma = text.find(',');
    std::string_view piece = text.substr(0, comma);
    while (piece.starts_with(' ')) piece.remove_prefix(1);
    while (piece.ends_with(' ')) piece.remove_suffix(1);
    if (!piece.empty()) list.emplace_back(piece);
    if (comma == std::string_view::npos) return list;
    text.remove_prefix(comma + 1);
  }
}

// Who names the database by one key means that one, and not what somebody before said by the other.
void put(json::object& root, std::string_view key, json::value value) {
  if (key == "database") root.erase("databaseFile");
  if (key == "databaseFile") root.erase("database");
  root[key] = std::move(value);
}

void apply_environment(json::object& root, const Environment& environment) {
  for (const Variable& variable : kVariables) {
    const char* text = environment(variable.name);
    if (text == nullptr || *text == '\0') continue;
    json::value value = variable.is_list ? json::value(pieces(text)) : json::value(text);
    if (variable.section.empty()) {
      put(root, variable.key, std::move(value));
      continue;
    }
    json::value& section = root[variable.section];
    if (!section.is_object()) section = json::object{};
    section.get_object()[variable.key] = std::move(value);
  }
}

Result<json::object> read_words(const std::string& given_file) {
  const std::string file = given_file.empty() ? kConfigFile : given_file;
  if (given_file.empty() && ::access(file.c_str(), F_OK) != 0) return json::object{};
  TRY(const std::string text, read_file(file, model::kConfigBytesMax));
  TRY(const json::value value, model::parse_config(text, file));
  return json::object(value.get_object(), json::storage_ptr());  // its own memory, and not the parser's arena
}

std::optional<ListenAddress> listen_address(std::string_view text) {
  ListenAddress result;
  if (text.starts_with("https://")) {
    result.has_tls = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  }
  const auto endpoint = model::listen_endpoint(text);
  if (!endpoint) return std::nullopt;
  result.endpoint = *endpoint;
  return result;
}

class Reading {
 public:
  Reading(json::object words, std::string file) : file_(std::move(file)) {
    loaded_.words = std::move(words);
    value_ = loaded_.words;
  }

  std::expected<LoadedServerConfig, std::vector<JsonFault>> read() {
    const JsonReader root(value_, faults_);
    warn_unknown(root,
                 {"listen", "database", "databaseFile", "stateDir", "publicUrl", "tls", "trustedProxies", "proxyHeader",
                  "sharedKeyFile", "metricsTokenFile", "privateWebhooks", "registry", "limits", "drain", "logLevel"});
    ServerConfig& config = loaded_.config;
    config.state_folder = kStateFolder;
    read_path(root, "stateDir", config.state_folder);
    read_path(root, "sharedKeyFile", config.shared_key_file);
    read_path(root, "metricsTokenFile", config.metrics_token_file);
    read_path(root, "registry", config.registry);
    config.private_webhooks = root.boolean("privateWebhooks").value_or(false);
    read_listen(root);
    read_database(root);
    read_proxies(root);
    read_limits(root);
    read_public_url(root);
    read_log_level(root);
    if (const auto drain = root.integer("drain", 0, 20)) config.drain = std::chrono::seconds(*drain);
    if (!faults_.empty()) return std::unexpected(std::move(faults_));
    return std::move(loaded_);
  }

 private:
  void warn_unknown(const JsonReader& reader, std::initializer_list<std::string_view> known) {
    model::warn_of_unknown_keys(reader, known, loaded_.warnings);
  }

  void read_listen(const JsonReader& root) {
    const JsonReader tls = root.object("tls");
    warn_unknown(tls, {"certificate", "key"});
    ServerConfig& config = loaded_.config;
    read_path(tls, "certificate", config.tls_certificate);
    read_path(tls, "key", config.tls_key);
    for (const auto& text : root.texts("listen", kMostAddresses, kTextLimit)) {
      const auto address = listen_address(text);
      if (!address) {
        root.note_secret("listen",
                         fmt::format("ADDRESS:PORT, http://ADDRESS:PORT or https://ADDRESS:PORT, and not '{}'",
                                     escape_for_log(text, 60)));
      } else {
        config.listen.push_back(*address);
      }
    }
    if (config.listen.empty()) config.listen = {{{IpAddress::v4({127, 0, 0, 1}), 8080}}};
    const bool wants_tls = std::ranges::any_of(config.listen, &ListenAddress::has_tls);
    const bool has_both = !config.tls_certificate.empty() && !config.tls_key.empty();
    const bool has_none = config.tls_certificate.empty() && config.tls_key.empty();
    if (!has_both && !has_none) root.note("tls", "both a certificate and its key");
    if (wants_tls && has_none) root.note("tls", "certificate and key, because listen has an https:// address");
    if (!wants_tls && has_both) loaded_.warnings.emplace_back("tls says nothing without an https:// address in listen");
  }

  void read_database(const JsonReader& root) {
    std::string file;
    read_path(root, "databaseFile", file);
    const auto text = root.text("database", kTextLimit);
    DatabaseName& target = loaded_.config.database;
    if (text && !file.empty()) return root.note_secret("database", "either database or databaseFile");
    if (!file.empty()) {
      if (auto name = read_database_name(file)) {
        target = std::move(*name);
      } else {
        root.note_secret("databaseFile", fmt::format("a file with the database's name ({})", name.error().what));
      }
      return;
    }
    target.file = loaded_.config.state_folder + "/moenet.db";
    if (!text) return;
    auto name = parse_database_name(*text);
    if (!name) return root.note_secret("database", fmt::format("a path or a URI ({})", name.error().what));
    if (name->is_file() && !text->starts_with('/')) return root.note("database", "an absolute path, or postgresql://…");
    const auto as_argument = database_name_from_argument(*text);
    if (!as_argument && is_open_to_all()) {
      return root.note_secret("database", fmt::format("a URI without a password, for anyone may read it: chmod o= {}, "
                                                      "or put it into databaseFile",
                                                      file_));
    }
    target = std::move(*name);
  }

  bool is_open_to_all() const {
    struct stat status{};
    return ::stat(file_.c_str(), &status) == 0 && (status.st_mode & 007) != 0;
  }

  void read_proxies(const JsonReader& root) {
    http::ProxyTrust& target = loaded_.config.proxies;
    for (const auto& text : root.texts("trustedProxies", kMostProxies, kTextLimit)) {
      const auto prefix = IpPrefix::parse(text);
      if (!prefix || prefix->has_host_bits()) {
        root.note_secret("trustedProxies",
                         fmt::format("addresses and networks like 192.0.2.7 and 10.0.0.0/8, and not '{}'",
                                     escape_for_log(text, 60)));
      } else {
        target.proxies.push_back(*prefix);
      }
    }
    const auto header = root.text("proxyHeader", kTextLimit);
    if (header == "Forwarded") {
      target.header = http::ProxyHeader::forwarded;
    } else if (header && *header != "X-Forwarded-For") {
      root.note("proxyHeader", "\"X-Forwarded-For\" or \"Forwarded\"");
    }
  }

  void read_limits(const JsonReader& root) {
    const JsonReader limits = root.object("limits");
    warn_unknown(limits, {"connections", "connectionsPerAddress", "workers"});
    ServerConfig& config = loaded_.config;
    if (const auto value = limits.integer("connections", 16, 65'536))
      config.most_connections = static_cast<unsigned>(*value);
    if (const auto value = limits.integer("connectionsPerAddress", 0, 65'536))
      config.most_connections_per_address = static_cast<unsigned>(*value);
    if (const auto value = limits.integer("workers", 1, 64)) config.workers = static_cast<std::size_t>(*value);
  }

  void read_public_url(const JsonReader& root) {
    auto url = root.text("publicUrl", 255);
    if (!url) return;
    while (url->ends_with('/')) url->pop_back();
    if (http::is_server_url(*url)) {
      loaded_.config.public_url = *url;
    } else {
      root.note("publicUrl", "a URL, http:// or https://, without user, query and fragment");
    }
  }

  void read_log_level(const JsonReader& root) {
    const auto text = root.text("logLevel", kTextLimit);
    if (!text) return;
    const auto level = std::ranges::find(kLogLevels, *text, &decltype(kLogLevels)::value_type::first);
    if (level == kLogLevels.end()) {
      root.note("logLevel", "\"debug\", \"info\", \"warning\" or \"error\"");
    } else {
      loaded_.config.log_level = level->second;
    }
  }

  std::string file_;
  LoadedServerConfig loaded_;
  json::value value_;
  std::vector<JsonFault> faults_;
};

}  // namespace

std::string ListenAddress::text() const { return (has_tls ? "https://" : "http://") + endpoint.text(); }

std::expected<LoadedServerConfig, std::vector<JsonFault>> load_server_config(const std::string& file,
                                                                             const json::object& over,
                                                                             const Environment& environment) {
  auto words = read_words(file);
  if (!words) return std::unexpected(std::vector<JsonFault>{{"", "", words.error().what}});
  apply_environment(*words, environment);
  for (const auto& [key, value] : over) put(*words, key, value);
  return Reading(std::move(*words), file.empty() ? kConfigFile : file).read();
}

std::string keys_for_a_restart(const json::object& before, const json::object& after) {
  std::string keys;
  for (const std::string_view key : {"listen", "database", "databaseFile", "stateDir", "publicUrl", "sharedKeyFile",
                                     "metricsTokenFile", "privateWebhooks", "registry", "limits"}) {
    const json::value* was = before.if_contains(key);
    const json::value* is = after.if_contains(key);
    const bool is_same = was == nullptr || is == nullptr ? was == is : *was == *is;
    if (!is_same) keys += (keys.empty() ? "" : ", ") + std::string(key);
  }
  return keys;
}

std::string state_folder_of(const std::string& file, const Environment& environment) {
  json::object words = read_words(file).value_or(json::object{});
  apply_environment(words, environment);
  const json::value* folder = words.if_contains("stateDir");
  return folder != nullptr && folder->is_string() ? std::string(folder->get_string()) : kStateFolder;
}

}  // namespace moenet::controlplane
