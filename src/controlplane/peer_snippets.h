// What a peer pastes to bring its end of a session up, made of the views of the session and of its node as the API
// gives them. Pure.
#pragma once

#include <cstdint>
#include <string>

#include <boost/json/fwd.hpp>

namespace moenet::controlplane {

bool is_gre(const boost::json::value& session);
// For wg-quick, as the interface moenet-<node's id>. What only the peer knows is in capitals.
std::string wireguard_snippet(const boost::json::value& session, const boost::json::value& node);
// For a shell, of a session of type gre or ip6gre, with the same interface.
std::string gre_snippet(const boost::json::value& session, const boost::json::value& node);
// For BIRD 2 and later, over that interface.
std::string bird2_snippet(const boost::json::value& session, const boost::json::value& node, std::int64_t our_asn);

}  // namespace moenet::controlplane
