// 30_babel.conf: Babel (RFC 8966) between the loopbacks over whatever mesh links there are (decision 0007).
#include <fmt/format.h>

#include "bird/policy_parts.h"

namespace moenet::bird {
namespace {

// What a way through a drained node costs more. It is more than seven links of the longest round trip (96 + 960 each),
// so that any way of so many links around the node is better; and seven drained nodes in a row, where there is no other
// way, are still nearer than infinity (65535).
constexpr int kDrainedTransit = 8192;

std::string channel(const Family& family, const std::vector<IpPrefix>& own) {
  const std::vector<IpPrefix> networks = networks_of(own, family.family);
  if (networks.empty()) return "";
  const std::string loopbacks = set_of(networks, family.family == IpFamily::v4 ? "{32,32}" : "{128,128}");
  return fmt::format(R"(  {0} {{
    import where net ~ {1};
    export filter {{
      if net !~ {1} then reject;
      if source = RTS_DEVICE then accept;
      if source != RTS_BABEL then reject;
      if MOENET_DRAIN then babel_metric = babel_metric + {2};
      accept;
    }};
  }};
)",
                     family.channel, loopbacks, kDrainedTransit);
}

// The round trip counts from 2 ms (below is one place) to 300 ms (DN42's longest links), chosen so that 10 ms weigh
// about 32 and one more hop, 96, as much as 30 ms. A 2.0.12 sends no timestamps: links to it count as hops only.
constexpr std::string_view kRoundTrip = "    type tunnel;\n    rtt cost 960;\n    rtt min 2 ms;\n    rtt max 300 ms;\n";
constexpr std::string_view kHops = "    type wired;\n";
// A link is down below 12 of the last 16 hellos (BIRD's `limit`) and up from there. At BIRD's hello of 4 s that is 20 s
// after a cut, which is later than BFD ends iBGP, and up to 50 s after its mending; at 1 s it is 5 s, of which 7 to 10
// were seen, and 12 to 16 s.
constexpr std::string_view kPace = "    hello interval 1 s;\n    update interval MOENET_MESH_UPDATE s;\n";

}  // namespace

std::string policy_babel(const PolicyInput& input, const Dialect& dialect) {
  if (!input.has_mesh) return "";
  std::string channels;
  for (const Family& family : kFamilies) channels += channel(family, input.policy.policy.own_prefixes);
  if (channels.empty()) return "";
  return fmt::format(
      "# Loopbacks only. Links come and go without a change here.\nprotocol babel mesh\n{{\n{}  interface \"{}\" "
      "{{\n{}{}  }};\n}}\n",
      channels, kMeshInterfaces, dialect.has_babel_rtt ? kRoundTrip : kHops, kPace);
}

}  // namespace moenet::bird
