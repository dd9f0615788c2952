#include "agent/mtu_task.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "base/log.h"

namespace moenet::agent {
namespace {

// A session's most (wire contract A3) within the larger of WireGuard's headers, which GRE's are below: what is found up
// to there says of every tunnel whether it fits. The link that the packets leave by ends most searches at once.
constexpr std::uint16_t kMostPathMtu = 9000 + net::tunnel_overhead(IpFamily::v6);

bool is_fresh(const TunnelPath& path, WallTime now, std::chrono::seconds interval) {
  return path.measured <= now && now - path.measured < interval;
}

// Of a path that leads where it led.
const TunnelPath* known_of(const TunnelPath& tunnel, const TunnelPaths& before) {
  const auto at = std::ranges::lower_bound(before, tunnel.owner, {}, &TunnelPath::owner);
  const bool is_known = at != before.end() && at->owner == tunnel.owner;
  return is_known && at->endpoint == tunnel.endpoint ? &*at : nullptr;
}

TunnelPaths known_among(const TunnelPaths& paths) {
  TunnelPaths known;
  known.reserve(paths.size());
  std::ranges::copy_if(paths, std::back_inserter(known), [](const auto& path) { return path.measured != WallTime{}; });
  return known;
}

// Those who are in a list; a look that failed lists nobody.
std::set<model::Owner> listed_in(const NodeReport& report) {
  std::set<model::Owner> listed;
  for (const BackboneView& view : report.backbone) listed.insert(view.owner);
  for (const SessionView& view : *report.sessions) listed.insert(model::owner_of_session(view.uuid));
  return listed;
}

}  // namespace

Result<net::PathMtu> search_path(const IpAddress& endpoint, const std::stop_token& stop) {
  TRY(const auto exchange, net::EchoExchange::open());
  return net::search_path_mtu(*exchange, {.target = endpoint, .source = {}}, net::kLeastPathMtu, kMostPathMtu, {},
                              stop);
}

TunnelPaths tunnels_of(const std::vector<LinkMeasurement>& links) {
  TunnelPaths tunnels;
  tunnels.reserve(links.size());
  for (const LinkMeasurement& link : links) {
    TunnelPath tunnel;
    tunnel.owner = link.owner;
    tunnel.mtu_bytes = link.mtu_bytes;
    if (link.has_link && link.tunnel && link.tunnel->endpoint) {
      tunnel.endpoint = link.tunnel->endpoint->address;
      tunnel.overhead_bytes = net::tunnel_overhead(tunnel.endpoint.family());
    } else if (link.has_link && link.gre) {
      tunnel.endpoint = *link.gre->remote;
      tunnel.overhead_bytes = bytes_of(*link.gre);
    } else {
      continue;
    }
    tunnels.push_back(std::move(tunnel));
  }
  return tunnels;
}

PathLook measured_paths(TunnelPaths tunnels, const TunnelPaths& before, WallTime now, std::chrono::seconds interval,
                        const PathSearch& search, const std::stop_token& stop, const PathSink& on_found) {
  TunnelPaths paths = std::move(tunnels);             // of which nothing is known, `measured` is the beginning of time
  std::map<IpAddress, std::vector<std::size_t>> due;  // several tunnels may end at one host
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const TunnelPath* known = known_of(paths[i], before);
    if (known == nullptr || !is_fresh(*known, now, interval)) due[paths[i].endpoint].push_back(i);
    if (known == nullptr) continue;
    paths[i].path_mtu_bytes = known->path_mtu_bytes;
    paths[i].named_by = known->named_by;
    paths[i].measured = known->measured;
  }
  PathLook look;
  for (const auto& [host, places] : due) {
    const Result<net::PathMtu> path = search(host, stop);
    if (!path && path.error().code != Errc::unavailable && look.outcome)
      look.outcome = std::unexpected(with_context(path.error(), "the path to " + host.text()));
    if (!path && path.error().code == Errc::cancelled) break;
    TunnelPaths found;
    for (const std::size_t place : places) {
      paths[place].path_mtu_bytes = path ? std::optional(path->bytes) : std::nullopt;
      paths[place].named_by = path ? path->named_by : std::nullopt;
      paths[place].measured = now;
      found.push_back(paths[place]);
    }
    if (on_found) on_found(known_among(paths), found);
  }
  look.paths = known_among(paths);
  return look;
}

