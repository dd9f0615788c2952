#include "controlplane/command_line.h"

#include <memory>
#include <optional>
#include <string_view>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "controlplane/version.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

constexpr int kUsage = 64;  // EX_USAGE of sysexits.h

// The options of adds and changes, as typed; they become the admin API's members.
struct NodeOptions {
  std::string name;
  std::optional<std::string> region, location, provider, bandwidth, loopback_ipv4, loopback_ipv6, ipv4, ipv6;
  int id = 0;
  std::optional<bool> rr;
};
struct PeerOptions {
  std::string node, name, description, key, endpoint, ipv4, ipv6, link_local, interface_name, policy;
  std::int64_t asn = 0, port = -1, mtu = 0, import_limit = 0;
  bool mp_bgp = false, extended_next_hop = false, approve = false;
};

void put(json::object& body, std::string_view member, const std::string& value) {
  if (!value.empty()) body[member] = value;
}

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
  if (options.rr) body["isRr"] = *options.rr;
  return body;
}

std::string body_of(const NodeOptions& options) {
  json::object body = body_of_change(options);
  body["name"] = options.name;
  if (options.id != 0) body["id"] = options.id;
  return json::serialize(body);
}

std::string body_of(const PeerOptions& options) {
  json::object body{{"node", options.node}, {"asn", options.asn}, {"publicKey", options.key}};
  put(body, "name", options.name);
  put(body, "description", options.description);
  put(body, "endpoint", options.endpoint);
  put(body, "ipv4", options.ipv4);
  put(body, "ipv6", options.ipv6);
  put(body, "ipv6LinkLocal", options.link_local);
  put(body, "interface", options.interface_name);
  put(body, "policy", options.policy);
  if (options.port >= 0) body["port"] = options.port;
  if (options.mtu != 0) body["mtu"] = options.mtu;
  if (options.import_limit != 0) body["importLimit"] = options.import_limit;
  if (options.mp_bgp) body["mpBgp"] = true;
  if (options.extended_next_hop) body["extendedNextHop"] = true;
  if (options.approve) body["approve"] = true;
  return json::serialize(body);
}

struct Parser {
  CommandLine line;
  ServeCommand serve;
  ApiCommand api;
  NodeOptions node;
  PeerOptions peer;

  void add_serve(CLI::App& app);
  void add_nodes(CLI::App& app);
  void add_node_options(CLI::App& command);
  void add_node_changes(CLI::App& nodes);
  void add_peers(CLI::App& app);
  void add_peer_add(CLI::App& peers);
  void add_move(CLI::App& peers, const char* name, const char* help);
  CLI::App* api_command(CLI::App& app, const char* name, const char* help, ApiCommand::Kind kind);
};

CLI::App* Parser::api_command(CLI::App& app, const char* name, const char* help, ApiCommand::Kind kind) {
  CLI::App* command = app.add_subcommand(name, help);
  command->fallthrough();
  command->callback([this, kind] {
    api.kind = kind;
    if (kind == ApiCommand::Kind::node_add) api.body = body_of(node);
    if (kind == ApiCommand::Kind::node_change) api.body = json::serialize(body_of_change(node));
    if (kind == ApiCommand::Kind::peer_add) api.body = body_of(peer);
    line.command = api;
  });
  return command;
}

void Parser::add_serve(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("serve", "Run the control plane: what nodes ask, and the API of the commands below");
  command->fallthrough();
  command->add_option("--db", serve.db, "Database file; made when absent (default: STATE-DIR/moenet.db)");
  command->add_option("--listen", serve.listen, "ADDRESS:PORT; keep it on loopback behind a TLS proxy")
      ->capture_default_str();
  command->add_option("--shared-key-file", serve.shared_key_file,
                      "File with a key that is every node's, as older agents have it (mode 0600)");
  command->callback([this] { line.command = serve; });
}

