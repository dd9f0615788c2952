// What `moenet-agent COMMAND` does, but for `run` (that is main.cpp). Each returns the exit status: 0 done, 1 failed,
// 78 the configuration is at fault (EX_CONFIG of sysexits.h).
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config.h"

namespace moenet::agent {

inline constexpr int kExitConfig = 78;

struct ConfigWithSource {
  ConfigSource source;
  LoadedConfig loaded;
};
// The token as systemd keeps it for the running service (LoadCredential=, docs/operations.md): an operator's shell has
// no CREDENTIALS_DIRECTORY.
inline constexpr std::string_view kServiceCredential = "/run/credentials/moenet-agent.service/control-plane-token";

// Why there is no configuration.
struct ConfigFailure {
  std::string path;                      // empty: none was found
  std::optional<Error> unreadable;       // the file cannot be read, or is no JSON
  std::vector<model::JsonFault> faults;  // else what is wrong in it
};
// As load_config(), but prints no fault.
std::expected<ConfigWithSource, ConfigFailure> read_config(const std::string& path, const TokenSearch& tokens);

// Reads the configuration from `path`, or from where it is searched when that is empty, with what the control plane
// said before. Faults are printed to stderr, one per line; then nothing is returned.
std::optional<ConfigWithSource> load_config(const std::string& path, const TokenSearch& tokens = {});

int check_config(const std::string& config_path);
int show_plan(const std::string& config_path, bool as_json);
int request_sync(const std::string& config_path, bool allow_mass_delete, bool as_json);
int print_new_key();
int print_public_key();  // of the private key on stdin
// Shows what of this node's sessions somebody else has set up; with `write` marks it as the agent's.
int adopt_sessions(const std::string& config_path, bool write);
int render_files(const std::string& config_path, const std::string& folder);

}  // namespace moenet::agent
