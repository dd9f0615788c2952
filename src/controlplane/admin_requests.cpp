// AdminApi: sessions as they are asked for and edited, by the rules that bind who asks.

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <string>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "controlplane/admin_api.h"
#include "controlplane/peering_rules.h"
#include "controlplane/session_draft.h"
#include "controlplane/session_rights.h"
#include "controlplane/token.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

bool is_true_member(const json::value& body, std::string_view key) {
  const json::value* value = body.is_object() ? body.get_object().if_contains(key) : nullptr;
  return value != nullptr && value->is_bool() && value->get_bool();
}

bool is_dry(const http::Request& request) { return request.parameter("dry-run") == "1"; }

}  // namespace

const Node* AdminApi::World::node(NodeId id) const {
  const auto found = std::ranges::find(nodes, id, &Node::id);
  return found == nodes.end() ? nullptr : &*found;
}

Checked<AdminApi::World> AdminApi::world(NodeId node, const std::string& public_key) const {
  World world;
  CHECKED_TRY(world.settings, store_.settings());
  CHECKED_TRY(world.nodes, store_.nodes());
  CHECKED_TRY(world.sessions, store_.sessions({.node = node}));
  if (public_key.empty()) return world;
  CHECKED_TRY(auto others, store_.sessions({.key = public_key}));
  std::erase_if(others, [&](const StoredSession& row) { return row.node == node; });
  std::ranges::move(others, std::back_inserter(world.sessions));
  return world;
}

// A registry that cannot be read keeps nobody out.
std::optional<bool> AdminApi::is_registered(const Caller& caller, model::Asn asn) const {
  if (!registry_ || caller.role >= Role::admin) return std::nullopt;
  const auto found = registry_->find(asn);
  if (found) return true;
  if (found.error().code == Errc::not_found) return false;
  log::warning("the registry was not asked", {{"asn", asn}, {"error", found.error().what}});
  return std::nullopt;
}

// What others change between this look and the commit is the store's to find: asn, port and addresses are; a node may
// get one session more than it has room for.
Checked<void> AdminApi::check_rules(const Caller& caller, const StoredSession* before, const StoredSession& row,
                                    const World& world) const {
  const Node* node = world.node(row.node);
  if (node == nullptr) return refuse(Errc::internal, fmt::format("session {} has no node", row.uuid));
  const PeeringFacts facts{world.settings, *node, world.nodes, world.sessions, is_registered(caller, row.asn)};
  if (auto sound = check_sound(row, facts); !sound) return sound;
  if (caller.role < Role::admin) {
    if (auto may = check_policy(before, row, facts); !may) return may;
  }
  return check_free(before, row, facts);
}

http::Response AdminApi::add_session(const http::Request& request) const {
  return for_all(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    const std::string_view name = text_member(body, "node");
    if (name.empty()) return refuse(Errc::invalid, "expected the name of a node", "node");
    const auto found = store_.find_node(name);
    if (!found && found.error().code == Errc::not_found) return refuse(Errc::invalid, found.error().what, "node");
    if (!found) return std::unexpected(Refusal(found.error()));
    CHECKED_TRY(auto merged, merge_draft(SessionDraft{}, body));
    CHECKED_TRY(const auto draft, own_draft(caller, std::move(merged), body));
    CHECKED_TRY(const auto all, world(found->id, draft.public_key));
    StoredSession row;
    row.uuid = make_uuid();
    row.node = found->id;
    const bool is_welcome = caller.role < Role::admin && all.settings.peering.approval == Approval::automatic;
    row.status = is_welcome || is_true_member(body, "approve") ? model::SessionStatus::queued_for_setup
                                                               : model::SessionStatus::pending;
    row.created_at = row.updated_at =
        std::chrono::duration_cast<std::chrono::milliseconds>(now_().time_since_epoch()).count();
    CHECKED_TRY(auto filled, apply_draft(std::move(row), draft, all.settings, *found));
    if (auto may = check_rules(caller, nullptr, filled, all); !may) return std::unexpected(may.error());
    if (is_dry(request)) return json_answer(200, operator_view(filled, *found, {}));
    CHECKED_TRY(const auto added, store_.add_session(caller.author(), std::move(filled)));
    log::info(
        "session added",
        {{"node", found->name}, {"asn", added.asn}, {"session", added.uuid}, {"status", model::name_of(added.status)}});
    return session_answer(request, 201, added);
  });
}

Checked<StoredSession> AdminApi::edited(const Caller& caller, const StoredSession& row, const json::value& changes,
                                        const World& world) const {
  CHECKED_TRY(const auto status, status_after_edit(row));
  const SessionDraft before = draft_of(row);
  CHECKED_TRY(const auto draft, merge_draft(before, changes));
  if (auto may = check_members(caller, before, draft); !may) return std::unexpected(may.error());
  const Node* node = world.node(row.node);
  if (node == nullptr) return refuse(Errc::internal, fmt::format("session {} has no node", row.uuid));
  CHECKED_TRY(auto wanted, apply_draft(row, draft, world.settings, *node));
  if (wanted == row) return wanted;
  if (auto may = check_rules(caller, &row, wanted, world); !may) return std::unexpected(may.error());
  wanted.status = status;
  if (wanted.status != row.status) wanted.last_error.clear();
  return wanted;
}

http::Response AdminApi::edit_session(const http::Request& request, std::string_view uuid) const {
  return for_all(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto seen, visible_session(caller, uuid));
    CHECKED_TRY(const auto body, json_body(request));
    for (const std::string_view fixed : {"node", "approve"}) {
      if (body.is_object() && body.get_object().contains(fixed))
        return refuse(Errc::invalid, "cannot be edited", std::string(fixed));
    }
    CHECKED_TRY(const auto expected, expected_version(request));
    CHECKED_TRY(const auto merged, merge_draft(draft_of(seen), body));
    CHECKED_TRY(const auto all, world(seen.node, merged.public_key));
    if (is_dry(request)) {
      if (expected && *expected != seen.version)
        return refuse(Errc::conflict, "it was changed since you read it", "version");
      CHECKED_TRY(const auto wanted, edited(caller, seen, body, all));
      return session_answer(request, 200, wanted);
    }
    const auto decide = [&](const StoredSession& row) -> Checked<Verdict> {
      CHECKED_TRY(auto wanted, edited(caller, row, body, all));
      if (wanted == row) return Keep{};
      return Replace{std::move(wanted)};
    };
    const auto changed =
        store_.change_session(caller.author(), as_of(caller, {std::string(uuid), decide, expected, "edited"}));
    if (changed) log::info("session edited", {{"session", uuid}});
    return changed_answer(request, changed);
  });
}

}  // namespace moenet::controlplane
