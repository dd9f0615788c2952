#include "agent/command_line.h"

#include <cstdlib>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <sodium.h>

#include "agent/commands.h"
#include "agent/doctor.h"
#include "agent/maintenance_commands.h"
#include "agent/status_commands.h"
#include "agent/tools_commands.h"
#include "agent/version.h"

namespace moenet::agent {

int run_command_line(int argc, char** argv, const RunAgent& run_agent) {
  CLI::App app{
      "moenet-agent makes this node match what its control plane wants: WireGuard tunnels and BIRD peers.\n"
      "Without a command it runs until SIGTERM; SIGHUP reads the configuration again."};
  app.set_version_flag("-v,--version", std::string(version_line()));
  app.set_help_flag("-h,--help", "Show this help");
  std::string config_path;
  app.add_option("-c,--config", config_path,
                 "Configuration file (default: the first of ./config.json, /etc/moenet-agent/config.json,\n"
                 "/opt/moenet-agent/config.json)");
  bool is_verbose = false;
  app.add_flag("--debug", is_verbose, "Log more");
  app.require_subcommand(0, 1);
  app.fallthrough();
  bool as_json = false;
  bool allow_mass_delete = false;
  std::string folder;
  auto* run_command = app.add_subcommand("run", "Run in the foreground (the default)");
  auto* check =
      app.add_subcommand("check-config", "Read the configuration and name every fault; exit 78 when there is one");
  auto* plan = app.add_subcommand("plan", "Show what a sync would change now; changes nothing");
  plan->add_flag("--json", as_json, "As JSON");
  StatusCommand status_command;
  auto* status = add_status_command(app, status_command);
  auto* sync = app.add_subcommand("sync", "Make the running agent sync now, wait for it, and show what changed");
  sync->add_flag("--json", as_json, "The document of GET /sync");
  sync->add_flag(
      "--allow-mass-delete", allow_mass_delete,
      "Let the deletion guard go: sessions that vanished from the list are removed; files of ROAs may shrink");
  auto* adopt = app.add_subcommand(
      "adopt",
      "Show what another agent or a hand has set up of this node's sessions; exit 1 when some must be left alone");
  bool writes_marks = false;
  adopt->add_flag("--write", writes_marks, "Mark it as this agent's, which then goes on with it; changes nothing else");
  auto* doctor = app.add_subcommand(
      "doctor", "Say what this node lacks and what mends it; changes nothing; exit 1 when there is a problem");
  doctor->add_flag("--json", as_json, "As JSON");
  MaintenanceCommand maintenance_command;
  const auto maintenance = add_maintenance_commands(app, maintenance_command);
  RestartCommand restart_command;
  auto* restart = app.add_subcommand("restart", "Set up one session anew; no other is disturbed");
  restart->add_option("name", restart_command.name, "dn42_<asn>, or the interface's name")->required();
  auto* wg_only = restart->add_flag("--wg-only", restart_command.wg_only, "Only its tunnel");
  restart->add_flag("--bgp-only", restart_command.bgp_only, "Only its BGP session")->excludes(wg_only);
  ToolCommand tool_command;
  const auto tools = add_tool_commands(app, tool_command);
  auto* genkey = app.add_subcommand("genkey", "Print a new WireGuard private key");
  auto* pubkey = app.add_subcommand("pubkey", "Print the public key of the private key on stdin");
  auto* render = app.add_subcommand("render", "Write the BIRD files that a sync would put in place to a folder");
  render->add_option("folder", folder, "Where to (made when absent)")->required();
  app.footer(
      "Examples:\n  moenet-agent check-config -c /etc/moenet-agent/config.json\n  moenet-agent plan\n  moenet-agent "
      "status\n"
      "Documentation: /usr/share/doc/moenet-agent/, or docs/ in the source.");
  CLI11_PARSE(app, argc, argv);

  if (sodium_init() < 0) {
    fmt::print(stderr, "moenet-agent: libsodium does not start\n");
    return EXIT_FAILURE;
  }
  if (*check) return check_config(config_path);
  if (*plan) return show_plan(config_path, as_json);
  if (*status) return show_status(config_path, status_command);
  if (*sync) return request_sync(config_path, allow_mass_delete, as_json);
  if (*maintenance.start) return start_maintenance(config_path, maintenance_command);
  if (*maintenance.stop) return stop_maintenance(config_path, maintenance_command);
  if (*maintenance.show) return show_maintenance(config_path, maintenance_command);
  if (*restart) return restart_session(config_path, restart_command);
  if (*adopt) return adopt_sessions(config_path, writes_marks);
  if (*doctor) return run_doctor(config_path, as_json);
  for (std::size_t i = 0; i < tools.size(); ++i) {
    if (*tools[i]) return ask_tool(config_path, kTools[i], tool_command);
  }
  if (*genkey) return print_new_key();
  if (*pubkey) return print_public_key();
  if (*render) return render_files(config_path, folder);
  static_cast<void>(*run_command);
  return run_agent(config_path, is_verbose ? log::Level::debug : log::Level::info);
}

}  // namespace moenet::agent
