#include "agent/maintenance_commands.h"

#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/commands.h"
#include "agent/local_client.h"
#include "agent/status_view.h"
#include "base/latest.h"
#include "model/json_reader.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

// The agent answers between two steps of its reconciler; a restart takes a step.
constexpr seconds kAnswer{130};
constexpr std::chrono::milliseconds kAskAgain{250};
// How long sessions may take to fall or to be configured again beyond the drain itself (chosen: what a step may take).
constexpr seconds kSettles{120};

int complain(const Error& error) {
  fmt::print(stderr, "moenet-agent: {}\n", error.what);
  return EXIT_FAILURE;
}

std::optional<ApiSettings> api_of(const std::string& config_path) {
  const auto config = load_config(config_path, {std::string(kServiceCredential), true});
  if (!config) return std::nullopt;
  return config->loaded.config.api;
}

Result<bool> is_settled(const std::string& document_text) {
  TRY(const json::value document, model::parse_json(document_text));
  const auto* object = document.if_object();
  const auto* settled = object != nullptr ? object->if_contains("settled") : nullptr;
  if (settled == nullptr || !settled->is_bool())
    return fail(Errc::invalid, "the running agent does not say whether maintenance has settled");
  return settled->get_bool();
}

// Asks again until nothing is under way any more.
Result<std::string> settled_document(const ApiSettings& api, std::string document, seconds timeout) {
  Wakeup never;
  for (const auto deadline = Deadline::after(timeout);;) {
    TRY(const bool settled, is_settled(document));
    if (settled) return document;
    if (deadline.passed()) return fail(Errc::timeout, "not done in time; see `moenet-agent maintenance status`");
    never.wait(Deadline::after(kAskAgain), {});
    TRY(document, ask_running_agent(api, "/maintenance", kAnswer));
  }
}

int print(const Result<std::string>& document, bool as_json) {
  if (!document) return complain(document.error());
  if (as_json) {
    std::cout << *document << "\n";
    return EXIT_SUCCESS;
  }
  const auto text = maintenance_view(*document);
  if (!text) return complain(text.error());
  std::cout << *text;
  return EXIT_SUCCESS;
}

int change_maintenance(const std::string& config_path, const MaintenanceCommand& command, const std::string& path,
                       const std::string& body, seconds timeout) {
  const auto api = api_of(config_path);
  if (!api) return kExitConfig;
  auto document = tell_running_agent(*api, path, body, kAnswer);
  if (document && command.waits) document = settled_document(*api, std::move(*document), timeout);
  return print(document, command.as_json);
}

}  // namespace

MaintenanceCommands add_maintenance_commands(CLI::App& app, MaintenanceCommand& command) {
  auto* maintenance = app.add_subcommand("maintenance", "Drain this node before work on it, and restore it afterwards");
  maintenance->require_subcommand(1);
  auto* start = maintenance->add_subcommand("start", "Ask all neighbors to route around this node");
  start->add_flag("--shutdown", command.shuts_sessions, "Then take down the sessions with other networks");
  start->add_option("--message", command.message, "What their operators read of it (RFC 9003)");
  start->add_option("--timeout", command.timeout_seconds, "Seconds after which the node counts as drained")
      ->check(CLI::Range(0, 86400));
  auto* stop = maintenance->add_subcommand("stop", "Back into service");
  for (auto* added : {start, stop})
    added->add_flag("--wait", command.waits, "Until it is done; exit 1 when it takes too long");
  auto* show = maintenance->add_subcommand("status", "Show the state of maintenance");
  for (auto* added : {start, stop, show})
    added->add_flag("--json", command.as_json, "The document of GET /maintenance");
  return {start, stop, show};
}

int start_maintenance(const std::string& config_path, const MaintenanceCommand& command) {
  const json::object body{
      {"timeout_seconds", command.timeout_seconds}, {"shutdown", command.shuts_sessions}, {"message", command.message}};
  return change_maintenance(config_path, command, "/maintenance/start", json::serialize(body),
                            seconds(command.timeout_seconds) + kSettles);
}

int stop_maintenance(const std::string& config_path, const MaintenanceCommand& command) {
  return change_maintenance(config_path, command, "/maintenance/stop", "", kSettles);
}

int show_maintenance(const std::string& config_path, const MaintenanceCommand& command) {
  const auto api = api_of(config_path);
  if (!api) return kExitConfig;
  return print(ask_running_agent(*api, "/maintenance", kAnswer), command.as_json);
}

int restart_session(const std::string& config_path, const RestartCommand& command) {
  const auto api = api_of(config_path);
  if (!api) return kExitConfig;
  const json::object body{{"peer_name", command.name}, {"wg_only", command.wg_only}, {"bgp_only", command.bgp_only}};
  const auto answer = tell_running_agent(*api, "/restart", json::serialize(body), kAnswer);
  if (!answer) return complain(answer.error());
  fmt::print("{} restarted\n", command.name);
  return EXIT_SUCCESS;
}

}  // namespace moenet::agent
