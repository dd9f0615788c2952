#include "controlplane/node_command_line.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json.hpp>

namespace moenet::controlplane {

namespace {

namespace json = boost::json;
using Kind = ApiCommand::Kind;

// The options of adds and changes, as typed; they become the admin API's members.
struct NodeOptions {
  std::string name;
  std::optional<std::string> region, location, provider, bandwidth, loopback_ipv4, loopback_ipv6, ipv4, ipv6;
  int id = 0;
  std::optional<bool> rr, closed;
  std::optional<int> max_sessions, min_bandwidth;
  std::optional<std::string> peering_note;
};

void put(json::object& body, std::string_view member, const std::optional<std::string>& value) {
  if (value) body[member] = *value;
}

json::object body_of_change(const NodeOptions& options) {
  json::object body;
  put(body, "region", options.region);
  put(body, "location", options.location);
  put(body, "provider", options.provider);
  put(body, "bandwidth", options.bandwidth);
  put(body, "loopbackIpv4", options.loopback_ipv4);
  put(body, "loopbackIpv6", options.loopback_ipv6);
  put(body, "publicIpv4", options.ipv4);
  put(body, "publicIpv6", options.ipv6);
  put(body, "peeringNote", options.peering_note);
  if (options.rr) body["isRr"] = *options.rr;
  if (options.closed) body["closed"] = *options.closed;
  if (options.min_bandwidth) body["minBandwidthMbit"] = *options.min_bandwidth;
  if (options.max_sessions) body["maxSessions"] = *options.max_sessions;
  return body;
}

std::string body_of(const NodeOptions& options) {
  json::object body = body_of_change(options);
  body["name"] = options.name;
  if (options.id != 0) body["id"] = options.id;
  return json::serialize(body);
}

// What is typed. The callbacks of the commands hold it, so it lives as long as the parser.
struct NodeCommands : std::enable_shared_from_this<NodeCommands> {
  explicit NodeCommands(CommandLine& into) : line(into) {}

  CommandLine& line;
  ApiCommand api;
  NodeOptions node;
  std::int64_t overlap = 24 * 3'600;

  CLI::App* command(CLI::App& under, const char* name, const char* help, Kind kind);
  void add_options(CLI::App& to);
  void add_changes(CLI::App& nodes);
  void add_all(CLI::App& app);
};

CLI::App* NodeCommands::command(CLI::App& under, const char* name, const char* help, Kind kind) {
  CLI::App* added = under.add_subcommand(name, help);
  added->fallthrough();
  added->callback([self = shared_from_this(), kind] {
    self->api.kind = kind;
    if (kind == Kind::node_add) self->api.body = body_of(self->node);
    if (kind == Kind::node_change) self->api.body = json::serialize(body_of_change(self->node));
    if (kind == Kind::node_token) self->api.body = json::serialize(json::object{{"overlap", self->overlap}});
    self->line.command = self->api;
  });
  return added;
}

void NodeCommands::add_options(CLI::App& to) {
  to.add_option("--region", node.region,
                "AS-E AS-SE AS-S AS-N NA-E NA-C NA-W CA SA EU-W EU-C EU-E OC AF ME, or its code");
  to.add_option("--location", node.location, "Where it stands, for people");
  to.add_option("--provider", node.provider, "Who hosts it, for people");
  to.add_option("--bandwidth", node.bandwidth, "100M, 1G, 10G, … (default 1G)");
  to.add_option("--loopback-ipv4", node.loopback_ipv4,
                "Its DN42 address, within the network's prefix (default, and '': the prefix and its id)");
  to.add_option("--loopback-ipv6", node.loopback_ipv6, "Likewise");
  to.add_option("--public-ipv4", node.ipv4, "Where others reach it (default, and '': what the node says)");
  to.add_option("--public-ipv6", node.ipv6, "Likewise");
  // By callbacks: CLI11 gives a flag's variable a value, "false", also when the flag is not there.
  auto* rr = to.add_flag_callback("--rr", [this] { node.rr = true; }, "It is a route reflector of its region");
  to.add_flag_callback("--no-rr", [this] { node.rr = false; }, "It is none")->excludes(rr);
  to.add_option("--max-sessions", node.max_sessions,
                "Users may ask for sessions up to so many; 0 = as many as there come (default)");
  to.add_option("--min-bandwidth", node.min_bandwidth,
                "Users need a link of so many Mbit/s; 0 = any will do (default)");
  auto* closed = to.add_flag_callback("--closed", [this] { node.closed = true; }, "It takes no new peers");
  to.add_flag_callback("--open", [this] { node.closed = false; }, "It does (default)")->excludes(closed);
  to.add_option("--peering-note", node.peering_note, "For whoever wants to peer with it; '' = none");
}

void NodeCommands::add_changes(CLI::App& nodes) {
  CLI::App* change =
      command(nodes, "change", "Change what is named; the rest, and its name and id, stay", Kind::node_change);
  change->add_option("name", api.node, "Its name")->required();
  add_options(*change);
  CLI::App* remove = command(nodes, "delete",
                             "Have the node remove its sessions, then forget it and its token; its id is free for "
                             "the next one",
                             Kind::node_delete);
  remove->add_option("name", api.node, "Its name")->required();
  remove->add_flag("--force", api.force, "With its sessions, at once: for a node that is gone for good");
}

void NodeCommands::add_all(CLI::App& app) {
  CLI::App* nodes = app.add_subcommand("node", "Nodes of this network");
  nodes->fallthrough();
  nodes->require_subcommand(1);
  CLI::App* add =
      command(*nodes, "add", "Add a node; print the line that makes a machine this node, and its token, this once",
              Kind::node_add);
  add->add_option("name", node.name, "Name: letters, digits, . _ -")->required();
  add->add_option("--id", node.id, "1 to 999 (default: the lowest free one)");
  add_options(*add);
  add->get_option("--region")->required();
  command(*nodes, "list", "List the nodes", Kind::node_list);
  CLI::App* show = command(*nodes, "show", "Show a node", Kind::node_show);
  show->add_option("name", api.node, "Its name")->required();
  add_changes(*nodes);
  CLI::App* token =
      command(*nodes, "token", "Give a node a new token and print it, this once; the old one stays good for a while",
              Kind::node_token);
  token->add_option("name", api.node, "Its name")->required();
  token->add_option("--overlap", overlap, "How long the old one stays good, in seconds; 0 = it ends at once")
      ->capture_default_str();
  CLI::App* revoke =
      command(*nodes, "revoke", "End a node's tokens at once, until `node token` gives it another", Kind::node_revoke);
  revoke->add_option("name", api.node, "Its name")->required();
  CLI::App* bootstrap =
      command(*nodes, "bootstrap",
              "Print the one line that makes a machine this node; good once, for a day. A token that the node has "
              "ends when the line is used",
              Kind::node_bootstrap);
  bootstrap->add_option("name", api.node, "Its name")->required();
  bootstrap->add_option("--public-url", api.public_url,
                        "Where the node reaches this control plane (default: its publicUrl, or --url)");
}

}  // namespace

void add_node_commands(CLI::App& app, CommandLine& line) { std::make_shared<NodeCommands>(line)->add_all(app); }

}  // namespace moenet::controlplane
