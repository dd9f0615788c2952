// A session's row as control planes write it, and rows made of it by changing one field.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "model/session_json.h"

namespace moenet::model {

namespace json = boost::json;

inline constexpr const char* kKey = "PpGtxKPlfm63rxqbM0mZVTVI86lUxikgrs72tdAe1qQ=";
inline constexpr const char* kPsk = "TGd4Ing/MxhIFa5mh+4wwkX6MJw78mw/OlEPWwQry+o=";
inline constexpr const char* kUuid = "3f7002fb-4d90-45bb-a646-6f30be403c9e";

inline json::object good_row() {
  return {{"uuid", kUuid},
          {"asn", 4242420001u},
          {"name", "n"},
          {"description", "d"},
          {"status", 4},
          {"ipv4", nullptr},
          {"ipv6", "fe80::7"},
          {"ipv6LinkLocal", nullptr},
          {"type", "wireguard"},
          {"extensions", json::array{"mp_bgp"}},
          {"interface", "dn42-4242420001"},
          {"endpoint", nullptr},
          {"credential", kKey},
          {"data", nullptr},
          {"mtu", 1420},
          {"port", 0},
          {"policy", "full"},
          {"lastError", nullptr}};
}

// The good row with one field replaced by JSON text.
inline SessionRow with(std::string_view key, std::string_view text) {
  json::object row = good_row();
  row[json::string_view(key.data(), key.size())] = json::parse(json::string_view(text.data(), text.size()));
  return read_session(row);
}

inline std::string json_text(std::string_view text) {
  return json::serialize(json::value(json::string_view(text.data(), text.size())));
}

inline std::string fault_of(const SessionRow& row) { return row.session ? "" : row.session.error().text(); }

}  // namespace moenet::model
