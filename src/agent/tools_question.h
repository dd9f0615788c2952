// The tools of the agent's API, /ping /tcping /trace /route /path /dig (wire contract A12) and /mtu: what is asked,
// read at the door into values, so that nothing behind it ever sees a caller's text. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <boost/json/fwd.hpp>

#include "base/ip.h"
#include "base/result.h"
#include "net/dns_message.h"

namespace moenet::agent {

enum class Tool : std::uint8_t { ping, tcping, trace, route, path, dig, mtu };
inline constexpr Tool kTools[] = {Tool::ping, Tool::tcping, Tool::trace, Tool::route, Tool::path, Tool::dig, Tool::mtu};
std::string_view name_of(Tool tool);  // "ping": also its path and its command
std::optional<Tool> tool_from(std::string_view name);

struct HostName {
  std::string text;  // RFC 1123; to be looked up
  friend bool operator==(const HostName&, const HostName&) = default;
};
// A link-local address of IPv6, which means something on a link only: "fe80::1%dn42_1". Whose link it is, is not known
// here.
struct ScopedAddress {
  IpAddress address;
  std::string interface_name;

  std::string text() const { return address.text() + "%" + interface_name; }
  friend bool operator==(const ScopedAddress&, const ScopedAddress&) = default;
};
using Host = std::variant<IpAddress, HostName>;
using Reached = std::variant<IpAddress, ScopedAddress, HostName>;  // an IpAddress in it is not link-local of IPv6

// "target: 'fe80::1' is not a link-local address with an interface of this agent's, …": its interface is missing, is
// none, or is somebody else's.
Error no_link_of_ours(std::string_view target);

struct PingQuestion {
  Reached target;
  friend bool operator==(const PingQuestion&, const PingQuestion&) = default;
};
struct TcpingQuestion {
  Reached target;
  std::uint16_t port = 0;
  friend bool operator==(const TcpingQuestion&, const TcpingQuestion&) = default;
};
struct TraceQuestion {
  Reached target;
  friend bool operator==(const TraceQuestion&, const TraceQuestion&) = default;
};
struct RouteQuestion {
  std::variant<IpAddress, IpPrefix, HostName> target;
  friend bool operator==(const RouteQuestion&, const RouteQuestion&) = default;
};
struct PathQuestion {
  Host target;
  friend bool operator==(const PathQuestion&, const PathQuestion&) = default;
};
struct DigQuestion {
  std::string name;
  net::DnsType type = net::DnsType::a;
  std::optional<IpAddress> server;  // absent: the system's
  friend bool operator==(const DigQuestion&, const DigQuestion&) = default;
};
struct MtuQuestion {
  Host target;
  friend bool operator==(const MtuQuestion&, const MtuQuestion&) = default;
};
using ToolQuestion =
    std::variant<PingQuestion, TcpingQuestion, TraceQuestion, RouteQuestion, PathQuestion, DigQuestion, MtuQuestion>;

// The body: `{target}`; of tcping also `port`, unless the target ends in one ("[fe80::1%dn42_1]:179"); of dig also
// `type` (A, or PTR where the target is an address) and `server`. Errors: invalid, with what is wrong.
Result<ToolQuestion> read_tool_question(Tool tool, std::string_view body);
Result<ToolQuestion> tool_question_in(Tool tool, const boost::json::value& body);

}  // namespace moenet::agent
