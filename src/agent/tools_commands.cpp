#include "agent/tools_commands.h"

#include <cstdio>
#include <cstdlib>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/commands.h"
#include "agent/local_client.h"
#include "model/json_reader.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;

// Longer than the agent lets a tool take (ToolLimits).
constexpr std::chrono::seconds kPatience{15};

int complain(const Error& error) {
  fmt::print(stderr, "moenet-agent: {}\n", error.what);
  return EXIT_FAILURE;
}

Result<std::string> result_in(const std::string& document_text) {
  TRY(const json::value document, model::parse_json(document_text));
  const auto* object = document.if_object();
  const auto* result = object != nullptr ? object->if_contains("result") : nullptr;
  if (result == nullptr || !result->is_string()) return fail(Errc::invalid, "the running agent's answer has no result");
  return std::string(result->get_string());
}

std::string_view purpose_of(Tool tool) {
  switch (tool) {
    case Tool::ping: return "Send echoes to an address from this node";
    case Tool::tcping: return "Open TCP connections to a port from this node";
    case Tool::trace: return "Show the way to an address, hop by hop";
    case Tool::route: return "Show BIRD's routes to an address or network";
    case Tool::path: return "Show the AS path to an address";
    case Tool::dig: return "Ask a name server";
    case Tool::mtu: break;
  }
  return "Search how large a packet the path to an address carries";
}

std::string_view targets_of(Tool tool) {
  switch (tool) {
    case Tool::tcping: return "HOST:PORT; a link-local address with its link: [fe80::1%dn42_1]:179";
    case Tool::route: return "An address, a network or a host name";
    case Tool::dig: return "A domain name, or an address to be named";
    case Tool::ping:
    case Tool::trace: return "An address or a host name; a link-local address with its link: fe80::1%dn42_1";
    default: return "An address or a host name";
  }
}

}  // namespace

std::vector<CLI::App*> add_tool_commands(CLI::App& app, ToolCommand& command) {
  std::vector<CLI::App*> commands;
  for (const Tool tool : kTools) {
    auto* added = app.add_subcommand(std::string(name_of(tool)), std::string(purpose_of(tool)));
    added->add_option("target", command.target, std::string(targets_of(tool)))->required();
    added->add_flag("--json", command.as_json, "As JSON");
    if (tool == Tool::dig) {
      added->add_option("type", command.type, "A, AAAA, MX, NS, PTR, SOA or TXT");
      added->add_option("--server", command.server, "The name server's address (default: the system's)");
    }
    commands.push_back(added);
  }
  return commands;
}

int ask_tool(const std::string& config_path, Tool tool, const ToolCommand& command) {
  const auto config = load_config(config_path, {std::string(kServiceCredential), true});
  if (!config) return kExitConfig;
  json::object body{{"target", command.target}};
  if (!command.type.empty()) body["type"] = command.type;
  if (!command.server.empty()) body["server"] = command.server;
  const auto document = tell_running_agent(config->loaded.config.api, fmt::format("/{}", name_of(tool)),
                                           json::serialize(body), kPatience);
  if (!document) return complain(document.error());
  const auto text = command.as_json ? *document + "\n" : result_in(*document);
  if (!text) return complain(text.error());
  fmt::print("{}", *text);
  return EXIT_SUCCESS;
}

}  // namespace moenet::agent
