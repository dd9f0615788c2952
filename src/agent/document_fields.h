// Fields of the documents that this program wrote itself, read for a view: what is absent, null or of another type is
// not known.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

namespace moenet::agent {

// `pointer` as RFC 6901 writes it: "/bird/version".
std::string text_at(const boost::json::value& document, std::string_view pointer);  // numbers too; empty: not known
std::optional<double> number_at(const boost::json::value& document, std::string_view pointer);
std::optional<std::int64_t> whole_at(const boost::json::value& document, std::string_view pointer);
std::optional<bool> truth_at(const boost::json::value& document, std::string_view pointer);
const boost::json::array& array_at(const boost::json::value& document, std::string_view pointer);

// Seconds since 1970 of "2027-01-15T08:00:00Z".
std::optional<std::int64_t> seconds_at(const boost::json::value& document, std::string_view pointer);

}  // namespace moenet::agent
