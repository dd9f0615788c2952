#include "model/session.h"

#include <algorithm>

namespace moenet::model {

std::string_view name_of(SessionStatus status) {
  switch (status) {
    case SessionStatus::deleted: return "DELETED";
    case SessionStatus::disabled: return "DISABLED";
    case SessionStatus::enabled: return "ENABLED";
    case SessionStatus::pending: return "PENDING";
    case SessionStatus::queued_for_setup: return "QUEUED_FOR_SETUP";
    case SessionStatus::queued_for_delete: return "QUEUED_FOR_DELETE";
    case SessionStatus::problem: return "PROBLEM";
    case SessionStatus::teardown: return "TEARDOWN";
    case SessionStatus::rejected: return "REJECTED";
  }
  return "UNKNOWN";
}

std::optional<SessionStatus> session_status_from_int(std::int64_t value) {
  if (value < 0 || value > static_cast<std::int64_t>(SessionStatus::rejected)) return std::nullopt;
  return static_cast<SessionStatus>(value);
}

std::string_view name_of(TunnelType type) {
  switch (type) {
    case TunnelType::wireguard: return "wireguard";
    case TunnelType::gre: return "gre";
    case TunnelType::ip6gre: return "ip6gre";
    case TunnelType::loopback: return "loopback";
  }
  return "unknown";
}

std::optional<IpFamily> gre_family(TunnelType type) {
  if (type == TunnelType::gre) return IpFamily::v4;
  return type == TunnelType::ip6gre ? std::optional(IpFamily::v6) : std::nullopt;
}

bool is_interface_name(std::string_view name) {
  constexpr std::size_t kMost = 15;  // IFNAMSIZ - 1, linux/if.h
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == '-';
  };
  const bool is_special = name == "." || name == ".." || name == "all" || name == "default";
  return !name.empty() && name.size() <= kMost && !is_special && std::ranges::all_of(name, is_allowed);
}

std::string_view name_of(SessionPolicy policy) {
  switch (policy) {
    case SessionPolicy::full: return "full";
    case SessionPolicy::peer: return "peer";
    case SessionPolicy::upstream: return "upstream";
    case SessionPolicy::downstream: return "downstream";
  }
  return "unknown";
}

bool is_bird_password(std::string_view password) {
  return std::ranges::all_of(password, [](char c) { return c >= ' ' && c <= '~' && c != '"'; });
}

}  // namespace moenet::model
