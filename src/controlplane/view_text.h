// Members of the API's views as text that harms neither a terminal nor a configuration: others chose it. Pure.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

namespace moenet::controlplane::view {

// One harmless word or line; `otherwise` for what is absent, null or empty.
std::string text(const boost::json::value& object, std::string_view member, std::string_view otherwise = "-");
bool is_true(const boost::json::value& object, std::string_view member);

}  // namespace moenet::controlplane::view
