// Caller: who asks, when it is a person or a program of a person's; nodes are AgentCaller (access.h). Author: the same
// for the audit log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "model/session.h"

namespace moenet::controlplane {

// In order of rights: who may less is less.
enum class Role : std::uint8_t {
  user,   // peers with us: their own AS's sessions
  admin,  // runs the network
  owner,  // and decides who else does
};
// "user"
std::string_view name_of(Role role);
std::optional<Role> role_from(std::string_view name);

// Who changed something, as the audit log keeps it.
struct Author {
  std::string who;      // "owner", "AS4242420101", "node jp1"
  std::string address;  // "" where nobody called from anywhere
};

struct Caller {
  Role role = Role::user;
  model::Asn asn = 0;  // 0 = none
  std::string name;    // as Author's who
  bool by_cookie = false;
  std::string user;             // uuid; "" = the owner
  std::string token;            // uuid of the API token that it came with, or whose web session it is
  std::string csrf;             // of a web session: what X-CSRF-Token must be
  std::int64_t expires_at = 0;  // unix ms; 0 = never
  std::string address;

  Author author() const { return {name, address}; }
};

}  // namespace moenet::controlplane
