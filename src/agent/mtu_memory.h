// What searches of its path said of each tunnel's MTU, damped, and its text in the state file, so that a restart
// changes no tunnel. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/path_mtu.h"
#include "base/result.h"
#include "model/desired.h"

namespace moenet::agent {

struct KnownMtu {
  std::uint32_t mtu_bytes = 0;              // the most that the tunnel may be
  std::optional<std::uint32_t> last_bytes;  // what the last search said, where that was something else

  friend bool operator==(const KnownMtu&, const KnownMtu&) = default;
};
using KnownMtus = std::map<model::Owner, KnownMtu, std::less<>>;

// After a search that found the path to fit an MTU of `fits_bytes`. The first counts at once; from then on it takes two
// in a row that say less, or two that say more, and what both of them carry is in force. One search that lost a packet
// too many, or a detour while a cable is mended, moves no tunnel.
KnownMtu after_search(const std::optional<KnownMtu>& known, std::uint32_t fits_bytes);

// Takes over what was found by the searches that began at `searched`; a path that is not known changes nothing.
void take_paths(const TunnelPaths& paths, WallTime searched, KnownMtus& known);

MtuLimits limits_of(const KnownMtus& known);

std::string write_mtus(const KnownMtus& known);
// The text that write_mtus made. Errors: invalid; it is taken whole or not at all.
Result<KnownMtus> read_mtus(std::string_view text);

}  // namespace moenet::agent
