// ServerConfig: what this control plane is told on its own machine: one JSON file, the environment and the command
// line, of which the later wins. What holds for the whole network is in the database (settings.h).
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "base/ip.h"
#include "base/log.h"
#include "base/result.h"
#include "controlplane/database_name.h"
#include "http/forwarded.h"
#include "model/json_reader.h"

namespace moenet::controlplane {

inline constexpr const char* kConfigFile = "/etc/moenet-controlplane/config.json";
inline constexpr const char* kStateFolder = "/var/lib/moenet-controlplane";

struct ListenAddress {
  Endpoint endpoint;
  bool has_tls = false;

  std::string text() const;  // "https://[::]:443"
  friend bool operator==(const ListenAddress&, const ListenAddress&) = default;
};

struct ServerConfig {
  std::vector<ListenAddress> listen;
  DatabaseName database;
  std::string state_folder;
  std::string public_url;  // where nodes and people reach it; "" = not said
  std::string tls_certificate;
  std::string tls_key;
  http::ProxyTrust proxies;
  std::string shared_key_file;
  std::string metrics_token_file;
  bool private_webhooks = false;  // they may lead to addresses that are not the internet's
  std::string registry;
  unsigned most_connections = 4'096;
  unsigned most_connections_per_address = 0;  // 0: no limit, for behind a proxy all have one
  std::size_t workers = 4;                    // chosen: SQLite has one writer; the others read meanwhile
  std::chrono::seconds drain{0};              // from SIGTERM, when /ready says no, to the end of accepting
  log::Level log_level = log::Level::info;
};

struct LoadedServerConfig {
  ServerConfig config;
  std::vector<std::string> warnings;
  boost::json::object words;  // file, environment and command line as one; for changed_keys
};

using Environment = std::function<const char*(const char*)>;

// `file` "": kConfigFile, and nothing when that is absent. `over` has the command line's words in the file's form. A
// fault names its key; one of the file as a whole has none.
std::expected<LoadedServerConfig, std::vector<model::JsonFault>> load_server_config(const std::string& file,
                                                                                    const boost::json::object& over,
                                                                                    const Environment& environment);

// Keys at the top whose change a running server does not take ("listen, database"); "" = none changed.
std::string keys_for_a_restart(const boost::json::object& before, const boost::json::object& after);

// The state folder alone, for the commands: what cannot be read or understood says nothing.
std::string state_folder_of(const std::string& file, const Environment& environment);

}  // namespace moenet::controlplane
