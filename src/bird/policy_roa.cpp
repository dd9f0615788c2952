// 10_roa.conf: where the tables of route origin authorizations (RFC 6482) are filled from. The tables are always there:
// files of the operator's own may fill them too. 25_loaded_roas.conf: whether they are filled.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "bird/policy_parts.h"
#include "bird/roa_state.h"

namespace moenet::bird {
namespace {

// `rpki_` and not `roa_`: a server may be named "check", and `roa_check` is a word of BIRD's language, which 2.0.12
// and 3.1.8 take for that even between apostrophes. Times as DN42's wiki has them; expire: 2 days (decision 0007).
std::string server_protocol(const model::RpkiServer& server) {
  const std::optional<IpAddress> address = server.remote.address();
  return fmt::format(R"(
protocol rpki rpki_{}
{{
  roa4 {{ table dn42_roa4; }};
  roa6 {{ table dn42_roa6; }};
  remote {} port {};
  retry keep 90;
  refresh keep 900;
  expire keep 172800;
}}
)",
                     server.name, address ? address->text() : quote(server.remote.host), server.remote.port);
}

// One whose greatest length is none for its prefix is malformed (RFC 6482, 3.3) and authorizes nothing.
bool is_well_formed(const Roa& roa) {
  return roa.max_length >= roa.prefix.length && roa.max_length <= roa.prefix.address.bits();
}

std::string statics(const Family& family, const std::vector<Roa>& roas) {
  std::string routes;
  for (const Roa& roa : roas) {
    if (roa.prefix.address.family() != family.family || !is_well_formed(roa)) continue;
    routes += fmt::format("  route {} max {} as {};\n", network_of(roa.prefix).text(), roa.max_length, roa.asn);
  }
  if (routes.empty()) return "";
  return fmt::format("\nprotocol static static_{0}\n{{\n  {0} {{ table dn42_{0}; }};\n{1}}}\n", family.roa, routes);
}

}  // namespace

std::string policy_roa(const PolicyInput& input) {
  std::string out = "roa4 table dn42_roa4;\nroa6 table dn42_roa6;\n";
  std::map<std::string, model::RpkiServer> servers;  // in the order of names: the control plane's is none
  for (const model::RpkiServer& server : input.policy.policy.rpki_servers) servers.emplace(server.name, server);
  for (const auto& [name, server] : servers) out += server_protocol(server);
  std::vector<Roa> roas = input.roas;
  std::sort(roas.begin(), roas.end());
  roas.erase(std::unique(roas.begin(), roas.end()), roas.end());
  for (const Family& family : kFamilies) out += statics(family, roas);
  return out;
}

std::string own_roa_is_loaded(const Family& family, const model::RoutingPolicy& policy) {
  std::vector<std::string> checks;
  for (const IpPrefix& own : networks_of(policy.own_prefixes, family.family))
    checks.push_back(has_roa(own, policy.asn));
  return fmt::format("{}", fmt::join(checks, " || "));
}

std::string policy_loaded_roas(const PolicyInput& input) {
  std::string lines;
  int weight = 1;
  for (const Family& family : kFamilies) {
    const std::string loaded = own_roa_is_loaded(family, input.policy.policy);
    if (!loaded.empty()) lines += fmt::format("  if {} then families = families + {};\n", loaded, weight);
    weight *= 2;
  }
  if (lines.empty()) return "";
  return fmt::format(
      R"(# Whose ROAs the filters see: 1 IPv4, 2 IPv6. When it changes they must be asked again for all routes.
function {}() -> int
int families;
{{
  families = 0;
{}  return families;
}}
)",
      kLoadedRoas, lines);
}

}  // namespace moenet::bird
