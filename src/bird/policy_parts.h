// The texts of bird/policy's files, one function per subject in the source of its name, and what these share. Of no
// interest outside bird/policy*.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "bird/policy.h"
#include "model/routing_policy.h"

namespace moenet::bird {

// Each without the ownership line; empty when there is nothing to say.
std::string policy_base(const PolicyInput& input, const Dialect& dialect);   // 00_base.conf
std::string policy_communities(const PolicyInput& input);                    // 05_communities.conf
std::string policy_tags(const PolicyInput& input);                           // 05_communities.conf, its second half
std::string policy_roa(const PolicyInput& input);                            // 10_roa.conf
std::string policy_filters(const PolicyInput& input);                        // 20_filters.conf
std::string policy_loaded_roas(const PolicyInput& input);                    // 25_loaded_roas.conf
std::string policy_babel(const PolicyInput& input, const Dialect& dialect);  // 30_babel.conf
std::string policy_ibgp(const PolicyInput& input, const Dialect& dialect);   // 40_ibgp.conf
std::string policy_ebgp(const PolicyInput& input, const Dialect& dialect);   // 50_ebgp.conf

struct Family {
  IpFamily family;
  std::string_view channel;   // "ipv4"
  std::string_view net_type;  // "NET_IP4"
  std::string_view roa;       // "roa4"
};
inline constexpr Family kFamilies[] = {{IpFamily::v4, "ipv4", "NET_IP4", "roa4"},
                                       {IpFamily::v6, "ipv6", "NET_IP6", "roa6"}};

// Of a limit on what is exported. On BIRD 3 one that blocks offers what it blocked again and again: 7 routes with a
// limit of 2 cost 64 % of a core, 6,000 updates a second, for as long as they are there (3.1.8; on 2.17.6
// none). A neighbor that is sent too much has a limit of its own; a session that is taken down helps nobody.
inline std::string_view export_limit_action(const Dialect& dialect) {
  return dialect.spins_when_blocked ? "warn" : "block";
}

// RFC 8326.
inline constexpr std::string_view kGracefulShutdown = "(65535, 0)";

// "roa_check(dn42_roa4, 172.22.188.0/26, 4242420998) = ROA_VALID || …": does the table hold a ROA of the network's own?
// Empty for a family without prefixes.
std::string own_roa_is_loaded(const Family& family, const model::RoutingPolicy& policy);

// Without host bits, which BIRD refuses.
IpPrefix network_of(const IpPrefix& prefix);
// The networks of one family, sorted, each once.
std::vector<IpPrefix> networks_of(std::span<const IpPrefix> prefixes, IpFamily family);

// "(64511, 3)", "(4242420998, 1, 100)".
std::string text_of(const model::Community& community);
std::string text_of(const model::LargeCommunity& community);
// "[ a, b ]"; BIRD has no empty set, so there must be a member.
std::string set_of(std::span<const std::string> members);
// The set of networks, each with BIRD's suffix for what is within: "" only itself, "+" all, "{32,32}" hosts.
std::string set_of(std::span<const IpPrefix> networks, std::string_view suffix);

}  // namespace moenet::bird
