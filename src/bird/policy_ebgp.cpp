// 50_ebgp.conf: what all sessions with other networks have in common.
#include <fmt/format.h>

#include "bird/policy_parts.h"

namespace moenet::bird {

// A channel is closed until a session's file opens it. `block` keeps a session up that exceeds its limit: BIRD's own
// default takes it down. Without an import table no route goes through the filters again when a ROA
// changes (measured on 2.0.12 and 3.1.8: "Automatic RPKI reload not active for import").
std::string policy_ebgp(const PolicyInput& input, const Dialect& dialect) {
  const model::RoutingPolicy& policy = input.policy.policy;
  std::string out = fmt::format("template bgp {}\n{{\n  local as {};\n  enable extended messages on;\n",
                                input.names.peer_template, policy.asn);
  for (const Family& family : kFamilies) {
    out += fmt::format(
        "  {} {{\n    import none;\n    export none;\n    import keep filtered on;\n"
        "    import table on;\n",
        family.channel);
    out += fmt::format("    import limit {} action block;\n    export limit {} action {};\n  }};\n",
                       policy.ebgp_import_limit, policy.ebgp_export_limit, export_limit_action(dialect));
  }
  return out + "}\n";
}

}  // namespace moenet::bird
