// 00_base.conf: what BIRD is here, and where routes go and come from besides the neighbors.
#include <fmt/format.h>

#include "bird/policy_parts.h"
#include "bird/render.h"

namespace moenet::bird {
namespace {

// The kernel gets what was learned: nothing of its own back, and not the statics, whose `reject` would hide the routes
// that the machine has besides BIRD.
std::string kernel(const Family& family, const std::optional<IpAddress>& loopback) {
  const std::string prefer = loopback ? fmt::format("    krt_prefsrc = {};\n", loopback->text()) : "";
  return fmt::format(R"(
protocol kernel kernel_{0}
{{
  scan time 20;
  {0} {{ import none; export filter {{
    if source != RTS_BGP && source != RTS_BABEL then reject;
{1}    accept;
  }}; }};
}}
)",
                     family.channel, prefer);
}

std::string statics(const Family& family, const std::vector<IpPrefix>& own) {
  const std::vector<IpPrefix> networks = networks_of(own, family.family);
  if (networks.empty()) return "";
  std::string out = fmt::format("\nprotocol static own_{0}\n{{\n  {0} {{ preference 50; }};\n", family.channel);
  for (const IpPrefix& network : networks) out += fmt::format("  route {} reject;\n", network.text());
  return out + "}\n";
}

}  // namespace

std::string policy_base(const PolicyInput& input) {
  const model::PolicyNode& node = input.policy.node;
  std::string out = fmt::format(
      "# Maintenance: neighbors are asked to route around this node (GRACEFUL_SHUTDOWN, RFC 8326).\n"
      "define MOENET_DRAIN = {};\n",
      input.is_draining);
  out += kernel(kFamilies[0], node.loopback_ipv4) + kernel(kFamilies[1], node.loopback_ipv6);
  out += fmt::format(
      "\n# The loopbacks, for Babel.\nprotocol direct loopbacks\n{{\n  ipv4;\n  ipv6;\n  interface {};\n}}\n",
      quote(input.loopback_link));
  std::string own;
  for (const Family& family : kFamilies) own += statics(family, input.policy.policy.own_prefixes);
  if (own.empty()) return out;
  return out +
         "\n# This network's own prefixes. Any other route to one of them is better; parts of them come over iBGP." +
         own;
}

}  // namespace moenet::bird
