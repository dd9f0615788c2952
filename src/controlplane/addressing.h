// Addressing: what follows from a node's id and region (wire contract A11), and the names of regions. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controlplane/settings.h"
#include "controlplane/store.h"
#include "model/peering.h"
#include "model/region.h"

namespace moenet::controlplane {

using model::find_region;
using model::Region;

// By code ("101") or name ("AS-E", any case); null when there is none.
const Region* find_region(std::string_view code_or_name);

// The node's own where the operator gave it one, else derived; nothing when the prefix of the settings has no room.
std::optional<IpAddress> loopback_ipv4(const Settings& settings, const Node& node);  // prefix + id
std::optional<IpAddress> loopback_ipv6(const Settings& settings,
                                       const Node& node);          // prefix:region:id::1, decimal digits as hextets
IpAddress link_local(const Settings& settings, const Node& node);  // fe80::<last three digits of the ASN>:region:id:1
model::NodeIdentity identity_of(const Settings& settings, const Node& node);

// 30000 + asn % 10000.
std::uint16_t default_listen_port(model::Asn asn);
// The mesh's: 51820 + node id, so sessions may not listen there.
bool is_mesh_port(std::int64_t port);
constexpr int kMeshPortBase = 51'820;

}  // namespace moenet::controlplane
