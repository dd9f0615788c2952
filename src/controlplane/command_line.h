// The command line: what was asked for, as values. Commands act in commands.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace moenet::controlplane {

struct ServeCommand {
  std::string db;  // "" = STATE-DIR/moenet.db
  std::string listen = "127.0.0.1:8080";
  std::string shared_key_file;  // "" = only node tokens
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
    peer_delete
  };
  Kind kind = Kind::node_list;
  std::string node;     // name; a filter for lists
  std::string session;  // AS number or uuid
  std::string move;     // "approve"
  std::string reason;
  std::string status;  // filter of peer list
  bool force = false;
  std::string body;        // JSON of an add or a change
  std::string public_url;  // of node bootstrap; "" = the one that the command itself uses
  std::string psk_file;
  std::string password_file;
};

struct CommandLine {
  std::string state_dir = "/var/lib/moenet-controlplane";
  std::string url = "http://127.0.0.1:8080";
  std::string token_file;  // "" = STATE-DIR/admin-token
  bool json = false;
  bool verbose = false;
  std::variant<ServeCommand, ApiCommand> command;
};

// Either a command, or that the program ends here with this status (after --help, -v, or a mistake, which was told on
// stderr).
std::variant<CommandLine, int> parse_command_line(int argc, char** argv);

}  // namespace moenet::controlplane
