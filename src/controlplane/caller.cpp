#include "controlplane/caller.h"

namespace moenet::controlplane {

std::string_view name_of(Role role) {
  switch (role) {
    case Role::user: return "user";
    case Role::admin: return "admin";
    case Role::owner: return "owner";
  }
  return "";
}

std::optional<Role> role_from(std::string_view name) {
  for (const auto role : {Role::user, Role::admin, Role::owner}) {
    if (name_of(role) == name) return role;
  }
  return std::nullopt;
}

}  // namespace moenet::controlplane
