// `moenet-agent status [PEER]`: asks the running agent and shows what it says, once or again and again.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace moenet::agent {

struct StatusCommand {
  std::string peer;  // one session in full; empty: the node
  std::string sort;
  std::string filter;
  double watch_seconds = 0;  // 0: once
  bool as_json = false;
};

CLI::App* add_status_command(CLI::App& app, StatusCommand& command);

// The exit status, as in commands.h. Watching ends with the terminal, or by a signal.
int show_status(const std::string& config_path, const StatusCommand& command);

}  // namespace moenet::agent
