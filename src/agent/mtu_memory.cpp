#include "agent/mtu_memory.h"

#include <algorithm>

#include <boost/json.hpp>

#include "agent/link_memory.h"
#include "model/json_reader.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;

// Twice what a node was ever measured with.
constexpr std::size_t kMostTunnels = 20'000;
constexpr std::size_t kOwnerBytes = 64;  // "session/" and a uuid are 44
constexpr std::int64_t kMostMtu = 65'535;

void read_tunnel(const model::JsonReader& row, KnownMtus& known) {
  const auto owner = row.text("owner", kOwnerBytes);
  if (!owner || !is_link(*owner) || known.contains(*owner)) row.note("owner", "a link that is listed once");
  KnownMtu one;
  one.mtu_bytes = static_cast<std::uint32_t>(row.required_integer("mtu", 1, kMostMtu).value_or(0));
  if (const auto last = row.integer("last", 1, kMostMtu)) one.last_bytes = static_cast<std::uint32_t>(*last);
  if (owner) known.emplace(model::Owner(*owner), one);
}

}  // namespace

KnownMtu after_search(const std::optional<KnownMtu>& known, std::uint32_t fits_bytes) {
  if (!known) return {fits_bytes, std::nullopt};
  KnownMtu now{known->mtu_bytes, std::nullopt};
  const bool is_lower = fits_bytes < known->mtu_bytes;
  const bool is_again = known->last_bytes && (*known->last_bytes < known->mtu_bytes) == is_lower;
  if (is_again && fits_bytes != known->mtu_bytes) now.mtu_bytes = std::min(*known->last_bytes, fits_bytes);
  if (fits_bytes != now.mtu_bytes) now.last_bytes = fits_bytes;
  return now;
}

void take_paths(const TunnelPaths& paths, WallTime searched, KnownMtus& known) {
  for (const TunnelPath& path : paths) {
    const auto fits = fitting_mtu(path);
    if (path.measured != searched || !fits) continue;
    const auto at = known.find(path.owner);
    known[path.owner] = after_search(at != known.end() ? std::optional(at->second) : std::nullopt, *fits);
  }
}

MtuLimits limits_of(const KnownMtus& known) {
  MtuLimits limits;
  limits.reserve(known.size());
  for (const auto& [owner, one] : known) limits.push_back({owner, one.mtu_bytes});
  return limits;
}

std::string write_mtus(const KnownMtus& known) {
  json::array rows;
  for (const auto& [owner, one] : known) {
    json::object row{{"owner", owner}, {"mtu", one.mtu_bytes}};
    if (one.last_bytes) row["last"] = *one.last_bytes;
    rows.push_back(std::move(row));
  }
  return json::serialize(json::object{{"tunnels", std::move(rows)}});
}

Result<KnownMtus> read_mtus(std::string_view text) {
  TRY(const json::value value, model::parse_json(text));
  std::vector<model::JsonFault> faults;
  const model::JsonReader root(value, faults);
  const json::value* list = root.find("tunnels");
  if (list == nullptr || !list->is_array() || list->get_array().size() > kMostTunnels)
    return fail(Errc::invalid, "tunnels: expected a list of at most 20000");
  KnownMtus known;
  for (const json::value& row : list->get_array()) {
    read_tunnel(model::JsonReader(row, faults, "tunnels"), known);
    if (!faults.empty()) return fail(Errc::invalid, model::texts_of(faults));
  }
  return known;
}

}  // namespace moenet::agent
