#include "agent/mesh_report.h"

#include <algorithm>
#include <cmath>

#include <boost/json.hpp>

#include "base/log.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;

// Between two reports, however often states change.
constexpr std::chrono::seconds kFloor{5};

template <class Visit>
void visit_neighbors(const NodeReport& report, const Visit& visit) {
  for (const BackboneView& view : report.backbone) {
    if (const auto node = model::mesh_node_of(view.owner)) visit(std::to_string(*node), view);
  }
}

// Milliseconds, to the microsecond.
std::optional<double> round_trip(const LinkQualities* qualities, const model::Owner& owner) {
  if (qualities == nullptr) return std::nullopt;
  const auto quality = std::ranges::lower_bound(*qualities, owner, {}, &LinkQuality::owner);
  if (quality == qualities->end() || quality->owner != owner || !quality->rtt_ms) return std::nullopt;
  return std::round(*quality->rtt_ms * 1000) / 1000;
}

}  // namespace

json::value mesh_status_body(const std::string& node_name, const NodeReport& report, const LinkQualities* qualities) {
  json::object peers;
  json::object links;
  visit_neighbors(report, [&](const std::string& node, const BackboneView& view) {
    peers[node] = mesh_state(view);
    json::object link{
        {"handshakeAge", view.handshake_age ? json::value(view.handshake_age->count()) : json::value(nullptr)},
        {"babel", view.is_heard_by_babel}};
    if (const auto rtt = round_trip(qualities, view.owner)) link["rtt"] = *rtt;
    links[node] = std::move(link);
  });
  const auto now = std::chrono::floor<std::chrono::seconds>(report.finished.time_since_epoch());
  return json::object{
      {"node_id", node_name}, {"timestamp", now.count()}, {"peers", std::move(peers)}, {"links", std::move(links)}};
}

void MeshReport::run(const std::stop_token& stop) {
  std::map<std::string, std::string> told;
  SteadyTime told_at{};
  bool is_told = true;  // the last attempt went well
  while (!stop.stop_requested()) {
    const auto report = report_.read();
    const auto now = steady_now();
    if (report != nullptr && !report->backbone.empty()) {
      auto states = mesh_states(*report);
      const bool is_due = now - told_at >= interval_ || (is_told && states != told && now - told_at >= kFloor);
      if (is_due && !(states.empty() && told.empty())) {
        const auto sent =
            control_plane_.report_mesh(mesh_status_body(node_name_, *report, qualities_.read().get()), stop);
        if (!sent && sent.error().code == Errc::cancelled) return;
        ledger_.record(kMeshReportTask, sent, steady_now() - now);
        if (is_told && !sent) log::warning("the mesh could not be reported", {{"error", sent.error().what}});
        is_told = sent.has_value();
        told_at = now;
        if (is_told) told = std::move(states);
      }
    }
    wakeup_.wait(Deadline::after(kFloor), stop);
  }
}

}  // namespace moenet::agent
