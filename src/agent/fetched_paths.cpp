#include "agent/fetched_paths.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace moenet::agent {

namespace json = boost::json;

namespace {

// BIRD's folders as its packages and its own build have them; those of keys as the field has them. A key's file must be
// called one, so that neither a configuration beside it nor a private key is taken for the public one and overwritten.
struct PathMember {
  std::string_view section, key;
  std::array<std::string_view, 3> folders;
  std::array<std::string_view, 2> ends;
};
constexpr std::array<PathMember, 4> kPaths{{
    {"bird", "controlSocket", {"/run", "/var/run", "/usr/local/var/run"}, {".ctl", ".ctl"}},
    {"bird", "peerConfDir", {"/etc/bird", "/usr/local/etc/bird", "/etc/bird"}, {"", ""}},
    {"wireguard", "privateKeyPath", {"/etc/wireguard", "/etc/moenet-agent", "/etc/wireguard"}, {".key", ".key"}},
    {"wireguard", "publicKeyPath", {"/etc/wireguard", "/etc/moenet-agent", "/etc/wireguard"}, {"/public.key", ".pub"}},
}};

// By its words alone; what is a link there was made by somebody who may.
bool is_below(std::string_view path, std::string_view folder) {
  while (folder.ends_with('/')) folder.remove_suffix(1);
  return path.size() > folder.size() + 1 && path.starts_with(folder) && path[folder.size()] == '/' &&
         std::filesystem::path(path).lexically_normal() == path;
}

}  // namespace

std::vector<model::JsonFault> faults_of_paths(const json::object& members, const std::vector<std::string>& more) {
  std::vector<model::JsonFault> faults;
  for (const PathMember& member : kPaths) {
    const json::value* section = members.if_contains(member.section);
    const json::value* value =
        section != nullptr && section->is_object() ? section->get_object().if_contains(member.key) : nullptr;
    if (value == nullptr || !value->is_string()) continue;
    const std::string_view path = value->get_string();
    const auto holds_it = [&](std::string_view folder) { return is_below(path, folder); };
    const bool ends_well = std::ranges::any_of(member.ends, [&](auto end) { return path.ends_with(end); });
    if ((std::ranges::any_of(member.folders, holds_it) && ends_well) || std::ranges::any_of(more, holds_it)) continue;
    const std::string_view end = member.ends.front();
    faults.push_back(
        {fmt::format("{}.{}", member.section, member.key), model::describe_json(*value),
         fmt::format("a path that the control plane may name (below {}{}{}); the node's own file may name any, or "
                     "its folder in controlPlane.pathsBelow",
                     member.folders.front(), end.empty() ? "" : ", and ending in ", end)});
  }
  return faults;
}

}  // namespace moenet::agent
