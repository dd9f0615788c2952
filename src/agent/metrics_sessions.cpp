// The series of sessions with other networks, and of BGP with our own.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "agent/metrics_parts.h"
#include "agent/session_words.h"

namespace moenet::agent::metrics {
namespace {

using bird::ChannelDetail;
using bird::ChannelLimit;

struct SessionSeries {
  Labels labels;  // asn, interface
  const SessionView* view = nullptr;
  const LinkMeasurement* measured = nullptr;
  const LinkQuality* quality = nullptr;
  const TunnelPath* path = nullptr;
  const Health* health = nullptr;
};

Labels with(const Labels& labels, std::string_view name, std::string_view value) {
  Labels more;
  more.reserve(labels.size() + 2);
  more.assign(labels.begin(), labels.end());
  more.push_back({std::string(name), std::string(value)});
  return more;
}

bool is_in_place(const SessionView& view) { return std::holds_alternative<model::InPlace>(view.condition); }

// One series set for each interface: of rows that claim the same one, that which has it. A row that nobody can read has
// no interface and no series; moenet_sessions counts it.
std::vector<SessionSeries> series_of(const MetricsSource& source) {
  std::map<std::string_view, const SessionView*> by_interface;
  for (const SessionView& view : *source.report->sessions) {
    if (view.interface_name.empty()) continue;
    const auto [at, is_new] = by_interface.try_emplace(view.interface_name, &view);
    if (!is_new && !is_in_place(*at->second) && is_in_place(view)) at->second = &view;
  }
  std::vector<SessionSeries> series;
  series.reserve(by_interface.size());
  for (const auto& [interface_name, view] : by_interface) {
    const model::Owner owner = model::owner_of_session(view->uuid);
    SessionSeries one{{{"asn", fmt::format("{}", view->asn)}, {"interface", std::string(interface_name)}},
                      view,
                      measured_of(source, owner),
                      quality_of(source, owner),
                      path_of(source, owner),
                      nullptr};
    if (source.health != nullptr) {
      const auto at = std::ranges::lower_bound(*source.health, owner, {}, &Health::owner);
      if (at != source.health->end() && at->owner == owner) one.health = &*at;
    }
    series.push_back(std::move(one));
  }
  return series;
}

void collect_states(const MetricsSource& source, const std::vector<SessionSeries>& series, const FamilySink& sink) {
  std::map<std::string_view, double> counts;
  for (const model::Condition& each :
       {model::Condition(model::InPlace{}), model::Condition(model::Removed{}), model::Condition(model::Broken{}),
        model::Condition(model::Invalid{}), model::Condition(model::Unchanged{})})
    counts[state_word(each)] = 0;
  for (const SessionView& view : *source.report->sessions) ++counts[state_word(view.condition)];
  Family total = gauge("moenet_sessions", "Sessions on the control plane's list, by what has become of them here");
  for (const auto& [state, count] : counts) total.add({{"state", std::string(state)}}, count);
  std::move(total).send(sink);

  Family identity = gauge("moenet_session_info", "1, with what else a session is known by");
  Family state = gauge("moenet_session_state", "1 of the state that the session is in on this node");
  Family status = gauge("moenet_session_status", "1 of the status that the control plane holds");
  for (const SessionSeries& one : series) {
    identity.add(with(with(one.labels, "name", one.view->name), "uuid", one.view->uuid), 1);
    state.add(with(one.labels, "state", state_word(one.view->condition)), 1);
    status.add(with(one.labels, "status", status_word(one.view->held_status)), 1);
  }
  std::move(identity).send(sink);
  std::move(state).send(sink);
  std::move(status).send(sink);

  Family works = gauge("moenet_session_works", "Whether a session that is in place works, as judged over minutes");
  for (const SessionSeries& one : series) {
    if (one.health != nullptr) works.add(one.labels, one.health->works ? 1 : 0);
  }
  std::move(works).send(sink);
}

void collect_bgp(const std::vector<SessionSeries>& series, const FamilySink& sink) {
  Family up = gauge("moenet_session_up", "Whether BGP is Established; absent while BIRD does not tell");
  Family since = gauge("moenet_session_established_seconds", "For how long BGP has been Established");
  Family flaps = counter("moenet_session_flaps_total", "How often BGP was lost since the agent knows the session");
  for (const SessionSeries& one : series) {
    if (one.measured == nullptr) continue;
    if (one.measured->bgp) up.add(one.labels, one.measured->bgp->bgp_state == "Established" ? 1 : 0);
    if (one.measured->established_for)
      since.add(one.labels, std::chrono::duration<double>(*one.measured->established_for).count());
    flaps.add(one.labels, static_cast<double>(one.measured->flaps));
  }
  std::move(up).send(sink);
  std::move(since).send(sink);
  std::move(flaps).send(sink);
}

constexpr std::pair<std::string_view, std::uint64_t ChannelDetail::*> kKinds[] = {
    {"imported", &ChannelDetail::imported},
    {"filtered", &ChannelDetail::filtered},
    {"exported", &ChannelDetail::exported},
    {"preferred", &ChannelDetail::preferred}};
constexpr std::pair<std::string_view, std::optional<ChannelLimit> ChannelDetail::*> kLimits[] = {
    {"receive", &ChannelDetail::receive_limit},
    {"import", &ChannelDetail::import_limit},
    {"export", &ChannelDetail::export_limit}};

void add_routes(const Labels& labels, const bird::ProtocolDetail& protocol, Family& routes) {
  for (const ChannelDetail& channel : protocol.channels) {
    const Labels of_channel = with(labels, "family", channel.name);
    for (const auto& [kind, count] : kKinds)
      routes.add(with(of_channel, "kind", kind), static_cast<double>(channel.*count));
  }
}

void collect_routes(const std::vector<SessionSeries>& series, const FamilySink& sink) {
  Family routes = gauge("moenet_session_routes", "Routes of the session in BIRD");
  Family limit = gauge("moenet_session_route_limit", "Routes at which BIRD acts on the session");
  Family hit = gauge("moenet_session_route_limit_hit", "Whether the limit is hit");
  Family rejected = counter("moenet_session_import_rejected_total",
                            "Updates refused on import since the session came up: filter, or malformed");
  constexpr std::size_t kFamilies = 2;  // of a session: ipv4 and ipv6
  routes.reserve(series.size() * kFamilies * std::size(kKinds));
  for (Family* family : {&limit, &hit}) family->reserve(series.size() * kFamilies);
  for (const SessionSeries& one : series) {
    if (one.measured == nullptr || !one.measured->bgp) continue;
    add_routes(one.labels, *one.measured->bgp, routes);
    for (const ChannelDetail& channel : one.measured->bgp->channels) {
      const Labels of_channel = with(one.labels, "family", channel.name);
      rejected.add(of_channel, static_cast<double>(channel.import_updates_rejected));
      for (const auto& [direction, member] : kLimits) {
        if (!(channel.*member)) continue;
        limit.add(with(of_channel, "direction", direction), static_cast<double>((channel.*member)->routes));
        hit.add(with(of_channel, "direction", direction),
                is_limit_hit(*one.measured, channel, member, one.view->limit_try) ? 1 : 0);
      }
    }
  }
  std::move(routes).send(sink);
  std::move(limit).send(sink);
  std::move(hit).send(sink);
  std::move(rejected).send(sink);
}

void collect_other_bgp(const Measurement& measurement, const FamilySink& sink) {
  Family up = gauge("moenet_bgp_up", "Whether a BGP protocol that is no session of the agent's is Established");
  Family routes = gauge("moenet_bgp_routes", "Its routes in BIRD");
  for (const bird::ProtocolDetail& protocol : measurement.other_bgp) {
    const Labels labels{{"protocol", protocol.status.name}};
    up.add(labels, protocol.bgp_state == "Established" ? 1 : 0);
    add_routes(labels, protocol, routes);
  }
  std::move(up).send(sink);
  std::move(routes).send(sink);
}

}  // namespace

void collect_sessions(const MetricsSource& source, const FamilySink& sink) {
  if (source.measurement != nullptr) collect_other_bgp(*source.measurement, sink);
  if (source.report == nullptr) return;
  const auto series = series_of(source);
  collect_states(source, series, sink);
  collect_bgp(series, sink);
  collect_routes(series, sink);
  std::vector<LinkRow> links;
  links.reserve(series.size());
  for (const SessionSeries& one : series) links.push_back({one.labels, one.measured, one.quality, one.path});
  collect_links("moenet_session_", links, sink);
}

}  // namespace moenet::agent::metrics
