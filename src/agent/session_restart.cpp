#include "agent/session_restart.h"

#include <algorithm>
#include <variant>

#include <fmt/format.h>

#include "base/log.h"
#include "bird/render.h"

namespace moenet::agent {
namespace {

bool is_set_up(const SessionView& view) {
  return std::holds_alternative<model::InPlace>(view.condition) ||
         std::holds_alternative<model::Broken>(view.condition);
}

bool is_named(const SessionView& view, std::string_view name) {
  return name == view.interface_name || name == bird::protocol_name(view.asn);
}

// By its owner's mark: another session may hold the name for now.
Result<void> remove_tunnel(reconcile::Node& node, const model::SessionId& session, Deadline deadline,
                           const std::stop_token& stop) {
  TRY(const reconcile::NodeState observed, node.observe(deadline, stop));
  const model::Owner owner = model::owner_of_session(session);
  const auto tunnel = std::ranges::find(observed.tunnels, owner, &model::Tunnel::owner);
  if (tunnel == observed.tunnels.end()) return {};  // the step makes one
  const reconcile::TunnelAction removal = reconcile::RemoveTunnel{tunnel->name, owner};
  auto removed = node.apply_tunnels(std::span(&removal, 1), deadline, stop);
  return std::move(removed.front());
}

}  // namespace

Result<SessionRestart> SessionRestart::begin(reconcile::Node& node, const SessionViews& sessions,
                                             const RestartSession& request, Deadline deadline,
                                             const std::stop_token& stop) {
  const auto view = std::ranges::find_if(
      sessions, [&](const SessionView& each) { return is_set_up(each) && is_named(each, request.name); });
  if (view == sessions.end())
    return fail(Errc::not_found, fmt::format("no session {} is set up here", escape_for_log(request.name)));
  if (request.tunnel) TRY_VOID(remove_tunnel(node, view->uuid, deadline, stop));
  return SessionRestart(view->uuid, view->asn, request);
}

Result<void> SessionRestart::finish(reconcile::Node& node, const SessionViews& sessions, Deadline deadline,
                                    const std::stop_token& stop) const {
  const auto view = std::ranges::find(sessions, session_, &SessionView::uuid);
  if (view == sessions.end()) return fail(Errc::unavailable, "the session was removed meanwhile");
  if (const auto* broken = std::get_if<model::Broken>(&view->condition); broken != nullptr && request_.tunnel)
    return fail(Errc::unavailable, std::string(broken->cause));
  log::info("session restarted", {{"session", session_}, {"tunnel", request_.tunnel}, {"bgp", request_.bgp}});
  if (!request_.bgp) return {};
  reconcile::BirdAction action;
  action.orders.push_back(
      {model::owner_of_session(session_), bird::protocol_name(asn_), reconcile::SessionOrder::Kind::restart});
  TRY_VOID(node.apply_bird(action, deadline, stop));
  return {};
}

}  // namespace moenet::agent
