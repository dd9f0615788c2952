#include "agent/status_session.h"

#include <algorithm>
#include <cmath>

#include <boost/json.hpp>

#include "agent/session_words.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;

// Of a list sorted by owner; null where it says nothing.
template <class List>
const typename List::value_type* find(const List& list, const model::Owner& owner) {
  const auto at = std::ranges::lower_bound(list, owner, {}, &List::value_type::owner);
  return at != list.end() && at->owner == owner ? &*at : nullptr;
}

json::value thousandths_or_null(const std::optional<double>& value) {
  return value ? json::value(std::round(*value * 1000) / 1000) : json::value(nullptr);
}

json::value number_or_null(std::uint64_t value, bool is_known) {
  return is_known ? json::value(value) : json::value(nullptr);
}

json::value routes_of(const bird::ProtocolDetail& bgp) {
  json::object families;
  for (const bird::ChannelDetail& channel : bgp.channels) {
    if (channel.name != "ipv4" && channel.name != "ipv6") continue;
    families[channel.name.view()] = json::object{{"imported", channel.imported},
                                                 {"filtered", channel.filtered},
                                                 {"exported", channel.exported},
                                                 {"preferred", channel.preferred}};
  }
  return families;
}

void add_bgp(const LinkMeasurement* link, json::object& session) {
  const bool is_known = link != nullptr && link->bgp;
  session["bgp_state"] = is_known ? json::value(link->bgp->bgp_state.view()) : json::value(nullptr);
  session["last_error"] = is_known ? json::value(link->bgp->last_error.view()) : json::value(nullptr);
  session["routes"] = is_known ? routes_of(*link->bgp) : json::value(nullptr);
  session["flaps"] = number_or_null(link != nullptr ? link->flaps : 0, link != nullptr);
}

void add_traffic(const LinkMeasurement* link, json::object& session) {
  const bool is_counted = link != nullptr && link->traffic;
  session["rx_bytes"] = number_or_null(is_counted ? link->traffic->rx_bytes : 0, is_counted);
  session["tx_bytes"] = number_or_null(is_counted ? link->traffic->tx_bytes : 0, is_counted);
  const auto rate = link != nullptr ? link->rate : std::nullopt;
  const auto whole = [](double bits) { return json::value(std::llround(bits)); };
  session["rx_bits_per_second"] = rate ? whole(rate->rx_bits_per_second) : json::value(nullptr);
  session["tx_bits_per_second"] = rate ? whole(rate->tx_bits_per_second) : json::value(nullptr);
}

void add_tunnel(const LinkMeasurement* link, const TunnelPath* path, json::object& session) {
  const auto age = link != nullptr && link->tunnel ? link->tunnel->handshake_age : std::nullopt;
  session["handshake_age_seconds"] = age ? json::value(age->count()) : json::value(nullptr);
  session["mtu_bytes"] = number_or_null(link != nullptr ? link->mtu_bytes : 0, link != nullptr && link->has_link);
  const auto path_mtu = path != nullptr ? path->path_mtu_bytes : std::nullopt;
  session["path_mtu_bytes"] = path_mtu ? json::value(*path_mtu) : json::value(nullptr);
  session["mtu_advice"] = path != nullptr ? mtu_advice(*path) : "";
}

}  // namespace

json::object status_of_session(const SessionView& view, const StatusSnapshots& snapshots, SteadyTime now) {
  const model::Owner owner = model::owner_of_session(view.uuid);
  const Health* health = snapshots.health != nullptr ? find_health(*snapshots.health, owner) : nullptr;
  const bool is_judged = health != nullptr && health->is_certain;
  const auto* link = snapshots.measurement != nullptr ? find(snapshots.measurement->links, owner) : nullptr;
  const auto* path = snapshots.paths != nullptr ? find(*snapshots.paths, owner) : nullptr;
  std::string cause(cause_of(view.condition));
  if (cause.empty() && health != nullptr) cause = health->cause;
  json::object session;
  session["uuid"] = view.uuid.view();
  session["asn"] = view.asn;
  session["name"] = view.name.view();
  session["interface"] = view.interface_name;
  session["status"] = status_word(view.held_status);  // as the control plane holds it
  session["state"] = state_word(view.condition);      // as it is here
  session["works"] = is_judged ? json::value(health->works) : json::value(nullptr);
  session["works_since"] = is_judged ? json::value(utc_text(health->since)) : json::value(nullptr);
  session["cause"] = cause;  // why it is not in place, or does not work
  session["retry_in_seconds"] =
      view.retry_at ? json::value(std::chrono::ceil<std::chrono::seconds>(std::max(*view.retry_at, now) - now).count())
                    : json::value(nullptr);
  add_quality(snapshots, owner, session);
  add_bgp(link, session);
  add_traffic(link, session);
  add_tunnel(link, path, session);
  return session;
}

void add_quality(const StatusSnapshots& snapshots, const model::Owner& owner, json::object& object) {
  static const LinkQuality kUnknown;
  const auto* found = snapshots.qualities != nullptr ? find(*snapshots.qualities, owner) : nullptr;
  const LinkQuality& quality = found != nullptr ? *found : kUnknown;
  object["rtt_ms"] = thousandths_or_null(quality.rtt_ms);
  object["jitter_ms"] = thousandths_or_null(quality.jitter_ms);
  object["loss_percent"] = thousandths_or_null(quality.loss_percent);
  object["smoothed_rtt_ms"] = thousandths_or_null(quality.smoothed_rtt_ms);
  object["latency_tier"] = number_or_null(quality.latency_tier, quality.latency_tier != 0);
  object["loss_class"] = number_or_null(quality.loss_class, quality.loss_class != 0);
}

}  // namespace moenet::agent
