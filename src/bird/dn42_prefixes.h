// The prefixes that DN42 and the networks it exchanges routes with use (DN42 wiki, 2026-08), as sets in BIRD's
// language.
#pragma once

#include <string_view>

namespace moenet::bird {

// Statements that refuse all others.
inline constexpr std::string_view kRefuseOtherPrefixes = R"(  if net.type = NET_IP4 then {
    if ! (net ~ [ 172.20.0.0/14{21,29}, 172.20.0.0/24{28,32}, 172.21.0.0/24{28,32}, 172.22.0.0/24{28,32},
                  172.23.0.0/24{28,32}, 172.31.0.0/16+, 10.100.0.0/14+, 10.127.0.0/16+, 10.0.0.0/8{15,24} ]) then reject;
  }
  if net.type = NET_IP6 then {
    if ! (net ~ [ fd00::/8{44,64} ]) then reject;
  }
)";

}  // namespace moenet::bird