void Parser::add_node_options(CLI::App& command) {
  command.add_option("--region", node.region,
                     "AS-E AS-SE AS-S AS-N NA-E NA-C NA-W CA SA EU-W EU-C EU-E OC AF ME, or its code");
  command.add_option("--location", node.location, "Where it stands, for people");
  command.add_option("--provider", node.provider, "Who hosts it, for people");
  command.add_option("--bandwidth", node.bandwidth, "100M, 1G, 10G, … (default 1G)");
  command.add_option("--loopback-ipv4", node.loopback_ipv4,
                     "Its DN42 address, within the network's prefix (default, and '': the prefix and its id)");
  command.add_option("--loopback-ipv6", node.loopback_ipv6, "Likewise");
  command.add_option("--public-ipv4", node.ipv4, "Where others reach it (default, and '': what the node says)");
  command.add_option("--public-ipv6", node.ipv6, "Likewise");
  // By callbacks: CLI11 gives a flag's variable a value, "false", also when the flag is not there.
  auto* rr = command.add_flag_callback("--rr", [this] { node.rr = true; }, "It is a route reflector of its region");
  command.add_flag_callback("--no-rr", [this] { node.rr = false; }, "It is none")->excludes(rr);
}

void Parser::add_node_changes(CLI::App& nodes) {
  CLI::App* change = api_command(nodes, "change", "Change what is named; the rest, and its name and id, stay",
                                 ApiCommand::Kind::node_change);
  change->add_option("name", api.node, "Its name")->required();
  add_node_options(*change);
  CLI::App* remove = api_command(nodes, "delete", "Forget a node and its token; its id is free for the next one",
                                 ApiCommand::Kind::node_delete);
  remove->add_option("name", api.node, "Its name")->required();
  remove->add_flag("--force", api.force, "With its sessions: for a node that is gone for good");
}

void Parser::add_nodes(CLI::App& app) {
  CLI::App* nodes = app.add_subcommand("node", "Nodes of this network");
  nodes->fallthrough();
  nodes->require_subcommand(1);
  CLI::App* add = api_command(*nodes, "add", "Add a node and print its token, this once", ApiCommand::Kind::node_add);
  add->add_option("name", node.name, "Name: letters, digits, . _ -")->required();
  add->add_option("--id", node.id, "1 to 62 (default: the lowest free one)");
  add_node_options(*add);
  add->get_option("--region")->required();
  api_command(*nodes, "list", "List the nodes", ApiCommand::Kind::node_list);
  CLI::App* show = api_command(*nodes, "show", "Show a node", ApiCommand::Kind::node_show);
  show->add_option("name", api.node, "Its name")->required();
  add_node_changes(*nodes);
  CLI::App* token =
      api_command(*nodes, "token", "Give a node a new token and print it, this once; the old one ends at once",
                  ApiCommand::Kind::node_token);
  token->add_option("name", api.node, "Its name")->required();
  CLI::App* bootstrap =
      api_command(*nodes, "bootstrap",
                  "Print the one line that makes a machine this node; good once, for a day. A token that the node has "
                  "ends when the line is used",
                  ApiCommand::Kind::node_bootstrap);
  bootstrap->add_option("name", api.node, "Its name")->required();
  bootstrap->add_option("--public-url", api.public_url, "Where the node reaches this control plane (default: --url)");
}

void Parser::add_peer_add(CLI::App& peers) {
  CLI::App* add =
      api_command(peers, "add", "Add a peering session; it is PENDING until approved", ApiCommand::Kind::peer_add);
  add->add_option("--node", peer.node, "Our node")->required();
  add->add_option("--asn", peer.asn, "The peer's AS number")->required();
  add->add_option("--key", peer.key, "The peer's WireGuard public key")->required();
  add->add_option("--endpoint", peer.endpoint, "The peer's HOST:PORT (default: the peer calls us)");
  add->add_option("--link-local", peer.link_local, "The peer's fe80:: address");
  add->add_option("--ipv6", peer.ipv6, "The peer's IPv6 address, in DN42 or link-local");
  add->add_option("--ipv4", peer.ipv4, "The peer's IPv4 address in DN42");
  add->add_flag("--mp-bgp", peer.mp_bgp, "Both families in one BGP session");
  add->add_flag("--extended-next-hop", peer.extended_next_hop,
                "IPv4 routes with IPv6 next hops (RFC 8950); needs --mp-bgp");
  add->add_option("--port", peer.port, "Our UDP listen port (default: 30000 + the last four digits of the ASN)");
  add->add_option("--mtu", peer.mtu, "1280 to 9000 (default 1420)");
  add->add_option("--policy", peer.policy, "full, peer, upstream, downstream (default full)");
  add->add_option("--psk-file", api.psk_file, "File with the WireGuard preshared key (mode 0600)");
  add->add_option("--password-file", api.password_file, "File with the BGP password (mode 0600)");
  add->add_option("--import-limit", peer.import_limit, "Most prefixes per family");
  add->add_option("--interface", peer.interface_name, "Interface name on the node (default dn42-ASN)");
  add->add_option("--name", peer.name, "The peer's name, for people");
  add->add_option("--description", peer.description, "For people");
  add->add_flag("--approve", peer.approve, "Approve it at once");
}

