#include "agent/metric_report.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/log.h"
#include "bird/render.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;

constexpr std::chrono::hours kNothingWaits{1};

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::object channels_of(const bird::ProtocolDetail& bgp) {
  json::object channels;
  for (const bird::ChannelDetail& channel : bgp.channels) {
    channels[channel.name.view()] = json::object{{"imported", channel.imported},
                                                 {"filtered", channel.filtered},
                                                 {"exported", channel.exported},
                                                 {"preferred", channel.preferred}};
  }
  return channels;
}

// What every control plane understands (A7).
void add_bgp(json::object& session, const LinkMeasurement& link, const Measurement& measurement) {
  if (!link.bgp) {
    session["state"] = "Unknown";
    session["info"] = measurement.bird_problem;
    return;
  }
  const bird::ProtocolDetail& bgp = *link.bgp;
  session["state"] = bgp.bgp_state.empty() ? std::string_view("Down") : bgp.bgp_state.view();
  session["info"] = bgp.last_error.view();
  if (!bgp.last_error.empty()) session["last_error"] = bgp.last_error.view();
  if (link.established_for) {
    const auto since = std::chrono::floor<std::chrono::seconds>(measurement.wall - *link.established_for);
    session["since"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", since);
  }
  if (bgp.channels.empty()) return;
  std::uint64_t imported = 0;
  std::uint64_t exported = 0;
  for (const bird::ChannelDetail& channel : bgp.channels) {
    imported += channel.imported;
    exported += channel.exported;
  }
  session["routes_imported"] = imported;
  session["routes_exported"] = exported;
  session["channels"] = channels_of(bgp);
}

json::object wireguard_of(const TunnelState& tunnel) {
  json::object wireguard;
  wireguard["handshake_age"] = tunnel.handshake_age ? json::value(tunnel.handshake_age->count()) : json::value(nullptr);
  wireguard["rx"] = tunnel.rx_bytes;
  wireguard["tx"] = tunnel.tx_bytes;
  wireguard["endpoint"] = tunnel.endpoint ? json::value(tunnel.endpoint->text()) : json::value(nullptr);
  return wireguard;
}

// The link's own counters: the kernel has no others.
json::object gre_of(const GreHeader& header, const std::optional<Traffic>& traffic) {
  json::object gre{{"endpoint", header.remote->text()}};
  if (!traffic) return gre;
  gre["rx"] = traffic->rx_bytes;
  gre["tx"] = traffic->tx_bytes;
  return gre;
}

json::object session_of(const LinkMeasurement& link, const Measurement& measurement, const LinkQualities& qualities) {
  json::object session;
  session["name"] = bird::protocol_name(link.asn);
  session["type"] = "bgp";
  add_bgp(session, link, measurement);
  session["uuid"] = model::session_of(link.owner);
  session["asn"] = link.asn;
  if (link.has_link) session["mtu"] = link.mtu_bytes;
  if (link.tunnel) session["wireguard"] = wireguard_of(*link.tunnel);
  if (link.gre) session["gre"] = gre_of(*link.gre, link.traffic);
  const auto quality = std::ranges::lower_bound(qualities, link.owner, {}, &LinkQuality::owner);
  if (quality != qualities.end() && quality->owner == link.owner && quality->answers) {
    session["rtt"] = json::object{
        {"ms", or_null(quality->rtt_ms)}, {"loss", or_null(quality->loss_percent)}, {"tier", quality->latency_tier}};
  }
  return session;
}

// What a repetition would not change: of a node that the control plane does not know, nobody reads reports. A token
// that is refused now may be mended.
bool is_final(const Error& error) {
  return error.code == Errc::invalid || error.code == Errc::internal || error.code == Errc::not_found;
}

}  // namespace

std::vector<std::string> report_bodies(const std::string& node_name, const Measurement& measurement,
                                       const LinkQualities& qualities, std::size_t most_bytes) {
  constexpr std::size_t kAround = 256;  // the members beside the sessions
  std::vector<std::string> lists(1);
  for (const LinkMeasurement& link : measurement.links) {
    if (link.asn == 0) continue;
    const std::string session = json::serialize(session_of(link, measurement, qualities));
    if (!lists.back().empty() && lists.back().size() + session.size() + kAround > most_bytes) lists.emplace_back();
    if (!lists.back().empty()) lists.back() += ',';
    lists.back() += session;
  }
  const auto at = std::chrono::floor<std::chrono::seconds>(measurement.wall.time_since_epoch()).count();
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const std::string parts = lists.size() == 1 ? "" : fmt::format(R"("part":{},"parts":{},)", i + 1, lists.size());
    bodies.push_back(fmt::format(R"({{"node_id":{},"timestamp":{},{}"sessions":[{}]}})",
                                 json::serialize(json::value(node_name)), at, parts, lists[i]));
  }
  return bodies;
}

void ReportBacklog::drop_oldest() {
  const std::uint64_t oldest = bodies_.front().report;
  while (!bodies_.empty() && bodies_.front().report == oldest) {
    bytes_ -= bodies_.front().body->size();
    bodies_.pop_front();
  }
  ++dropped_;
}

void ReportBacklog::add(std::vector<std::string> bodies) {
  ++last_report_;
  std::size_t added = 0;
  for (const std::string& body : bodies) added += body.size();
  while (!bodies_.empty() && (waiting() >= limits_.reports || bytes_ + added > limits_.bytes)) drop_oldest();
  for (std::string& body : bodies)
    bodies_.push_back({last_report_, std::make_shared<const std::string>(std::move(body))});
  bytes_ += added;
}

ReportBacklog::Body ReportBacklog::first() const { return bodies_.empty() ? nullptr : bodies_.front().body; }

void ReportBacklog::remove(const Body& body) {
  if (bodies_.empty() || bodies_.front().body != body) return;
  bytes_ -= body->size();
  bodies_.pop_front();
}

// Reports are numbered without a gap, and only whole ones are dropped.
std::size_t ReportBacklog::waiting() const {
  return bodies_.empty() ? 0 : static_cast<std::size_t>(bodies_.back().report - bodies_.front().report + 1);
}

void MetricReport::add(const Measurement& measurement) {
  static const LinkQualities kNone;
  const auto qualities = qualities_.read();
  auto bodies = report_bodies(node_name_, measurement, qualities != nullptr ? *qualities : kNone);
  {
    const std::lock_guard lock(mutex_);
    backlog_.add(std::move(bodies));
  }
  wakeup_.notify();
}

void MetricReport::send_waiting(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    ReportBacklog::Body body;
    {
      const std::lock_guard lock(mutex_);
      body = backlog_.first();
    }
    if (body == nullptr) return;
    const auto began = steady_now();
    const auto sent = send_(*body, stop);
    if (!sent && sent.error().code == Errc::cancelled) return;
    ledger_.record(kMetricReportTask, sent, steady_now() - began);
    if (is_told_ && !sent) log::warning("what was measured could not be reported", {{"error", sent.error().what}});
    is_told_ = sent.has_value();
    if (!sent && !is_final(sent.error())) return;
    const std::lock_guard lock(mutex_);
    backlog_.remove(body);
    if (!sent) ++refused_;
  }
}

void MetricReport::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    send_waiting(stop);
    wakeup_.wait(Deadline::after(kNothingWaits), stop);
  }
}

MetricReport::Counters MetricReport::counters() const {
  const std::lock_guard lock(mutex_);
  return {backlog_.waiting(), backlog_.dropped(), refused_};
}

}  // namespace moenet::agent