MtuLimits kept_limits(const MtuSettings& settings, const StateFile& state) {
  if (settings.probe != MtuProbe::apply) return {};
  const auto text = state.read();
  const auto known = text ? read_mtus(*text) : std::unexpected(text.error());
  return known ? limits_of(*known) : MtuLimits{};
}

void MtuTask::load() {
  if (wiring_.settings.probe != MtuProbe::apply) return;
  const auto text = wiring_.state.load();
  auto known = text ? read_mtus(*text) : std::unexpected(text.error());
  if (!known) {
    if (known.error().code != Errc::not_found)
      log::warning("what was found of the tunnels' paths before is of no use", {{"error", known.error().what}});
    return;
  }
  known_ = std::move(*known);
  wiring_.limits.put(limits_of(known_));
}

void MtuTask::apply(const TunnelPaths& found, WallTime searched) {
  KnownMtus known = known_;
  take_paths(found, searched, known);
  if (known == known_) return;
  known_ = std::move(known);
  is_saved_ = false;
  tell();
}

// Who is in no list is gone for good. A tunnel that only has no endpoint for now keeps what it is.
void MtuTask::forget() {
  const auto report = wiring_.report.read();
  if (report == nullptr || report->error) return;
  const auto gone =
      std::erase_if(known_, [listed = listed_in(*report)](const auto& entry) { return !listed.contains(entry.first); });
  if (gone == 0) return;
  is_saved_ = false;
  tell();
}

void MtuTask::tell() {
  const auto before = wiring_.limits.read();
  MtuLimits limits = limits_of(known_);
  if (before != nullptr && *before == limits) return;
  wiring_.limits.put(std::move(limits));
  wiring_.on_limits();
}

void MtuTask::save() {
  const Result<void> saved = wiring_.state.save(write_mtus(known_));
  if (!saved) log::error("what the tunnels' paths carry cannot be kept on disk", {{"error", saved.error().what}});
  is_saved_ = true;
}

void MtuTask::look(TunnelPaths tunnels, WallTime now, const std::stop_token& stop) {
  const auto before = wiring_.paths.read();
  const bool applies = wiring_.settings.probe == MtuProbe::apply;
  bool has_searched = false;
  const auto on_found = [&](const TunnelPaths& known, const TunnelPaths& found) {
    has_searched = true;
    if (applies) apply(found, now);
    wiring_.paths.put(known);
  };
  PathLook look = measured_paths(std::move(tunnels), before != nullptr ? *before : TunnelPaths(), now,
                                 wiring_.settings.interval, wiring_.search, stop, on_found);
  if (applies && !stop.stop_requested()) forget();
  if (!is_saved_) save();
  if (stop.stop_requested()) return;
  if (has_searched) outcome_ = look.outcome;
  wiring_.ledger.record(kMtuTask, outcome_);
  const auto last = wiring_.paths.read();
  if (last == nullptr || look.paths != *last) wiring_.paths.put(std::move(look.paths));
}

void MtuTask::run(Wakeup& measured, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    TunnelPaths tunnels;
    bool is_measured = false;
    if (const auto measurement = wiring_.measurement.read()) {
      tunnels = tunnels_of(measurement->links);
      is_measured = true;
    }
    if (is_measured) look(std::move(tunnels), wall_now(), stop);
    measured.wait(Deadline::after(wiring_.settings.interval), stop);
  }
}

}  // namespace moenet::agent
