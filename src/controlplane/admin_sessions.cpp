// AdminApi: sessions.

#include <optional>
#include <string>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "controlplane/admin_api.h"
#include "controlplane/admin_body.h"
#include "controlplane/answers.h"
#include "controlplane/session_draft.h"
#include "controlplane/session_moves.h"
#include "controlplane/token.h"
#include "model/json_reader.h"
#include "model/text.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

std::string_view text_member(const json::value& body, std::string_view key) {
  const json::value* value = body.is_object() ? body.get_object().if_contains(key) : nullptr;
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

bool is_true_member(const json::value& body, std::string_view key) {
  const json::value* value = body.is_object() ? body.get_object().if_contains(key) : nullptr;
  return value != nullptr && value->is_bool() && value->get_bool();
}

// The node's latest report of this session: by the BIRD protocol's name, which follows from the ASN (wire contract A7).
std::string report_on(const std::vector<SessionReport>& reports, const StoredSession& row) {
  const std::string name = fmt::format("dn42_{}", row.asn);
  for (const SessionReport& report : reports) {
    if (report.name == name) return report.json;
  }
  return {};
}

// Which sessions a list is to show; what is absent is no condition.
struct Filter {
  std::optional<std::string> node;  // name, or uuid in lower case
  std::optional<model::SessionStatus> status;
  std::optional<std::string> asn;

  bool takes(const Node& wanted) const { return !node || *node == wanted.name || *node == wanted.uuid; }
  bool takes(const StoredSession& row) const {
    return (!status || *status == row.status) && (!asn || *asn == std::to_string(row.asn));
  }
};

Checked<Filter> filter_of(const http::Request& request) {
  Filter filter;
  if (const auto node = request.parameter("node")) {
    filter.node = is_uuid(*node) ? model::lower_case(*node) : std::string(*node);
  }
  if (const auto asn = request.parameter("asn")) filter.asn = std::string(*asn);
  const auto name = request.parameter("status");
  if (!name) return filter;
  for (std::int64_t number = 0; const auto status = model::session_status_from_int(number); ++number) {
    if (model::lower_case(model::name_of(*status)) == model::lower_case(*name)) filter.status = status;
  }
  if (!filter.status) return refuse(Errc::invalid, "expected a status such as PENDING or ENABLED", "status");
  return filter;
}

}  // namespace

Checked<json::value> json_body(const http::Request& request) {
  if (request.body.empty()) return json::value(json::object());
  auto body = model::parse_json(request.body);
  if (!body) return std::unexpected(Refusal(body.error()));
  return std::move(*body);
}

Checked<http::Response> AdminApi::session_answer(int status, const StoredSession& row) const {
  CHECKED_TRY(const auto nodes, store_.nodes());
  CHECKED_TRY(const auto reports, store_.reports_of(row.node));
  for (const Node& node : nodes) {
    if (node.id == row.node) return json_answer(status, operator_view(row, node, report_on(reports, row)));
  }
  return refuse(Errc::internal, fmt::format("session {} has no node", row.uuid));
}

Checked<http::Response> AdminApi::changed_answer(const Changed& changed) const {
  if (!changed) return std::unexpected(changed.error());
  if (!*changed) return http::Response{204, {}, ""};
  return session_answer(200, **changed);
}

http::Response AdminApi::list_sessions(const http::Request& request) const {
  return guarded(request, [&]() -> Checked<http::Response> {
    CHECKED_TRY(const auto filter, filter_of(request));
    CHECKED_TRY(const auto nodes, store_.nodes());
    json::array list;
    for (const Node& node : nodes) {
      if (!filter.takes(node)) continue;
      CHECKED_TRY(const auto sessions, store_.sessions_of(node.id));
      CHECKED_TRY(const auto reports, store_.reports_of(node.id));
      for (const StoredSession& row : sessions.rows) {
        if (filter.takes(row)) list.push_back(operator_view(row, node, report_on(reports, row)));
      }
    }
    return json_answer(200, json::object{{"sessions", std::move(list)}});
  });
}

