#include "agent/mesh_state.h"

#include <fmt/format.h>

namespace moenet::agent {
namespace {

// WireGuard renews a session after 120 s and drops it at 180 s (WireGuard whitepaper, section 6.1).
constexpr std::chrono::seconds kLostHandshake{180};

}  // namespace

std::string mesh_state(const BackboneView& neighbor) {
  if (const auto* broken = std::get_if<model::Broken>(&neighbor.condition))
    return fmt::format("error: {}", broken->cause);
  if (!std::holds_alternative<model::InPlace>(neighbor.condition)) return "error: not set up";
  if (!neighbor.handshake_age) return "error: no handshake yet";
  if (*neighbor.handshake_age > kLostHandshake)
    return fmt::format("error: no handshake for {} min",
                       std::chrono::floor<std::chrono::minutes>(*neighbor.handshake_age).count());
  return neighbor.is_heard_by_babel ? "configured" : "error: Babel hears no neighbor";
}

std::map<std::string, std::string> mesh_states(const NodeReport& report) {
  std::map<std::string, std::string> states;
  for (const BackboneView& view : report.backbone) {
    if (const auto node = model::mesh_node_of(view.owner)) states[std::to_string(*node)] = mesh_state(view);
  }
  return states;
}

}  // namespace moenet::agent
