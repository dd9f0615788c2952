#include "bird/lookup.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include <fmt/format.h>

#include "base/log.h"

namespace moenet::bird {
namespace {

constexpr PoolLimits kFewConnections{1, 2};  // chosen
constexpr int kRoute = 1007;
constexpr int kAttributes = 1012;
constexpr int kNetworkNotFound = 8001;
constexpr std::size_t kMostRoutes = 4'096;  // of all tables together; chosen: what kMostRead holds of one
constexpr std::size_t kMostTableName = 64;  // SYM_MAX_LEN in conf/conf.h

std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.find_first_not_of(' ', word.size()), text.size()));
  return word;
}

template <class Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<IpAddress> address_of(std::string_view text) {
  const auto address = IpAddress::parse(text);
  return address ? std::optional(*address) : std::nullopt;
}

// "4242420100 4242429998 {64511 64512}"; a long one ends within a number: "42...".
AsPath path_of(std::string_view text) {
  constexpr std::string_view kSeparators = " {}()";
  AsPath path;
  path.is_cut = text.ends_with("...");
  path.has_sets = text.find_first_of("{(") != text.npos;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find_first_of(kSeparators));
    if (const auto asn = number_of<model::Asn>(word)) path.asns.push_back(*asn);
    text.remove_prefix(std::min(text.find_first_not_of(kSeparators, word.size()), text.size()));
  }
  return path;
}

// The next "(64511, 7)": its numbers without the blanks. Empty when there is none.
std::string_view take_tuple(std::string_view& text) {
  const std::size_t open = std::min(text.find('('), text.size());
  const std::size_t close = std::min(text.find(')', open), text.size());
  const std::string_view inner = open == close ? std::string_view() : text.substr(open + 1, close - open - 1);
  text.remove_prefix(std::min(close + 1, text.size()));
  return inner;
}

std::string_view take_member(std::string_view& tuple) {
  const std::string_view member = tuple.substr(0, tuple.find(','));
  tuple.remove_prefix(std::min(tuple.find_first_not_of(", ", member.size()), tuple.size()));
  return member;
}

void add_communities(std::string_view text, std::vector<model::Community>& communities) {
  while (!text.empty()) {
    std::string_view tuple = take_tuple(text);
    const auto asn = number_of<std::uint16_t>(take_member(tuple));
    const auto value = number_of<std::uint16_t>(tuple);
    if (asn && value) communities.push_back({*asn, *value});
  }
}

void add_large_communities(std::string_view text, std::vector<model::LargeCommunity>& communities) {
  while (!text.empty()) {
    std::string_view tuple = take_tuple(text);
    const auto asn = number_of<std::uint32_t>(take_member(tuple));
    const auto kind = number_of<std::uint32_t>(take_member(tuple));
    const auto value = number_of<std::uint32_t>(tuple);
    if (asn && kind && value) communities.push_back({*asn, *kind, *value});
  }
}

class RouteReader {
 public:
  // Of code 1007: "Table master4:", a route, or one of its next hops, which begin with a tab.
  void take_route_line(std::string_view text) {
    constexpr std::string_view kTable = "Table ";
    if (text.starts_with(kTable) && text.ends_with(':')) {
      table_ = text.substr(kTable.size(), text.size() - kTable.size() - 1);
      network_.reset();
      route_ = nullptr;
    } else if (text.starts_with('\t')) {
      if (route_) read_next_hop(text.substr(1));
    } else {
      read_row(text);
    }
  }

  // Of code 1012: "\tBGP.local_pref: 100" (2.x) or "\tbgp_local_pref: 100" (3.x). A list goes on in lines of two tabs.
  void take_attribute(std::string_view text) {
    if (!route_) return;
    if (text.starts_with("\t\t")) return read_list(text.substr(2));
    const std::size_t colon = text.find(": ");
    std::string_view name = text.substr(0, colon);
    list_ = {};
    if (colon == text.npos || !(name.starts_with("\tBGP.") || name.starts_with("\tbgp_"))) return;
    name.remove_prefix(5);
    const std::string_view value = text.substr(colon + 2);
    if (name == "as_path" || name == "path") route_->as_path = path_of(value);
    if (name == "origin") route_->origin = value;
    if (name == "local_pref") route_->local_pref = number_of<std::uint32_t>(value);
    if (name == "med") route_->med = number_of<std::uint32_t>(value);
    list_ = name;
    read_list(value);
  }

  std::vector<Route> routes;

 private:
  void read_list(std::string_view text) {
    if (list_ == "community") add_communities(text, route_->communities);
    if (list_ == "large_community") add_large_communities(text, route_->large_communities);
  }

