#include "agent/heartbeat_task.h"

#include <boost/json/value.hpp>

#include "agent/version.h"
#include "base/log.h"
#include "model/heartbeat.h"
#include "net/host_facts.h"

namespace moenet::agent {
namespace {

constexpr std::chrono::seconds kLook{5};

model::Heartbeat heartbeat_of(const net::HostFacts& host, const HeartbeatSource& source) {
  model::Heartbeat heartbeat;
  heartbeat.node = source.node_name;
  heartbeat.agent_version = version_text();
  heartbeat.kernel = host.kernel_release;
  heartbeat.load_average = host.load_average;
  heartbeat.uptime = host.uptime;
  heartbeat.time = std::chrono::floor<std::chrono::seconds>(wall_now());
  heartbeat.sent_bytes = host.traffic.tx_bytes;
  heartbeat.received_bytes = host.traffic.rx_bytes;
  heartbeat.tcp_sockets = host.tcp_sockets;
  heartbeat.udp_sockets = host.udp_sockets;
  heartbeat.mesh_public_key = source.public_key;
  heartbeat.public_ipv4 = host.public_ipv4;
  heartbeat.public_ipv6 = host.public_ipv6;
  heartbeat.looking_glass = source.looking_glass.offered();
  const auto maintenance = source.maintenance.read();
  if (maintenance != nullptr && maintenance->record.is_on()) {
    heartbeat.maintenance =
        model::HeartbeatMaintenance{std::string(name_of(maintenance->record.phase)), maintenance->record.since};
  }
  return heartbeat;
}

Result<void> beat(ControlPlane& control_plane, const HeartbeatSource& source, const std::stop_token& stop) {
  const auto host = net::read_host_facts(Deadline::after(kLook));
  return control_plane.heartbeat(model::write_json(heartbeat_of(host, source)), stop);
}

}  // namespace

void run_heartbeat(ControlPlane& control_plane, TaskLedger& ledger, const HeartbeatSource& source,
                   std::chrono::seconds interval, Wakeup& wakeup, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto began = steady_now();
    const auto outcome = beat(control_plane, source, stop);
    if (outcome || outcome.error().code != Errc::cancelled)
      ledger.record(kHeartbeatTask, outcome, steady_now() - began);
    if (!outcome) log::warning("heartbeat failed", {{"error", outcome.error().what}});
    wakeup.wait(Deadline::after(interval), stop);
  }
}

}  // namespace moenet::agent
