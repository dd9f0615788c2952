#include "agent/metric_task.h"

#include <algorithm>

#include "agent/ownership_mark.h"
#include "base/log.h"
#include "base/thread_cpu.h"

namespace moenet::agent {
namespace {

// Between two looks, where they are cheap: they may cost a 1,000th of the time, so that of 1,000 sessions a failure is
// still seen within 15 s. Of 100, which have 0.1 % of a core for all that the agent does while nothing happens, they
// take a tenth of that (docs/benchmarks.md).
constexpr std::chrono::seconds kLook{10};
constexpr int kLookShare = 1000;
// However often sessions change.
constexpr std::chrono::seconds kFloor{1};

// What each part of a look may take. BIRD lists 1,000 sessions with all that it knows within 0.1 s.
constexpr std::chrono::seconds kLinksWithin{10};
constexpr std::chrono::seconds kTunnelsWithin{10};
constexpr std::chrono::seconds kBirdWithin{10};

// One connection; the second is for the moment in which BIRD has closed the first.
constexpr bird::PoolLimits kConnections{1, 2};

bool is_tunnel_of_ours(const net::CountedLink& counted) {
  const auto mark = read_mark(counted.link.alias);
  return mark && mark->owner != model::kLoopbackOwner;
}

}  // namespace

std::chrono::microseconds pause_after(std::chrono::microseconds cpu, const AgentConfig& config) {
  using std::chrono::microseconds;
  const microseconds most = config.control_plane.metric_interval;
  // A shorter damping needs more looks.
  const microseconds least = std::min<microseconds>(
      {most, kLook, std::max(config.health.ok_after, kFloor), std::max(config.health.problem_after, kFloor)});
  return std::clamp(cpu * kLookShare, least, most);
}

MetricTask::MetricTask(MetricWiring wiring)
    : wiring_(std::move(wiring)),
      tunnels_(TunnelReader::open(wiring_.config.wireguard)),
      pool_(wiring_.config.bird.control_socket, kConnections),
      judge_(wiring_.config.health) {}

Result<std::vector<net::CountedLink>> MetricTask::own_links(Deadline deadline) {
  if (!netlink_) {
    TRY(auto socket, net::NetlinkSocket::open(net::NetlinkFamily::route));
    netlink_ = std::move(socket);
  }
  auto links = net::count_links(*netlink_, deadline);
  if (links) std::erase_if(*links, [](const auto& counted) { return !is_tunnel_of_ours(counted); });
  return links;
}

Result<std::vector<bird::ProtocolDetail>> MetricTask::protocols(Depth depth, Deadline deadline,
                                                                const std::stop_token& stop) {
  if (depth == Depth::whole) {
    TRY(const auto reply, pool_.ask("show protocols all", deadline, stop));
    return bird::parse_protocol_details(reply);
  }
  TRY(const auto reply, pool_.ask("show protocols", deadline, stop));
  TRY(auto statuses, bird::parse_protocols(reply));
  return brought_up_to_date(wiring_.measurement.read().get(), std::move(statuses));
}

Result<void> MetricTask::look(Depth depth, const NodeReport& report, const std::stop_token& stop) {
  const auto cpu = thread_cpu();
  const auto wall = wall_now();
  const auto now = steady_now();
  TRY(const auto links, own_links(Deadline::after(kLinksWithin)));
  const auto tunnels = depth == Depth::whole ? TunnelReader::Depth::all : TunnelReader::Depth::silent;
  tunnels_.read(links, tunnels, wall, now, Deadline::after(kTunnelsWithin), stop);
  auto details = protocols(depth, Deadline::after(kBirdWithin), stop);
  if (stop.stop_requested()) return fail(Errc::cancelled, "measure: stopped");
  const auto maintenance = wiring_.maintenance.read();
  const auto shut =
      maintenance != nullptr ? std::span<const std::string>(maintenance->record.shut) : std::span<const std::string>();
  Measurement measurement =
      meter_.measure({links, [&](const std::string& name) { return tunnels_.state_of(name, now); }, *report.sessions,
                      details ? std::move(*details) : std::vector<bird::ProtocolDetail>{},
                      details ? "" : details.error().what, wall, now, shut});
  const auto last = wiring_.measurement.read();
  measurement.bgp_read = depth == Depth::whole || last == nullptr ? now : last->bgp_read;
  judge(measurement, *report.sessions, shut);
  measurement.cpu = thread_cpu() - cpu;
  wiring_.measurement.put(std::move(measurement));
  return {};
}

void MetricTask::judge(const Measurement& measurement, const SessionViews& sessions,
                       std::span<const std::string> shut) {
  HealthTable table = judge_.judge(measurement, sessions, shut);
  const auto last = wiring_.health.read();
  if (last != nullptr && *last == table) return;
  for (const Health& health : table) {
    const Health* before = last == nullptr ? nullptr : find_health(*last, health.owner);
    const bool worked = before == nullptr || before->works;
    if (worked && !health.works) {
      log::warning("a session does not work", {{"owner", health.owner}, {"cause", health.cause}});
    } else if (!worked && health.works) {
      log::info("a session works again", {{"owner", health.owner}});
    }
  }
  wiring_.health.put(std::move(table));
  wiring_.on_health();
}

void MetricTask::run(const std::stop_token& stop) {
  Wakeup never;
  auto next_round = steady_now();
  std::chrono::microseconds brief{0};  // what the last brief look cost; rounds come by the clock, whatever they cost
  while (!stop.stop_requested()) {
    const auto report = wiring_.report.read();
    const auto began = steady_now();
    if (report != nullptr) {
      const bool is_round = began >= next_round;
      const auto cpu = thread_cpu();
      const Depth depth = is_round ? Depth::whole : Depth::brief;
      const auto done = look(depth, *report, stop);
      if (!is_round) brief = thread_cpu() - cpu;
      if (stop.stop_requested()) return;
      wiring_.ledger.record(kMetricTask, done, steady_now() - began);
      if (is_round) next_round = began + wiring_.config.control_plane.metric_interval;
      if (done) wiring_.on_look(depth);
    }
    const auto pause = pause_after(brief, wiring_.config);
    if (wiring_.wakeup.wait(
            Deadline(report == nullptr ? began + pause : std::min<SteadyTime>(next_round, began + pause)), stop))
      never.wait(Deadline(began + kFloor), stop);
  }
}

}  // namespace moenet::agent