  // "172.20.2.0/24        unicast [ibgp_c 12:23:12 from fd42:0:3::1] * (100/192) [i]"; further routes of the network
  // are indented.
  void read_row(std::string_view text) {
    route_ = nullptr;
    const bool has_network = !text.empty() && text.front() != ' ';
    if (has_network) {
      const auto network = IpPrefix::parse(take_word(text));
      network_ = network ? std::optional(*network) : std::nullopt;
    }
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    const std::size_t open = text.find(" [");
    const std::size_t close = text.find(']', std::min(open, text.size()));
    if (!network_ || close == text.npos) return;
    route_ = &routes.emplace_back();
    list_ = {};
    route_->table = table_;
    route_->network = *network_;
    route_->kind = text.substr(0, open);
    std::string_view source = text.substr(open + 2, close - open - 2);
    route_->protocol = take_word(source);
    const std::size_t from = source.find(" from ");
    route_->since = source.substr(0, from);
    if (from != source.npos) route_->from = address_of(source.substr(from + 6));
    route_->is_best = text.substr(close + 1).starts_with(" *");
  }

  // "via fe80::9 on dn42_x weight 1" or "dev lo".
  void read_next_hop(std::string_view text) {
    NextHop hop;
    const std::string_view how = take_word(text);
    if (how == "via") {
      hop.gateway = address_of(take_word(text));
      if (!hop.gateway || take_word(text) != "on") return;
    } else if (how != "dev") {
      return;
    }
    hop.interface = take_word(text);
    route_->next_hops.push_back(std::move(hop));
  }

  std::string_view table_;
  std::optional<IpPrefix> network_;
  Route* route_ = nullptr;  // the last one of `routes`, or null where that row was passed over
  std::string_view list_;   // the attribute that a line of two tabs goes on with
};

bool is_table_name(std::string_view name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  return !name.empty() && name.size() <= kMostTableName && is_letter(name.front()) &&
         std::ranges::all_of(name, [&](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

}  // namespace

Result<RouteAnswer> parse_routes(const Reply& reply) {
  if (reply.code() == kNetworkNotFound) return RouteAnswer{};
  if (reply.is_error()) return fail(Errc::invalid, "show route: BIRD says " + escape_for_log(reply.text()));
  RouteReader reader;
  for (const ReplyLine& line : reply.lines) {
    if (line.code == kRoute) reader.take_route_line(line.text);
    if (line.code == kAttributes) reader.take_attribute(line.text);
  }
  if (reply.is_cut && !reader.routes.empty()) reader.routes.pop_back();  // it may lack attributes
  return RouteAnswer{std::move(reader.routes), reply.is_cut};
}

LookingGlass::LookingGlass(std::string socket_path) : pool_(std::move(socket_path), kFewConnections, Access::reading) {}

// BIRD 3 lists every network that holds the target, and the longest last.
Result<std::vector<Route>> LookingGlass::best_to(const std::string& target, const std::string& in_table,
                                                 Deadline deadline, const std::stop_token& stop) {
  TRY(const Reply reply, pool_.ask(fmt::format("show route for {}{} primary all", target, in_table), deadline, stop));
  TRY(RouteAnswer answer, parse_routes(reply));
  std::vector<Route> longest;
  for (Route& route : answer.routes) {
    if (longest.empty() || longest.back().table != route.table) {
      longest.push_back(std::move(route));
    } else if (longest.back().network.length < route.network.length) {
      longest.back() = std::move(route);
    }
  }
  return longest;
}

Result<RouteAnswer> LookingGlass::routes_to(const RouteTarget& target, const std::optional<std::string>& table,
                                            Deadline deadline, const std::stop_token& stop) {
  if (table && !is_table_name(*table)) return fail(Errc::invalid, "the table's name is no word of BIRD's");
  const std::string what = std::visit([](const auto& value) { return value.text(); }, target);
  TRY(const auto longest, best_to(what, table ? " table " + *table : "", deadline, stop));
  RouteAnswer answer;
  for (const Route& best : longest) {
    if (answer.is_cut || !is_table_name(best.table)) break;
    const auto command = fmt::format("show route {} table {} all", best.network.text(), best.table);
    TRY(const Reply reply, pool_.ask(command, deadline, stop));
    TRY(RouteAnswer here, parse_routes(reply));
    std::ranges::move(here.routes, std::back_inserter(answer.routes));
    answer.is_cut = here.is_cut || answer.routes.size() > kMostRoutes;
  }
  return answer;
}

Result<std::optional<AsPath>> LookingGlass::path_to(const IpAddress& address, Deadline deadline,
                                                    const std::stop_token& stop) {
  TRY(const auto longest, best_to(address.text(), "", deadline, stop));
  if (longest.empty()) return std::optional<AsPath>();
  return std::optional(longest.front().as_path.value_or(AsPath()));
}

}  // namespace moenet::bird
