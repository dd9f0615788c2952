#include "agent/meter.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "agent/ownership_mark.h"
#include "bird/render.h"

namespace moenet::agent {
namespace {

constexpr std::string_view kBgp = "BGP";

Traffic traffic_of(const net::LinkStatistics& counted) {
  return {counted.rx_bytes,  counted.tx_bytes,  counted.rx_packets, counted.tx_packets,
          counted.rx_errors, counted.tx_errors, counted.rx_dropped, counted.tx_dropped};
}

// Absent when the counters began anew.
std::optional<TrafficRate> rate_of(const Traffic& before, const Traffic& now, SteadyTime::duration span) {
  if (now.rx_bytes < before.rx_bytes || now.tx_bytes < before.tx_bytes || span <= SteadyTime::duration::zero())
    return std::nullopt;
  const double seconds = std::chrono::duration<double>(span).count();
  return TrafficRate{static_cast<double>(now.rx_bytes - before.rx_bytes) * 8 / seconds,
                     static_cast<double>(now.tx_bytes - before.tx_bytes) * 8 / seconds};
}

// BIRD's since to the second: fractions differ between two answers about one moment.
std::string_view without_fraction(std::string_view since) { return since.substr(0, since.find('.')); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool has_shape_of(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return is_digit(x) ? is_digit(y) : x == y; });
}

// Takes over what BIRD says of a BGP protocol in one line: "Active        Socket: Connection refused"
// (bgp_get_status() in proto/bgp/bgp.c).
void read_info(bird::ProtocolDetail& detail) {
  const std::string_view info = detail.status.info;
  const std::size_t end = std::min(info.find(' '), info.size());
  detail.bgp_state = shared_with(detail.bgp_state, info.substr(0, end));
  const std::size_t error = info.find_first_not_of(' ', end);
  detail.last_error =
      shared_with(detail.last_error, error == std::string_view::npos ? std::string_view() : info.substr(error));
}

struct OwnedLink {
  model::Owner owner;
  const net::CountedLink* counted = nullptr;
};

std::vector<OwnedLink> owned_links(std::span<const net::CountedLink> links) {
  std::vector<OwnedLink> owned;
  owned.reserve(links.size());
  for (const net::CountedLink& counted : links) {
    auto mark = read_mark(counted.link.alias);
    if (mark && mark->owner != model::kLoopbackOwner) owned.push_back({std::move(mark->owner), &counted});
  }
  return owned;
}

using Rows = std::vector<LinkMeasurement>;

LinkMeasurement* find_row(Rows& rows, const model::Owner& owner) {
  const auto at = std::ranges::lower_bound(rows, owner, {}, &LinkMeasurement::owner);
  return at != rows.end() && at->owner == owner ? &*at : nullptr;
}

// One for each session that is to be here and each owner of a link, sorted by owner.
Rows rows_of(const SessionViews& views, const std::vector<OwnedLink>& links) {
  Rows rows;
  rows.reserve(views.size());
  for (const SessionView& view : views) {
    if (!is_present(view)) continue;
    LinkMeasurement& row = rows.emplace_back();
    row.owner = model::owner_of_session(view.uuid);
    row.asn = view.asn;
    row.name = view.name;
    row.interface_name = view.interface_name;
  }
  std::set<model::Owner> others;
  for (const OwnedLink& link : links) {
    if (find_row(rows, link.owner) == nullptr) others.insert(link.owner);
  }
  rows.reserve(rows.size() + others.size());
  for (const model::Owner& owner : others) rows.emplace_back().owner = owner;
  std::ranges::sort(rows, {}, &LinkMeasurement::owner);
  return rows;
}

// Gives each session its protocol. What is left of BGP is others'. Nothing is taken out of a list while it is searched.
std::vector<bird::ProtocolDetail> join_bgp(std::vector<bird::ProtocolDetail> protocols, Rows& rows) {
  std::vector<std::pair<std::string, LinkMeasurement*>> wanted;
  for (LinkMeasurement& row : rows) {
    if (row.asn != 0) wanted.emplace_back(bird::protocol_name(row.asn), &row);
  }
  std::ranges::stable_sort(wanted, {}, &decltype(wanted)::value_type::first);
  std::vector<bird::ProtocolDetail> others;
  for (bird::ProtocolDetail& protocol : protocols) {
    const auto at = std::ranges::lower_bound(wanted, protocol.status.name, {}, &decltype(wanted)::value_type::first);
    if (at != wanted.end() && at->first == protocol.status.name) {
      forget_routes(protocol);
      at->second->bgp = std::move(protocol);
    } else if (protocol.status.proto == kBgp) {
      others.push_back(std::move(protocol));
    }
  }
  std::ranges::sort(others, {}, [](const auto& detail) -> const std::string& { return detail.status.name; });
  return others;
}

}  // namespace

bool is_present(const SessionView& session) {
  return std::holds_alternative<model::InPlace>(session.condition) ||
         std::holds_alternative<model::Broken>(session.condition);
}

