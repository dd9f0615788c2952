// AdminApi: sessions.

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "base/uuid.h"
#include "controlplane/admin_api.h"
#include "controlplane/admin_body.h"
#include "controlplane/answers.h"
#include "controlplane/node_views.h"
#include "controlplane/pagination.h"
#include "controlplane/peer_snippets.h"
#include "controlplane/session_draft.h"
#include "controlplane/session_moves.h"
#include "controlplane/session_rights.h"
#include "model/json_reader.h"
#include "model/lifecycle.h"
#include "model/text.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

// The node's latest report of this session: by the BIRD protocol's name, which follows from the ASN (wire contract A7).
std::string report_on(const std::vector<SessionReport>& reports, const StoredSession& row) {
  const std::string name = fmt::format("dn42_{}", row.asn);
  for (const SessionReport& report : reports) {
    if (report.name == name) return report.json;
  }
  return {};
}

// Where the part before ended: "<node id>-<asn>", the place of its last session.
Checked<void> read_place(const std::string& after, SessionQuery& query) {
  const char* const end = after.data() + after.size();
  const auto node = std::from_chars(after.data(), end, query.after_node);
  const bool has_node = node.ec == std::errc() && node.ptr != end && *node.ptr == '-';
  const auto asn = has_node ? std::from_chars(node.ptr + 1, end, query.after_asn) : node;
  if (!has_node || asn.ec != std::errc() || asn.ptr != end || query.after_node < 1)
    return refuse(Errc::invalid, "expected the `next` of an answer", "after");
  return {};
}

std::optional<model::SessionStatus> status_called(std::string_view name) {
  for (std::int64_t number = 0; const auto status = model::session_status_from_int(number); ++number) {
    if (model::lower_case(model::name_of(*status)) == model::lower_case(name)) return status;
  }
  return std::nullopt;
}

// What the caller asks for of what the caller may see; absent when there can be none of it.
Checked<std::optional<SessionQuery>> query_of(const http::Request& request, const Caller& caller,
                                              const std::vector<Node>& nodes) {
  SessionQuery query;
  query.words = model::lower_case(request.parameter("q").value_or(""));
  if (const auto name = request.parameter("status")) {
    query.status = status_called(*name);
    if (!query.status) return refuse(Errc::invalid, "expected a status such as PENDING or ENABLED", "status");
  }
  if (const auto wanted = request.parameter("node")) {
    const std::string uuid = model::lower_case(*wanted);
    const auto node = std::ranges::find_if(
        nodes, [&](const Node& one) { return is_uuid(uuid) ? one.uuid == uuid : one.name == *wanted; });
    if (node == nodes.end()) return std::nullopt;
    query.node = node->id;
  }
  if (const auto text = request.parameter("asn")) {
    query.asn = 0;
    const char* const end = text->data() + text->size();
    const auto [stop, error] = std::from_chars(text->data(), end, *query.asn);
    if (error != std::errc() || stop != end) return std::nullopt;
  }
  if (caller.role >= Role::admin) return query;
  if (caller.asn == 0 || (query.asn && *query.asn != caller.asn)) return std::nullopt;
  query.asn = caller.asn;
  return query;
}

}  // namespace

std::string_view text_member(const json::value& body, std::string_view key) {
  const json::value* value = body.is_object() ? body.get_object().if_contains(key) : nullptr;
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

Checked<json::value> json_body(const http::Request& request) {
  if (request.body.empty()) return json::value(json::object());
  auto body = model::parse_json(request.body);
  if (!body) return std::unexpected(Refusal(body.error()));
  return std::move(*body);
}

Checked<http::Response> AdminApi::session_answer(const http::Request& request, int status,
                                                 const StoredSession& row) const {
  CHECKED_TRY(const auto nodes, store_.nodes());
  CHECKED_TRY(const auto reports, store_.reports_of(row.node));
  for (const Node& node : nodes) {
    if (node.id != row.node) continue;
    return versioned_answer(request, status, operator_view(row, node, report_on(reports, row)), row.version);
  }
  return refuse(Errc::internal, fmt::format("session {} has no node", row.uuid));
}

Checked<http::Response> AdminApi::changed_answer(const http::Request& request, const Changed& changed) const {
  if (!changed) return std::unexpected(changed.error());
  if (!*changed) return http::Response{204, {}, ""};
  return session_answer(request, 200, **changed);
}

Checked<StoredSession> AdminApi::visible_session(const Caller& caller, std::string_view uuid) const {
  CHECKED_TRY(auto row, store_.find_session(uuid));
  if (auto may = check_may_see(caller, row, uuid); !may) return std::unexpected(may.error());
  return row;
}

http::Response AdminApi::list_sessions(const http::Request& request) const {
  return for_all(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto part, part_of_list(request));
    CHECKED_TRY(const auto nodes, store_.nodes());
    CHECKED_TRY(auto query, query_of(request, caller, nodes));
    std::vector<StoredSession> rows;
    if (query) {
      if (part.after) {
        if (auto read = read_place(*part.after, *query); !read) return std::unexpected(read.error());
      }
      const bool is_whole = is_older_spelling(request) && !request.parameter("limit");
      if (!is_whole) query->limit = part.limit + 1;  // one more tells that there is a next part
      CHECKED_TRY(rows, store_.sessions(*query));
    }
    json::value next;
    if (query && query->limit != 0 && rows.size() == query->limit) {
      rows.pop_back();
      next = fmt::format("{}-{}", rows.back().node, rows.back().asn);
    }
    std::map<NodeId, std::vector<SessionReport>> reports;  // of the nodes that are in this part
    json::array list;
    for (const StoredSession& row : rows) {
      const auto node = std::ranges::find(nodes, row.node, &Node::id);
      if (node == nodes.end()) continue;
      if (!reports.contains(row.node)) {
        CHECKED_TRY(reports[row.node], store_.reports_of(row.node));
      }
      list.push_back(operator_view(row, *node, report_on(reports[row.node], row)));
    }
    return read_answer(request, json::object{{"sessions", std::move(list)}, {"next", std::move(next)}});
  });
}

