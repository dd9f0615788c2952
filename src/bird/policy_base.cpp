// 00_base.conf: what BIRD is here, and where routes go and come from besides the neighbors.
#include <fmt/format.h>

#include "bird/policy_parts.h"
#include "bird/render.h"

namespace moenet::bird {
namespace {

// The kernel gets what was learned: nothing of its own back, and not the statics, whose `reject` would hide the routes
// that the machine has besides BIRD.
std::string kernel(const Family& family, const std::optional<IpAddress>& loopback, int scan_seconds) {
  const std::string prefer = loopback ? fmt::format("    krt_prefsrc = {};\n", loopback->text()) : "";
  return fmt::format(R"(
protocol kernel kernel_{0}
{{
  scan time {2};
  {0} {{ import none; export filter {{
    if source != RTS_BGP && source != RTS_BABEL then reject;
{1}    accept;
  }}; }};
}}
)",
                     family.channel, prefer, scan_seconds);
}

// The scan mends what somebody else did to the kernel's routes. 3.1.8 needs it for more (decision 0007): a route that
// gives way to another and comes back before the next scan is not written, when its number is one that the last scan
// has seen. 2.0.12 and 2.17.6 write it.
constexpr int kScanSeconds = 20, kScanSecondsOfTrusting = 1;

// Babel tells of a cost that changes with its next update (it hurries only where a way comes, goes or gets another
// origin: babel_rt_notify() of proto/babel/babel.c). While that is of interest updates come four times as often.
constexpr int kUpdateSeconds = 16, kUpdateSecondsDrained = 4;

std::string statics(const Family& family, const std::vector<IpPrefix>& own) {
  const std::vector<IpPrefix> networks = networks_of(own, family.family);
  if (networks.empty()) return "";
  std::string out = fmt::format("\nprotocol static own_{0}\n{{\n  {0} {{ preference 50; }};\n", family.channel);
  for (const IpPrefix& network : networks) out += fmt::format("  route {} reject;\n", network.text());
  return out + "}\n";
}

}  // namespace

std::string policy_base(const PolicyInput& input, const Dialect& dialect) {
  const model::PolicyNode& node = input.policy.node;
  std::string out = fmt::format(
      "# Maintenance: neighbors are asked to route around this node (GRACEFUL_SHUTDOWN, RFC 8326), and the mesh by "
      "what\n"
      "# ways through it are said to cost. When they have done so, this node does.\n"
      "define MOENET_DRAIN = {};\ndefine MOENET_LEAVE = {};\ndefine MOENET_MESH_UPDATE = {};\n",
      input.drain != Drain::off, input.drain == Drain::leaves,
      input.drain == Drain::off ? kUpdateSeconds : kUpdateSecondsDrained);
  const int scan = dialect.trusts_kernel_scan ? kScanSecondsOfTrusting : kScanSeconds;
  out += kernel(kFamilies[0], node.loopback_ipv4, scan) + kernel(kFamilies[1], node.loopback_ipv6, scan);
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