bool is_another_since(std::string_view before, std::string_view now) {
  before = without_fraction(before);
  now = without_fraction(now);
  if (has_shape_of(before, now)) return before != now;
  return before.find(':') == std::string_view::npos;  // a date does not become a time of the day by itself
}

void forget_routes(bird::ProtocolDetail& detail) {
  if (!detail.status.is_established() && !bird::is_any_limit_at_work(detail))
    detail.channels = std::vector<bird::ChannelDetail>();
}

std::vector<bird::ProtocolDetail> brought_up_to_date(const Measurement* last,
                                                     std::vector<bird::ProtocolStatus> statuses) {
  std::map<std::string_view, const bird::ProtocolDetail*> known;
  if (last != nullptr) {
    for (const auto& link : last->links) {
      if (link.bgp) known.emplace(link.bgp->status.name, &*link.bgp);
    }
    for (const auto& detail : last->other_bgp) known.emplace(detail.status.name, &detail);
  }
  std::vector<bird::ProtocolDetail> details;
  for (auto& status : statuses) {
    if (status.proto != kBgp) continue;
    const auto before = known.find(status.name);
    bird::ProtocolDetail detail = before == known.end() ? bird::ProtocolDetail{} : *before->second;
    const bool is_same = detail.status.state == status.state && !is_another_since(detail.status.since, status.since);
    detail.status = std::move(status);
    read_info(detail);
    if (!is_same || !detail.status.is_established()) detail.channels.clear();
    details.push_back(std::move(detail));
  }
  return details;
}

void Meter::count(const net::CountedLink& counted, SteadyTime now, Known& known, LinkMeasurement& measured) {
  if (std::exchange(known.link_index, counted.link.index) != counted.link.index) {
    known.traffic.reset();
    known.rate.reset();
  }
  if (counted.statistics) {
    const Traffic traffic = traffic_of(*counted.statistics);
    known.rate = known.traffic ? rate_of(*known.traffic, traffic, now - known.counted) : std::nullopt;
    known.traffic = traffic;
    known.counted = now;
  }
  measured.has_link = true;
  measured.is_up = counted.link.up && counted.link.running;
  measured.mtu_bytes = counted.link.mtu_bytes;
  measured.gre = counted.link.gre;
  measured.traffic = known.traffic;
  measured.rate = known.rate;
}

// What is known of the others is forgotten. A link's owner is one text in all measurements of it.
void Meter::remember_those_in(Measurement& measurement) {
  std::vector<Known> before = std::exchange(known_, {});
  known_.reserve(measurement.links.size());
  auto next = before.begin();
  for (LinkMeasurement& measured : measurement.links) {
    while (next != before.end() && next->owner < measured.owner) ++next;
    const bool is_known = next != before.end() && next->owner == measured.owner;
    if (is_known) {
      known_.push_back(std::move(*next++));
    } else {
      known_.emplace_back().owner = measured.owner;
    }
    measured.owner = known_.back().owner;
  }
}

void Meter::follow_bgp(SteadyTime now, bool is_shut, Known& known, LinkMeasurement& measured) {
  const bool is_established = measured.bgp && measured.bgp->status.is_established();
  const std::string since = measured.bgp ? measured.bgp->status.since : "";
  if (known.established && (!is_established || is_another_since(known.since, since))) {
    if (!is_shut) ++known.flaps;
    known.established.reset();
  }
  if (is_established && !known.established) known.established = now;
  known.since = since;
  if (is_established) measured.established_for = std::chrono::floor<std::chrono::seconds>(now - *known.established);
}

Measurement Meter::measure(Look look) {
  const std::vector<OwnedLink> links = owned_links(look.links);
  Measurement measurement;
  measurement.links = rows_of(look.sessions, links);
  remember_those_in(measurement);
  const auto known_of = [&](const LinkMeasurement& measured) -> Known& {
    return known_[static_cast<std::size_t>(&measured - measurement.links.data())];
  };
  for (const OwnedLink& link : links) {
    LinkMeasurement& measured = *find_row(measurement.links, link.owner);
    measured.interface_name = link.counted->link.name;
    measured.tunnel = look.tunnel_of(link.counted->link.name);
    count(*link.counted, look.now, known_of(measured), measured);
  }
  measurement.other_bgp = join_bgp(std::move(look.protocols), measurement.links);
  for (LinkMeasurement& measured : measurement.links) {
    if (measured.asn == 0) continue;
    Known& known = known_of(measured);
    // A BIRD that does not answer has lost nothing that is known of.
    const bool is_shut = std::ranges::binary_search(look.shut, bird::protocol_name(measured.asn));
    if (look.bird_problem.empty()) follow_bgp(look.now, is_shut, known, measured);
    measured.flaps = known.flaps;
  }
  measurement.bird_problem = std::move(look.bird_problem);
  measurement.wall = look.wall;
  measurement.steady = look.now;
  return measurement;
}

}  // namespace moenet::agent
