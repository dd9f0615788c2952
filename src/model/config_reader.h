// What the configuration files of the programs have in common: one JSON object, whose unknown keys are told, with paths
// and addresses to listen on. Pure; which keys there are is the programs' business.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "base/ip.h"
#include "base/result.h"
#include "model/json_reader.h"

namespace moenet::model {

// Chosen: a configuration of a whole megabyte is a mistake.
inline constexpr std::size_t kConfigBytesMax = 1u << 20;

// The object in the text of `file`. Errors: invalid, which name the file.
Result<boost::json::value> parse_config(std::string_view text, const std::string& file);

// The absolute path under `key`, where there is one; anything else there is a fault.
void read_path(const JsonReader& reader, std::string_view key, std::string& target);

// "unknown key bird.x is ignored" for each that is not among `known`.
void warn_of_unknown_keys(const JsonReader& reader, std::initializer_list<std::string_view> known,
                          std::vector<std::string>& warnings);

// "ADDRESS:PORT", or ":PORT" for all addresses.
std::optional<Endpoint> listen_endpoint(std::string_view text);

}  // namespace moenet::model
