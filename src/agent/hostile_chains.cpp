#include "agent/hostile_chains.h"

#include <fmt/format.h>

#include "base/log.h"
#include "net/nftables.h"

namespace moenet::agent {
namespace {

constexpr std::chrono::seconds kWithin{3};

}  // namespace

Result<std::vector<std::string>> hostile_chains() {
  TRY(auto ruleset, net::Ruleset::open());
  TRY(const auto chains, ruleset.hostile_chains(Deadline::after(kWithin)));
  std::vector<std::string> all;
  for (const net::HostileChain& chain : chains) {
    all.push_back(fmt::format("chain {} of table {} {} ({}, policy drop)", escape_for_log(chain.chain, 64),
                              chain.family, escape_for_log(chain.table, 64), chain.hook));
  }
  return all;
}

std::string hostile_chains_remedy() {
  return fmt::format(
      "let it accept what bears our mark: `meta mark & {0:#010x} == {0:#010x} accept`, with "
      "firewall.mode \"nftables\" (docs/operations.md, Firewall)",
      net::kFirewallMark);
}

}  // namespace moenet::agent
