// `moenet-agent maintenance …` and `moenet-agent restart`: words to the running agent. Exit status as in commands.h.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace moenet::agent {

struct MaintenanceCommand {
  bool shuts_sessions = false;
  std::string message;
  int timeout_seconds = 120;
  bool waits = false;
  bool as_json = false;
};
struct MaintenanceCommands {
  CLI::App* start;
  CLI::App* stop;
  CLI::App* show;
};
MaintenanceCommands add_maintenance_commands(CLI::App& app, MaintenanceCommand& command);
int start_maintenance(const std::string& config_path, const MaintenanceCommand& command);
int stop_maintenance(const std::string& config_path, const MaintenanceCommand& command);
int show_maintenance(const std::string& config_path, const MaintenanceCommand& command);

struct RestartCommand {
  std::string name;
  bool wg_only = false;
  bool bgp_only = false;
};
int restart_session(const std::string& config_path, const RestartCommand& command);

}  // namespace moenet::agent
