// The command line: what was asked for, as values. Commands act in commands.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace moenet::controlplane {

// Neither: as the configuration says.
struct DatabaseOptions {
  std::string db;       // a file or a URI without a password
  std::string db_file;  // a file with the URI
};

// serve, and check-config of the same words. What is empty is as the configuration says (server_config.h).
struct ServeCommand {
  DatabaseOptions database;
  std::vector<std::string> listen;
  std::string shared_key_file;
  std::string registry;
  std::string public_url;
  std::string metrics_token_file;
  bool private_webhooks = false;
  bool only_check = false;
};

// One call of the admin API, and how to show its answer.
struct ApiCommand {
  enum class Kind : std::uint8_t {
    node_add,
    node_list,
    node_show,
    node_change,
    node_delete,
    node_token,
    node_bootstrap,
    peer_add,
    peer_list,
    peer_show,
    peer_move,
    peer_delete,
    node_revoke,
    user_list,
    user_add,
    user_change,
    user_delete,
    token_list,
    token_add,
    token_revoke,
    peering_show,
    peering_change,
    audit
  };
  Kind kind = Kind::node_list;
  std::string node;     // name; a filter for lists
  std::string session;  // AS number or uuid
  std::string move;     // "approve"
  std::string reason;
  std::string status;   // filter of peer list
  std::string subject;  // user name, token id; of audit: the object
  std::string who;      // of audit
  int limit = 100;      // of audit
  bool force = false;
  std::string body;        // JSON of an add or a change
  std::string public_url;  // of node bootstrap; "" = the one that the command itself uses
  std::string psk_file;
  std::string password_file;
};

// What is done to a database itself.
struct DatabaseCommand {
  enum class Kind : std::uint8_t { backup, restore, copy };
  Kind kind = Kind::backup;
  DatabaseOptions database;
  std::string file;      // the backup
  bool replace = false;  // of restore: what is there may go
  std::string to;        // of copy, as DatabaseOptions::db
  std::string to_file;   // as db_file
};

struct CommandLine {
  std::string config_file;  // "" = the usual one, when it is there
  std::string state_dir;    // "" = as the configuration says
  std::string url = "http://127.0.0.1:8080";
  std::string token_file;  // "" = STATE-DIR/admin-token
  bool json = false;
  bool verbose = false;
  std::variant<ServeCommand, ApiCommand, DatabaseCommand> command;
};

// Either a command, or that the program ends here with this status (after --help, -v, or a mistake, which was told on
// stderr).
std::variant<CommandLine, int> parse_command_line(int argc, char** argv);

}  // namespace moenet::controlplane
