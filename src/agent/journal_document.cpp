#include "agent/journal_document.h"

#include <algorithm>

#include <boost/json.hpp>

#include "agent/session_words.h"
#include "net/gre_codec.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::value seconds_or_null(const std::optional<std::chrono::seconds>& span) {
  return span ? json::value(span->count()) : json::value(nullptr);
}

json::object event_of(const Event& event) {
  json::object value{{"number", event.number}, {"time", utc_text(event.time)}, {"owner", event.owner}};
  if (const auto uuid = model::session_of(event.owner); !uuid.empty()) value["session"] = uuid;
  value["kind"] = name_of(event.kind);
  value["text"] = event.text;
  return value;
}

json::array events_of(const std::vector<Event>& events) {
  json::array values;
  for (const Event& event : events) values.push_back(event_of(event));
  return values;
}

// The lines of the last step that changed something.
json::value last_change_of(const std::vector<Event>& events) {
  json::array changes;
  std::optional<WallTime> when;
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    if (event->kind != Event::Kind::changed) continue;
    if (when && event->time != *when) break;
    when = event->time;
    changes.insert(changes.begin(), json::value(event->text));
  }
  if (!when) return nullptr;
  return json::object{{"time", utc_text(*when)}, {"changes", std::move(changes)}};
}

json::value bgp_of(const LinkMeasurement& link, const std::optional<LimitTry>& limit_try) {
  if (!link.bgp) return nullptr;
  const auto limit_of = [&](const bird::ChannelDetail& channel,
                            std::optional<bird::ChannelLimit> bird::ChannelDetail::* which) -> json::value {
    const std::optional<bird::ChannelLimit>& limit = channel.*which;
    if (!limit) return nullptr;
    const bool is_hit = is_limit_hit(link, channel, which, limit_try);
    return json::object{{"routes", limit->routes}, {"hit", is_hit}, {"action", limit->action}};
  };
  json::array channels;
  for (const bird::ChannelDetail& channel : link.bgp->channels) {
    channels.push_back(json::object{{"name", channel.name},
                                    {"state", channel.state},
                                    {"imported", channel.imported},
                                    {"filtered", channel.filtered},
                                    {"exported", channel.exported},
                                    {"preferred", channel.preferred},
                                    {"import_updates_rejected", channel.import_updates_rejected},
                                    {"receive_limit", limit_of(channel, &bird::ChannelDetail::receive_limit)},
                                    {"import_limit", limit_of(channel, &bird::ChannelDetail::import_limit)},
                                    {"export_limit", limit_of(channel, &bird::ChannelDetail::export_limit)}});
  }
  return json::object{{"state", link.bgp->bgp_state},
                      {"neighbor", link.bgp->neighbor_address},
                      {"established_seconds", seconds_or_null(link.established_for)},
                      {"flaps", link.flaps},
                      {"last_error", link.bgp->last_error},
                      {"channels", std::move(channels)}};
}

json::value traffic_of(const LinkMeasurement& link) {
  if (!link.traffic) return nullptr;
  const Traffic& traffic = *link.traffic;
  json::object value{{"rx_bytes", traffic.rx_bytes},     {"tx_bytes", traffic.tx_bytes},
                     {"rx_packets", traffic.rx_packets}, {"tx_packets", traffic.tx_packets},
                     {"rx_errors", traffic.rx_errors},   {"tx_errors", traffic.tx_errors},
                     {"rx_dropped", traffic.rx_dropped}, {"tx_dropped", traffic.tx_dropped}};
  if (link.rate) {
    value["rx_bits_per_second"] = link.rate->rx_bits_per_second;
    value["tx_bits_per_second"] = link.rate->tx_bits_per_second;
  }
  return value;
}

json::value endpoint_of(const LinkMeasurement& link) {
  if (link.gre) return json::value(link.gre->remote->text());
  return link.tunnel && link.tunnel->endpoint ? json::value(link.tunnel->endpoint->text()) : json::value(nullptr);
}

json::value type_of(const LinkMeasurement& link) {
  if (link.gre) return json::value(net::gre_kind(*link.gre));
  return link.tunnel ? json::value("wireguard") : json::value(nullptr);
}

