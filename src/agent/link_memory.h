// What the echoes said of each link so far, and its text in the state file, so that a restart neither forgets nor
// repeats what BIRD was told. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "agent/link_quality.h"
#include "base/ip.h"
#include "base/result.h"
#include "model/desired.h"
#include "model/link_quality.h"

namespace moenet::agent {

struct KnownLink {
  IpAddress target;  // that answered
  model::SmoothedQuality quality;
  friend bool operator==(const KnownLink&, const KnownLink&) = default;
};
using KnownLinks = std::map<model::Owner, KnownLink, std::less<>>;

// Is it of a session or of a neighbor in the mesh?
bool is_link(std::string_view owner);

// Those that ever answered. Times are whole seconds.
std::string write_links(const KnownLinks& links);
// The text that write_links made. Errors: invalid; it is taken whole or not at all.
Result<KnownLinks> read_links(std::string_view text);

// A link of which nothing was measured just now.
LinkQuality quality_of(const model::Owner& owner, const KnownLink& known);

}  // namespace moenet::agent
