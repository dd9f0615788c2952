// What a looking glass asks of BIRD: the routes to an address or prefix, and the AS path to it. The questions are made
// of typed values and go over connections on which BIRD refuses to change anything; the answers are bounded.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"
#include "bird/client.h"
#include "model/routing_policy.h"
#include "model/session.h"

namespace moenet::bird {

struct NextHop {
  std::optional<IpAddress> gateway;  // absent: the network is on the interface
  std::string interface;

  friend bool operator==(const NextHop&, const NextHop&) = default;
};

struct AsPath {
  std::vector<model::Asn> asns;  // the nearest first; members of sets in BIRD's order
  bool has_sets = false;         // RFC 4271 AS_SET or RFC 5065 confederations
  bool is_cut = false;           // BIRD prints no more than some 44 of 10 digits

  friend bool operator==(const AsPath&, const AsPath&) = default;
};

struct Route {
  std::string table;  // "master4"
  IpPrefix network;
  std::string kind;  // "unicast", "unreachable", "blackhole", "prohibit"
  std::vector<NextHop> next_hops;
  std::string protocol;           // "dn42_4242420001"
  std::string since;              // as printed
  std::optional<IpAddress> from;  // who told it, where that is not the next hop
  bool is_best = false;           // of the network, in this table
  // Of BGP.
  std::string origin;  // "IGP", "EGP", "Incomplete"; empty when it has none
  std::optional<AsPath> as_path;
  std::optional<std::uint32_t> local_pref;
  std::optional<std::uint32_t> med;
  std::vector<model::Community> communities;
  std::vector<model::LargeCommunity> large_communities;

  friend bool operator==(const Route&, const Route&) = default;
};

struct RouteAnswer {
  std::vector<Route> routes;  // in each table the best first
  bool is_cut = false;        // there are more

  friend bool operator==(const RouteAnswer&, const RouteAnswer&) = default;
};

// The reply to `show route …`, of BIRD 2 or 3. A row that is no route of an IP network is passed over. Errors: invalid
// (what BIRD says is wrong with the question, such as an unknown table).
Result<RouteAnswer> parse_routes(const Reply& reply);

using RouteTarget = std::variant<IpAddress, IpPrefix>;

// Thread-safe. At most two questions at once: more wait, so that strangers' curiosity never takes BIRD from the agent.
class LookingGlass {
 public:
  explicit LookingGlass(std::string socket_path);

  // All routes of the longest network that holds the target: in `table` ("all": in each), or where none is named in
  // BIRD's main one of the family. Errors: invalid (no such table), and those of BirdPool.
  Result<RouteAnswer> routes_to(const RouteTarget& target, const std::optional<std::string>& table, Deadline deadline,
                                const std::stop_token& stop);
  // Of the best route of the longest network; absent when there is none. A route that is not of BGP has an empty path.
  Result<std::optional<AsPath>> path_to(const IpAddress& address, Deadline deadline, const std::stop_token& stop);

 private:
  // The best route of the longest network in each table.
  Result<std::vector<Route>> best_to(const std::string& target, const std::string& in_table, Deadline deadline,
                                     const std::stop_token& stop);

  BirdPool pool_;
};

}  // namespace moenet::bird