void Parser::add_move(CLI::App& peers, const char* name, const char* help) {
  CLI::App* command = api_command(peers, name, help, ApiCommand::Kind::peer_move);
  command->add_option("session", api.session, "AS number or uuid")->required();
  command->add_option("--node", api.node, "Where an AS peers with several nodes");
  if (std::string_view(name) == "reject") command->add_option("--reason", api.reason, "Told to the peer");
  command->parse_complete_callback([this, name] { api.move = name; });
}

void Parser::add_peers(CLI::App& app) {
  CLI::App* peers = app.add_subcommand("peer", "Peering sessions with other networks");
  peers->fallthrough();
  peers->require_subcommand(1);
  add_peer_add(*peers);
  CLI::App* list = api_command(*peers, "list", "List the sessions", ApiCommand::Kind::peer_list);
  list->add_option("--node", api.node, "Of this node only");
  list->add_option("--status", api.status, "PENDING, QUEUED_FOR_SETUP, ENABLED, PROBLEM, …");
  CLI::App* show = api_command(*peers, "show", "Show a session, and what the peer pastes into its configuration",
                               ApiCommand::Kind::peer_show);
  show->add_option("session", api.session, "AS number or uuid")->required();
  show->add_option("--node", api.node, "Where an AS peers with several nodes");
  add_move(*peers, "approve", "Have the node set it up; again, after DISABLED or TEARDOWN");
  add_move(*peers, "reject", "Turn a PENDING one down");
  add_move(*peers, "disable", "Take it down and keep the row");
  add_move(*peers, "enable", "Set a disabled one up again");
  CLI::App* remove =
      api_command(*peers, "delete", "Have the node remove it, then forget it", ApiCommand::Kind::peer_delete);
  remove->add_option("session", api.session, "AS number or uuid")->required();
  remove->add_option("--node", api.node, "Where an AS peers with several nodes");
  remove->add_flag("--force", api.force, "Forget it now, without the node: for nodes that are gone for good");
}

}  // namespace

std::variant<CommandLine, int> parse_command_line(int argc, char** argv) {
  auto parser = std::make_unique<Parser>();
  CLI::App app(
      "moenet-controlplane: says what the nodes of a DN42 network should be, and hears what they are.\n\n"
      "  moenet-controlplane serve                                  (systemd does this)\n"
      "  moenet-controlplane node add jp1 --region AS-E             prints the node's token\n"
      "  moenet-controlplane peer add --node jp1 --asn 4242420101 --key KEY --link-local fe80::101 --mp-bgp "
      "--extended-next-hop\n"
      "  moenet-controlplane peer approve 4242420101\n"
      "  moenet-controlplane peer show 4242420101                   what to send to the peer\n\n"
      "The commands use the control plane's own API, with the admin token that its first start put into "
      "STATE-DIR/admin-token.");
  app.set_version_flag("-v,--version", std::string(version_line()));
  app.require_subcommand(1);
  app.add_option("--state-dir", parser->line.state_dir, "Folder of the database and the admin token")
      ->capture_default_str();
  app.add_option("--url", parser->line.url, "Where the control plane is, for node and peer commands")
      ->envname("MOENET_CP_URL")
      ->capture_default_str();
  app.add_option("--token-file", parser->line.token_file, "File with the admin token (default: STATE-DIR/admin-token)");
  app.add_flag("--json", parser->line.json, "Print the API's answer instead of a table");
  app.add_flag("--verbose", parser->line.verbose, "Log more");
  parser->add_serve(app);
  parser->add_nodes(app);
  parser->add_peers(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : kUsage;
  }
  return parser->line;
}

}  // namespace moenet::controlplane
