// The series of the node as a whole, and of its links in the mesh.
#include <algorithm>

#include <fmt/format.h>

#include "agent/compose_mesh.h"
#include "agent/mesh_state.h"
#include "agent/metrics_parts.h"

namespace moenet::agent::metrics {
namespace {

bool is_in_place(const BackboneView& view) { return std::holds_alternative<model::InPlace>(view.condition); }

void collect_maintenance(const MaintenanceView& view, const FamilySink& sink) {
  Family phase = gauge("moenet_node_maintenance_phase", "1 of the phase that maintenance is in, else 0");
  for (const auto one :
       {MaintenancePhase::off, MaintenancePhase::draining, MaintenancePhase::drained, MaintenancePhase::down})
    phase.add({{"phase", std::string(name_of(one))}}, view.record.phase == one ? 1 : 0);
  std::move(phase).send(sink);
  if (view.record.is_on()) {
    send_one(gauge("moenet_node_maintenance_start_timestamp_seconds", "When maintenance began; absent while it is off"),
             unix_seconds(WallTime(view.record.since)), sink);
  }
  if (view.preferred) {
    send_one(gauge("moenet_node_maintenance_preferred_routes",
                   "Routes of other networks that are still the best here; absent when not counted"),
             static_cast<double>(*view.preferred), sink);
  }
  send_one(gauge("moenet_node_maintenance_shut_sessions", "Sessions that maintenance holds down"),
           static_cast<double>(view.record.shut.size()), sink);
}

void collect_problems(const NodeReport& report, const FamilySink& sink) {
  Family problem = gauge("moenet_node_problem", "Whether this part of the node is not as wanted");
  const std::pair<std::string_view, bool> parts[] = {{"bird", !report.step.bird_problem.empty()},
                                                     {"policy", !report.step.policy_problem.empty()},
                                                     {"firewall", !report.step.firewall_problem.empty()},
                                                     {"look", report.error.has_value()}};
  for (const auto& [part, is_so] : parts) {
    // Of a node that could not be looked at nothing else is known.
    if (!report.error || part == "look") problem.add({{"part", std::string(part)}}, is_so ? 1 : 0);
  }
  std::move(problem).send(sink);
  const auto loopback = std::ranges::find(report.backbone, model::kLoopbackOwner, &BackboneView::owner);
  if (loopback != report.backbone.end())
    send_one(gauge("moenet_node_loopback_up", "Whether the loopback is in place; absent where the agent sees to none"),
             is_in_place(*loopback) ? 1 : 0, sink);
}

}  // namespace

void collect_node(const MetricsSource& source, const FamilySink& sink) {
  Family identity = gauge("moenet_node_info", "1, with what the node is known by");
  const std::string version = source.report != nullptr ? source.report->step.bird_version : "";
  identity.add(
      {{"node", std::string(source.node_name)}, {"wireguard", std::string(source.backend)}, {"bird_version", version}},
      1);
  std::move(identity).send(sink);
  if (source.maintenance != nullptr) collect_maintenance(*source.maintenance, sink);
  if (source.report != nullptr) collect_problems(*source.report, sink);
  if (source.kernel != nullptr)
    send_one(gauge("moenet_node_kernel_settings_wrong", "Kernel settings that were not as a router needs them"),
             static_cast<double>(source.kernel->wrong.size()), sink);
  if (source.measurement == nullptr) return;
  send_one(gauge("moenet_node_bird_answers", "Whether BIRD could be asked at the last measurement"),
           source.measurement->bird_problem.empty() ? 1 : 0, sink);
  send_one(gauge("moenet_node_measurement_timestamp_seconds", "When BGP and tunnels were measured last"),
           unix_seconds(source.measurement->wall), sink);
  send_one(gauge("moenet_node_measurement_cpu_seconds", "CPU that this measurement took"),
           std::chrono::duration<double>(source.measurement->cpu).count(), sink);
}

void collect_mesh(const MetricsSource& source, const FamilySink& sink) {
  if (source.report == nullptr) return;
  Family up = gauge("moenet_mesh_up", "Whether the link is set up, alive, and Babel hears the neighbor");
  Family babel = gauge("moenet_mesh_babel_up", "Whether Babel hears the neighbor");
  std::vector<LinkRow> links;
  for (const BackboneView& view : source.report->backbone) {
    const auto node = model::mesh_node_of(view.owner);
    if (!node) continue;
    const Labels labels{{"node", fmt::format("{}", *node)}, {"interface", mesh_interface(*node)}};
    up.add(labels, mesh_state(view) == "configured" ? 1 : 0);
    babel.add(labels, view.is_heard_by_babel ? 1 : 0);
    links.push_back(
        {labels, measured_of(source, view.owner), quality_of(source, view.owner), path_of(source, view.owner)});
  }
  std::move(up).send(sink);
  std::move(babel).send(sink);
  collect_links("moenet_mesh_", links, sink);
}

}  // namespace moenet::agent::metrics
