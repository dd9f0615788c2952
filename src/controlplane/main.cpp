// moenet-controlplane. The map: the command line says what to do; `serve` is SqlStore → Service until a signal,
// `backup`, `restore` and `copy` work on databases, everything else asks a running one over its admin API.

#include "base/log.h"
#include "controlplane/command_line.h"
#include "controlplane/commands.h"
#include "controlplane/database_commands.h"
#include "controlplane/serve.h"

int main(int argc, char** argv) {
  using namespace moenet;
  using namespace moenet::controlplane;
  const auto parsed = parse_command_line(argc, argv);
  if (const int* status = std::get_if<int>(&parsed)) return *status;
  const CommandLine& line = std::get<CommandLine>(parsed);
  log::start(log::detect_output(), line.verbose ? log::Level::debug : log::Level::info);
  if (const auto* serve = std::get_if<ServeCommand>(&line.command))
    return serve->only_check ? check_config(line, *serve) : run_server(line, *serve);
  if (const auto* command = std::get_if<DatabaseCommand>(&line.command)) return run_database_command(line, *command);
  return run_command(line, std::get<ApiCommand>(line.command));
}
