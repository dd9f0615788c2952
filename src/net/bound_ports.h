// Which ports are bound in this network namespace, and by which process (proc(5): /proc/net/udp, tcp and their v6
// twins; /proc/PID/fd). Only read: nothing is bound to find out.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/ip.h"

namespace moenet::net {

struct BoundSocket {
  Endpoint local;
  std::uint64_t inode = 0;  // names the socket in /proc/PID/fd; the kernel's own have no process

  friend bool operator==(const BoundSocket&, const BoundSocket&) = default;
};

// All UDP sockets; all TCP sockets that listen. Empty where /proc cannot be read.
std::vector<BoundSocket> bound_udp_sockets();
std::vector<BoundSocket> listening_tcp_sockets();

struct SocketOwner {
  pid_t pid = 0;
  std::vector<std::string> words;  // of its command line; from outside: escape it wherever it goes

  std::string name() const;  // the program without its folder, printable, "?" when unknown
};
// The process that holds each of the sockets, as far as this user may see; one that is absent is the kernel's own or
// another user's.
std::map<std::uint64_t, SocketOwner> owners_of(const std::set<std::uint64_t>& inodes);

// The rows of a table's text, with `state` (hexadecimal, "0A" is a listening TCP socket) or, when it is empty, all.
// Lines that make no sense are passed over. Pure.
std::vector<BoundSocket> parse_socket_table(std::string_view text, std::string_view state);

}  // namespace moenet::net
