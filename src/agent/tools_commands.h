// `moenet-agent ping TARGET` and the other tools: asks the running agent, which has the rights that they need.
#pragma once

#include <string>
#include <vector>

#include "agent/tools_question.h"

namespace CLI {
class App;
}

namespace moenet::agent {

struct ToolCommand {
  std::string target;
  std::string type;    // of dig; empty: A, or PTR for an address
  std::string server;  // of dig; empty: the system's
  bool as_json = false;
};

// One for each of kTools, in that order; `command` is what they are given.
std::vector<CLI::App*> add_tool_commands(CLI::App& app, ToolCommand& command);

// The exit status, as in commands.h.
int ask_tool(const std::string& config_path, Tool tool, const ToolCommand& command);

}  // namespace moenet::agent
