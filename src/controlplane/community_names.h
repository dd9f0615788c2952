// The DN42 communities and this network's large communities, under the names that deployed nodes' BIRD templates use
// (wire contract A10). The values are DN42's (wiki, "BGP communities", 2026-08); some deployed control planes send
// other ones.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "model/session.h"

namespace moenet::controlplane {

boost::json::object communities();                      // (64511, x)
boost::json::object large_communities(model::Asn asn);  // (asn, kind, value)
// The constant that names a bandwidth such as "500M" or "10G": "DN42_BW_100M_PLUS".
std::string_view bandwidth_community(std::string_view bandwidth);
// Mbit/s of "100M", "2G", "10G"; 0 when it is none.
unsigned bandwidth_mbit(std::string_view bandwidth);

}  // namespace moenet::controlplane
