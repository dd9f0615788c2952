// How the commands show the admin API's answers. Pure: JSON in, text out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

namespace moenet::controlplane {

// Columns as wide as their widest cell, two spaces between; the first row is the heading.
std::string table(const std::vector<std::vector<std::string>>& rows);

std::string nodes_page(const boost::json::value& nodes, std::int64_t now_ms);
std::string node_page(const boost::json::value& node, std::int64_t now_ms);
std::string sessions_page(const boost::json::value& sessions);
// A session and what the other side pastes: WireGuard and BIRD. `our_asn` from the settings, `node` as the API shows
// it.
std::string session_page(const boost::json::value& session, const boost::json::value& node, std::int64_t our_asn);

// The settings' member `peering`.
std::string peering_page(const boost::json::value& peering);

}  // namespace moenet::controlplane
