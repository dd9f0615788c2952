// What the commands user, token and audit print.
#pragma once

#include <string>

#include <boost/json/fwd.hpp>

namespace moenet::controlplane {

std::string users_page(const boost::json::value& users);
std::string tokens_page(const boost::json::value& tokens);
// Oldest first, as logs are read.
std::string audit_page(const boost::json::value& entries);

}  // namespace moenet::controlplane