http::Response AdminApi::add_session(const http::Request& request) const {
  return guarded(request, [&]() -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    const std::string_view name = text_member(body, "node");
    if (name.empty()) return refuse(Errc::invalid, "expected the name of a node", "node");
    const auto node = store_.find_node(name);
    if (!node && node.error().code == Errc::not_found) return refuse(Errc::invalid, node.error().what, "node");
    if (!node) return std::unexpected(Refusal(node.error()));
    CHECKED_TRY(const auto settings, store_.settings());
    CHECKED_TRY(const auto draft, merge_draft(SessionDraft{}, body));
    StoredSession row;
    row.uuid = make_uuid();
    row.node = node->id;
    row.status =
        is_true_member(body, "approve") ? model::SessionStatus::queued_for_setup : model::SessionStatus::pending;
    row.created_at = row.updated_at =
        std::chrono::duration_cast<std::chrono::milliseconds>(now_().time_since_epoch()).count();
    CHECKED_TRY(auto filled, apply_draft(std::move(row), draft, settings, *node));
    CHECKED_TRY(const auto added, store_.add_session(std::move(filled)));
    log::info(
        "session added",
        {{"node", node->name}, {"asn", added.asn}, {"session", added.uuid}, {"status", model::name_of(added.status)}});
    return session_answer(201, added);
  });
}

http::Response AdminApi::show_session(const http::Request& request, std::string_view uuid) const {
  return guarded(request, [&]() -> Checked<http::Response> {
    CHECKED_TRY(const auto row, store_.find_session(uuid));
    return session_answer(200, row);
  });
}

http::Response AdminApi::edit_session(const http::Request& request, std::string_view uuid) const {
  return guarded(request, [&]() -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    for (const std::string_view fixed : {"node", "approve"}) {
      if (body.is_object() && body.get_object().contains(fixed))
        return refuse(Errc::invalid, "cannot be edited", std::string(fixed));
    }
    CHECKED_TRY(const auto nodes, store_.nodes());
    CHECKED_TRY(const auto settings, store_.settings());
    const auto changed = store_.change_session({std::string(uuid), [&](const StoredSession& row) -> Checked<Verdict> {
                                                  CHECKED_TRY(const auto status, status_after_edit(row));
                                                  CHECKED_TRY(const auto draft, merge_draft(draft_of(row), body));
                                                  for (const Node& node : nodes) {
                                                    if (node.id != row.node) continue;
                                                    CHECKED_TRY(auto edited, apply_draft(row, draft, settings, node));
                                                    if (edited == row) return Keep{};
                                                    edited.status = status;
                                                    if (edited.status != row.status) edited.last_error.clear();
                                                    return Replace{std::move(edited)};
                                                  }
                                                  return refuse(Errc::internal, "the session has no node");
                                                }});
    if (changed) log::info("session edited", {{"session", uuid}});
    return changed_answer(changed);
  });
}

http::Response AdminApi::move_session(const http::Request& request, std::string_view uuid,
                                      std::string_view name) const {
  return guarded(request, [&]() -> Checked<http::Response> {
    const auto move = operator_move_from(name);
    if (!move || *move == OperatorMove::remove)
      return refuse(Errc::not_found, "expected approve, reject, disable or enable");
    CHECKED_TRY(const auto body, json_body(request));
    const std::string reason(text_member(body, "reason"));
    const auto changed = store_.change_session(
        {std::string(uuid), [&](const StoredSession& row) { return decide_operator_move(row, *move, reason); }});
    if (changed) log::info("session moved", {{"session", uuid}, {"move", name}});
    return changed_answer(changed);
  });
}

http::Response AdminApi::remove_session(const http::Request& request, std::string_view uuid) const {
  return guarded(request, [&]() -> Checked<http::Response> {
    const bool by_force = request.parameter("force") == "1";
    const auto changed = store_.change_session({std::string(uuid), [&](const StoredSession& row) -> Checked<Verdict> {
                                                  // The row of a node that will never answer again.
                                                  if (by_force) return Drop{};
                                                  return decide_operator_move(row, OperatorMove::remove);
                                                }});
    if (changed) log::info("session deleted", {{"session", uuid}, {"by_force", by_force}});
    return changed_answer(changed);
  });
}

}  // namespace moenet::controlplane
