// What libnftables is told, as JSON (libnftables-json(5)): the commands that make, change and remove our one table. Its
// chains and rules are constant; only its sets vary. Pure: no kernel. What libnftables answers is
// nftables_listing.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace moenet::net {

// The one table that is ours, of family inet. Everything in it is ours to change; nothing outside it is.
inline constexpr std::string_view kFirewallTable = "moenet";

// Its sets: of inet_service, ifname, ipv4_addr and ipv6_addr.
inline constexpr std::string_view kPortSet = "udp_ports";
inline constexpr std::string_view kTunnelSet = "tunnels";
inline constexpr std::string_view kGreSet = "gre_peers";
inline constexpr std::string_view kIp6GreSet = "ip6gre_peers";

// Set in the mark of every packet that our table lets in or carries from tunnel to tunnel: an accept in our chain does
// not save a packet from a later chain's drop, but that chain can accept what has the mark. One bit, set by "or",
// because marks are shared. Chosen outside of the bits of others: Docker 0x1, 0x2000; Kubernetes 0xc000; Cilium 0x0f00;
// Tailscale 0xff0000; wg-quick 0xca6c.
inline constexpr std::uint32_t kFirewallMark = 0x0400'0000;

struct FirewallRules {
  std::vector<std::uint16_t> udp_ports;        // open to all; sorted, unique, never 0
  std::vector<std::string> tunnel_interfaces;  // exact names; sorted, unique; 1…15 bytes of [A-Za-z0-9_.-]
  std::vector<IpAddress> gre_peers{};          // whose protocol 47 is let in; sorted, unique

  friend bool operator==(const FirewallRules&, const FirewallRules&) = default;
};

// 1…15 bytes of [A-Za-z0-9_.-], neither "." nor "..". Nothing of it means anything to nft.
bool is_interface_name(std::string_view name);

// Errors: invalid, which names the first value that breaks what FirewallRules promises.
Result<void> validate(const FirewallRules& rules);

// Commands, each a whole transaction: all of it is done or nothing. REQUIRES: validate(rules).
std::string encode_replacement(const FirewallRules& rules);  // makes the table anew, whatever is there
// Only the set elements that differ. Empty when nothing does. It is refused by the kernel when `from` is not what is
// there.
std::string encode_change(const FirewallRules& from, const FirewallRules& to);
std::string encode_removal();  // no error when the table is absent
std::string encode_table_query();
std::string encode_chains_query();

// What a listing of the table says, made of `rules` and changed by nobody, in the form of nft 1.0.6 and 1.1.3.
std::string encode_listing(const FirewallRules& rules);

}  // namespace moenet::net