http::Response AdminApi::snippets(const http::Request& request, std::string_view uuid) const {
  return for_all(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto row, visible_session(caller, uuid));
    CHECKED_TRY(const auto settings, store_.settings());
    CHECKED_TRY(const auto nodes, store_.nodes());
    const auto node = std::ranges::find(nodes, row.node, &Node::id);
    if (node == nodes.end()) return refuse(Errc::internal, fmt::format("session {} has no node", row.uuid));
    const json::value session = operator_view(row, *node, {});
    const json::value end = operator_view(settings, *node);
    json::object snippets{{"bird2", bird2_snippet(session, end, settings.asn)}};
    if (is_gre(session)) {
      snippets["gre"] = gre_snippet(session, end);
    } else {
      snippets["wireguard"] = wireguard_snippet(session, end);
    }
    return read_answer(request, std::move(snippets));
  });
}

http::Response AdminApi::show_session(const http::Request& request, std::string_view uuid) const {
  return for_all(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto row, visible_session(caller, uuid));
    return session_answer(request, 200, row);
  });
}

http::Response AdminApi::move_session(const http::Request& request, std::string_view uuid, OperatorMove move) const {
  return for_all(request, [&](const Caller& caller) -> Checked<http::Response> {
    const auto seen = visible_session(caller, uuid);
    if (!seen) return std::unexpected(seen.error());
    if (auto may = check_may_move(caller, move); !may) return std::unexpected(may.error());
    CHECKED_TRY(const auto nodes, store_.nodes());
    const auto node = std::ranges::find(nodes, seen->node, &Node::id);
    if (move != OperatorMove::disable && node != nodes.end() && node->is_leaving)
      return refuse(Errc::conflict, fmt::format("{} is leaving", node->name), "status");
    const bool needs_rules = move == OperatorMove::enable && caller.role < Role::admin;
    World all;
    if (needs_rules) {
      CHECKED_TRY(all, world(seen->node, draft_of(*seen).public_key));
    }
    CHECKED_TRY(const auto body, json_body(request));
    CHECKED_TRY(const auto expected, expected_version(request));
    const std::string reason(text_member(body, "reason"));
    const auto decide = [&](const StoredSession& row) -> Checked<Verdict> {
      // Who was blocked meanwhile does not come back by themselves.
      if (needs_rules) {
        if (auto may = check_rules(caller, &row, row, all); !may) return std::unexpected(may.error());
      }
      return decide_operator_move(row, move, reason);
    };
    const auto changed = store_.change_session(
        caller.author(), as_of(caller, {std::string(uuid), decide, expected, model::fit_last_error(reason)}));
    if (changed) log::info("session moved", {{"session", uuid}, {"move", name_of(move)}});
    return changed_answer(request, changed);
  });
}

http::Response AdminApi::remove_session(const http::Request& request, std::string_view uuid) const {
  return for_all(request, [&](const Caller& caller) -> Checked<http::Response> {
    if (auto seen = visible_session(caller, uuid); !seen) return std::unexpected(seen.error());
    const bool by_force = request.parameter("force") == "1";
    if (by_force && caller.role < Role::admin)
      return refuse(Errc::denied, "to forget a session that its node may still have is the operators'", "force");
    CHECKED_TRY(const auto expected, expected_version(request));
    const auto changed =
        store_.change_session(caller.author(), as_of(caller, {std::string(uuid),
                                                              [&](const StoredSession& row) -> Checked<Verdict> {
                                                                // The row of a node that will never answer again.
                                                                if (by_force) return Drop{};
                                                                return decide_operator_move(row, OperatorMove::remove);
                                                              },
                                                              expected, by_force ? "forced" : ""}));
    if (changed) log::info("session deleted", {{"session", uuid}, {"by_force", by_force}});
    return changed_answer(request, changed);
  });
}

}  // namespace moenet::controlplane
