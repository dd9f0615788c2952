#include "agent/heartbeat_task.h"

#include <boost/json/value.hpp>

#include "agent/version.h"
#include "base/latest.h"
#include "base/log.h"
#include "model/heartbeat.h"
#include "net/host_facts.h"

namespace moenet::agent {
namespace {

constexpr std::chrono::seconds kLook{5};

model::Heartbeat heartbeat_of(const net::HostFacts& host, const std::string& node_name, const Key& public_key) {
  model::Heartbeat heartbeat;
  heartbeat.node = node_name;
  heartbeat.agent_version = version_text();
  heartbeat.kernel = host.kernel_release;
  heartbeat.load_average = host.load_average;
  heartbeat.uptime = host.uptime;
  heartbeat.time = std::chrono::floor<std::chrono::seconds>(wall_now());
  heartbeat.sent_bytes = host.traffic.tx_bytes;
  heartbeat.received_bytes = host.traffic.rx_bytes;
  heartbeat.tcp_sockets = host.tcp_sockets;
  heartbeat.udp_sockets = host.udp_sockets;
  heartbeat.mesh_public_key = public_key;
  heartbeat.public_ipv4 = host.public_ipv4;
  heartbeat.public_ipv6 = host.public_ipv6;
  return heartbeat;
}

Result<void> beat(ControlPlane& control_plane, const std::string& node_name, const Key& public_key,
                  const std::stop_token& stop) {
  const auto host = net::read_host_facts(Deadline::after(kLook));
  return control_plane.heartbeat(model::write_json(heartbeat_of(host, node_name, public_key)), stop);
}

}  // namespace

void run_heartbeat(ControlPlane& control_plane, TaskLedger& ledger, const std::string& node_name, const Key& public_key,
                   std::chrono::seconds interval, const std::stop_token& stop) {
  Wakeup never;
  while (!stop.stop_requested()) {
    const auto outcome = beat(control_plane, node_name, public_key, stop);
    if (outcome || outcome.error().code != Errc::cancelled) ledger.record(kHeartbeatTask, outcome);
    if (!outcome) log::warning("heartbeat failed", {{"error", outcome.error().what}});
    never.wait(Deadline::after(interval), stop);
  }
}

}  // namespace moenet::agent
