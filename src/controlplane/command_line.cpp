#include "controlplane/command_line.h"

#include <memory>
#include <string_view>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "controlplane/node_command_line.h"
#include "controlplane/peering_command_line.h"
#include "controlplane/people_command_line.h"
#include "controlplane/version.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

constexpr int kUsage = 64;  // EX_USAGE of sysexits.h

// The options of `peer add`, as typed; they become the admin API's members.
struct PeerOptions {
  std::string node, name, description, type, key, endpoint, ipv4, ipv6, link_local, interface_name, policy;
  std::int64_t asn = 0, port = -1, gre_key = -1, mtu = 0, import_limit = 0, bandwidth = 0;
  bool mp_bgp = false, extended_next_hop = false, approve = false;
};

void put(json::object& body, std::string_view member, const std::string& value) {
  if (!value.empty()) body[member] = value;
}

std::string body_of(const PeerOptions& options) {
  json::object body{{"node", options.node}, {"asn", options.asn}};
  put(body, "type", options.type);
  put(body, "publicKey", options.key);
  put(body, "name", options.name);
  put(body, "description", options.description);
  put(body, "endpoint", options.endpoint);
  put(body, "ipv4", options.ipv4);
  put(body, "ipv6", options.ipv6);
  put(body, "ipv6LinkLocal", options.link_local);
  put(body, "interface", options.interface_name);
  put(body, "policy", options.policy);
  if (options.port >= 0) body["port"] = options.port;
  if (options.gre_key >= 0) body["greKey"] = options.gre_key;
  if (options.mtu != 0) body["mtu"] = options.mtu;
  if (options.import_limit != 0) body["importLimit"] = options.import_limit;
  if (options.bandwidth != 0) body["bandwidthMbit"] = options.bandwidth;
  if (options.mp_bgp) body["mpBgp"] = true;
  if (options.extended_next_hop) body["extendedNextHop"] = true;
  if (options.approve) body["approve"] = true;
  return json::serialize(body);
}

struct Parser {
  CommandLine line;
  ServeCommand serve;
  ApiCommand api;
  DatabaseCommand database;
  PeerOptions peer;

  void add_serve(CLI::App& app);
  void add_databases(CLI::App& app);
  void add_serve_options(CLI::App& command);
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
    if (kind == ApiCommand::Kind::peer_add) api.body = body_of(peer);
    line.command = api;
  });
  return command;
}

void add_database_options(CLI::App& command, DatabaseOptions& options) {
  auto* name = command.add_option("--db", options.db,
                                  "Database: a file, made when absent, or postgresql://USER@HOST/DATABASE without a "
                                  "password (default: the configuration's, STATE-DIR/moenet.db)");
  command
      .add_option("--db-file", options.db_file,
                  "File with the postgresql:// URI, which may have a password (mode 0600)")
      ->excludes(name);
}

void Parser::add_databases(CLI::App& app) {
  const auto add = [&](const char* name, const char* help, DatabaseCommand::Kind kind) {
    CLI::App* command = app.add_subcommand(name, help);
    command->fallthrough();
    add_database_options(*command, database.database);
    command->callback([this, kind] {
      database.kind = kind;
      line.command = database;
    });
    return command;
  };
  add("backup", "Copy the whole database, in use or not, to a new file (SQLite, mode 0600)",
      DatabaseCommand::Kind::backup)
      ->add_option("file", database.file, "The new file")
      ->required();
  CLI::App* restore = add("restore", "Fill the database from a backup; a database file must not be in use",
                          DatabaseCommand::Kind::restore);
  restore->add_option("file", database.file, "The backup")->required();
  restore->add_flag("--replace", database.replace, "Also when the database is not empty: what is there goes");
  CLI::App* copy = add("copy", "Copy the whole database to another, empty one: the way from SQLite to PostgreSQL",
                       DatabaseCommand::Kind::copy);
  CLI::Option_group* target = copy->add_option_group("target");
  target->add_option("--to", database.to, "The other database, as --db");
  target->add_option("--to-file", database.to_file, "File with its URI, as --db-file");
  target->require_option(1);
}

void Parser::add_serve_options(CLI::App& command) {
  command.fallthrough();
  add_database_options(command, serve.database);
  command.add_option("--listen", serve.listen,
                     "ADDRESS:PORT or https://ADDRESS:PORT, as often as needed (default: 127.0.0.1:8080)");
  command.add_option("--shared-key-file", serve.shared_key_file,
                     "File with a key that is every node's, as older agents have it (mode 0600)");
  command.add_option("--registry", serve.registry,
                     "Folder of the DN42 registry, as in its clone: its maintainers can sign in as their AS");
  command.add_option("--metrics-token-file", serve.metrics_token_file,
                     "File with a token that opens /metrics and nothing else (mode 0600)");
  command.add_flag("--private-webhooks", serve.private_webhooks,
                   "Webhooks may lead to addresses that are not the internet's: loopback, private networks, DN42");
  command.add_option("--public-url", serve.public_url,
                     "Where nodes and browsers reach it, https://NAME; else it takes itself for what --listen says");
}

void Parser::add_serve(CLI::App& app) {
  CLI::App* command =
      app.add_subcommand("serve", "Run the control plane: what nodes ask, and the API of the commands below");
  add_serve_options(*command);
  command->callback([this] { line.command = serve; });
  CLI::App* check = app.add_subcommand("check-config", "Name every fault of the configuration, and start nothing");
  add_serve_options(*check);
  check->callback([this] {
    serve.only_check = true;
    line.command = serve;
  });
}

void Parser::add_peer_add(CLI::App& peers) {
  CLI::App* add =
      api_command(peers, "add", "Add a peering session; it is PENDING until approved", ApiCommand::Kind::peer_add);
  add->add_option("--node", peer.node, "Our node")->required();
  add->add_option("--asn", peer.asn, "The peer's AS number")->required();
  add->add_option("--type", peer.type, "wireguard, gre or ip6gre (default wireguard)");
  add->add_option("--key", peer.key, "The peer's WireGuard public key");
  add->add_option("--gre-key", peer.gre_key, "Of GRE, where both ends have one: a number");
  add->add_option("--endpoint", peer.endpoint, "The peer's HOST:PORT, of GRE its HOST (default: the peer calls us)");
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
  add->add_option("--bandwidth", peer.bandwidth, "Of the link's slower direction, in Mbit/s, for DN42's community");
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
  app.add_option("-c,--config", parser->line.config_file,
                 "Configuration file (default: /etc/moenet-controlplane/config.json, when it is there)");
  app.add_option("--state-dir", parser->line.state_dir,
                 "Folder of the database and the admin token (default: /var/lib/moenet-controlplane)");
  app.add_option("--url", parser->line.url, "Where the control plane is, for node and peer commands")
      ->envname("MOENET_CP_URL")
      ->capture_default_str();
  app.add_option("--token-file", parser->line.token_file, "File with the admin token (default: STATE-DIR/admin-token)");
  app.add_flag("--json", parser->line.json, "Print the API's answer instead of a table");
  app.add_flag("--verbose", parser->line.verbose, "Log more");
  parser->add_serve(app);
  parser->add_databases(app);
  add_node_commands(app, parser->line);
  parser->add_peers(app);
  add_peering_commands(app, parser->line);
  add_people_commands(app, parser->line);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? 0 : kUsage;
  }
  return parser->line;
}

}  // namespace moenet::controlplane