json::value link_of(const LinkMeasurement& link) {
  const auto& tunnel = link.tunnel;
  const auto key = link.gre ? link.gre->key : std::nullopt;
  return json::object{{"interface", link.interface_name},
                      {"type", type_of(link)},
                      {"mtu", link.mtu_bytes},
                      {"present", link.has_link},
                      {"up", link.is_up},
                      {"handshake_age_seconds", tunnel ? seconds_or_null(tunnel->handshake_age) : json::value(nullptr)},
                      {"endpoint", endpoint_of(link)},
                      {"gre_key", key ? json::value(*key) : json::value(nullptr)},
                      {"traffic", traffic_of(link)}};
}

json::value quality_of(const LinkQuality& quality) {
  const auto class_of = [](unsigned number) { return number != 0 ? json::value(number) : json::value(nullptr); };
  return json::object{{"target", quality.target.text()},
                      {"answers", quality.answers},
                      {"rtt_ms", or_null(quality.rtt_ms)},
                      {"jitter_ms", or_null(quality.jitter_ms)},
                      {"loss_percent", or_null(quality.loss_percent)},
                      {"smoothed_rtt_ms", or_null(quality.smoothed_rtt_ms)},
                      {"latency_tier", class_of(quality.latency_tier)},
                      {"loss_class", class_of(quality.loss_class)},
                      {"measured", utc_text(quality.measured)}};
}

json::value health_of(const Health& health) {
  return json::object{{"works", health.works}, {"cause", health.cause}, {"since", utc_text(health.since)}};
}

json::value view_of(const SessionView& view) {
  return json::object{{"asn", view.asn},
                      {"name", view.name},
                      {"interface", view.interface_name},
                      {"status", status_word(view.held_status)},
                      {"reported_cause", view.held_error},
                      {"state", state_word(view.condition)},
                      {"cause", cause_of(view.condition)}};
}

// What a list sorted by owner holds of `owner`; null when it holds nothing, or there is none.
template <class T>
const T* find(const std::shared_ptr<const std::vector<T>>& sorted, const model::Owner& owner) {
  if (sorted == nullptr) return nullptr;
  const auto at = std::ranges::lower_bound(*sorted, owner, {}, &T::owner);
  return at != sorted->end() && at->owner == owner ? &*at : nullptr;
}

const SessionView* find_view(const NodeReport* report, std::string_view uuid) {
  if (report == nullptr) return nullptr;
  const auto at = std::ranges::lower_bound(*report->sessions, uuid, {}, &SessionView::uuid);
  return at != report->sessions->end() && at->uuid == uuid ? &*at : nullptr;
}

}  // namespace

std::string events_document(const Journal& journal, std::uint64_t since, std::size_t limit) {
  const auto events = journal.after(since, limit);
  const auto bounds = journal.bounds();
  return json::serialize(
      json::object{{"oldest", bounds.oldest}, {"latest", bounds.latest}, {"events", events_of(events)}});
}

std::optional<std::string> session_document(const SessionSource& source, std::string_view uuid) {
  const model::Owner owner = model::owner_of_session(uuid);
  const auto events = source.journal.of(owner);
  const SessionView* view = find_view(source.report.get(), uuid);
  if (view == nullptr && events.empty()) return std::nullopt;
  const auto links = source.measurement != nullptr ? std::shared_ptr<const std::vector<LinkMeasurement>>(
                                                         source.measurement, &source.measurement->links)
                                                   : nullptr;
  const LinkMeasurement* link = find(links, owner);
  const LinkQuality* quality = find<LinkQuality>(source.qualities, owner);
  const Health* health = find<Health>(source.health, owner);
  json::object document{{"uuid", uuid}};
  document["session"] = view != nullptr ? view_of(*view) : nullptr;
  document["health"] = health != nullptr ? health_of(*health) : nullptr;
  document["link"] = link != nullptr ? link_of(*link) : nullptr;
  document["bgp"] = link != nullptr ? bgp_of(*link, view != nullptr ? view->limit_try : std::nullopt) : nullptr;
  document["quality"] = quality != nullptr ? quality_of(*quality) : nullptr;
  document["last_change"] = last_change_of(events);
  document["events"] = events_of(events);
  return json::serialize(document);
}

}  // namespace moenet::agent
