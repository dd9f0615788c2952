#include "controlplane/agent_api.h"

#include <chrono>
#include <optional>
#include <utility>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/ip.h"
#include "base/log.h"
#include "controlplane/answers.h"
#include "controlplane/modify_body.h"
#include "controlplane/node_views.h"
#include "controlplane/reported.h"
#include "controlplane/session_draft.h"
#include "controlplane/session_moves.h"
#include "controlplane/token.h"
#include "model/json_reader.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

constexpr std::size_t kMostReportBytes = 8'192;  // per session; chosen: ten times what ours sends
constexpr std::size_t kMostReportName = 64;
constexpr std::size_t kMostReports = 20'000;

http::Response database_away(const Error& error) {
  log::error("agent request failed", {{"error", error.what}});
  return internal_error();
}

// The body as an object; anything else is what deployed control planes answer with 500 (wire contract A1).
std::optional<json::value> object_in(const http::Request& request) {
  auto body = model::parse_json(request.body);
  if (!body || !body->is_object()) return std::nullopt;
  return std::move(*body);
}

std::string_view text_member(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().data(), value->get_string().size()};
}

// A public address that a node told: only an address is one.
std::optional<std::string> address_member(const json::object& status, std::string_view key, bool v6) {
  const auto address = IpAddress::parse(text_member(status, key));
  if (!address || address->is_v6() != v6 || address->is_unspecified() || address->is_multicast()) return std::nullopt;
  return address->text();
}

UnixMs unix_ms(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

}  // namespace

std::string etag_of(std::string_view body) { return '"' + fingerprint(body) + '"'; }

bool names_etag(std::string_view if_none_match, std::string_view etag) {
  if (if_none_match == "*") return true;
  return if_none_match.find(etag) !=
         std::string_view::npos;  // tags are quoted hexadecimal: one is never part of another
}

AgentApi::AgentApi(Store& store, Access& access, std::function<WallTime()> now)
    : store_(store), access_(access), now_(std::move(now)) {}

std::expected<Node, http::Response> AgentApi::admit(const http::Request& request, std::string_view name) const {
  const auto caller = access_.agent(request, now_());
  if (!caller) return std::unexpected(caller.error());
  auto node = store_.find_node(name);
  if (!node && node.error().code != Errc::not_found) return std::unexpected(database_away(node.error()));
  // A node's token must not tell which other nodes exist.
  if (caller->only && (!node || !caller->may_act_for(node->id))) {
    return std::unexpected(envelope_error(403, "Forbidden: the token belongs to another node"));
  }
  if (!node) return std::unexpected(envelope_error(404, "Router not found"));
  return std::move(*node);
}

AgentAnswer AgentApi::act(const http::Request& request, std::string_view name, std::string_view action) const {
  const auto node = admit(request, name);
  if (!node) return {node.error()};
  if (action == "config") return {config(*node)};
  if (auto unchanged = known_unchanged(request, *node, action)) return *std::move(unchanged);
  if (action == "sessions") return sessions(request, *node);
  if (action == "mesh" || action == "bird-config") return shared_view(request, *node, action);
  if (action == "modify") return {modify(request, *node)};
  if (action == "report") return {report(request, *node)};
  if (action == "rtt") return {rtt(request, *node)};
  if (action == "heartbeat") {
    const auto body = object_in(request);
    return {body ? record_heartbeat(*node, body->get_object()) : internal_error()};
  }
  return {envelope_error(404, fmt::format("Unknown action: {}", escape_for_log(action, 64)))};
}

http::Response AgentApi::config(const Node& node) const {
  const auto settings = store_.settings();
  if (!settings) return database_away(settings.error());
  return success(config_view(*settings, node));
}

namespace {

AgentAnswer unchanged_answer(const Node& node, std::int64_t changes, std::string_view etag) {
  AgentAnswer answer{http::Response{304, {}, ""}, true, node.id, changes};
  answer.response.headers.set("ETag", etag);
  return answer;
}

}  // namespace

AgentAnswer AgentApi::conditional(const http::Request& request, const Node& node, std::string_view action,
                                  std::int64_t changes, http::Response response) const {
  const std::string etag = etag_of(response.body);
  {
    const std::lock_guard lock(told_mutex_);
    told_[{node.id, std::string(action)}] = {changes, etag};
  }
  if (names_etag(request.headers.find("If-None-Match").value_or(""), etag))
    return unchanged_answer(node, changes, etag);
  response.headers.set("ETag", etag);
  return {std::move(response), false, node.id, changes};
}

std::optional<AgentAnswer> AgentApi::known_unchanged(const http::Request& request, const Node& node,
                                                     std::string_view action) const {
  const auto wanted = request.headers.find("If-None-Match");
  if (!wanted) return std::nullopt;
  const std::lock_guard lock(told_mutex_);
  const auto told = told_.find({node.id, std::string(action)});
  if (told == told_.end() || told->second.changes != node.changes || !names_etag(*wanted, told->second.etag))
    return std::nullopt;
  return unchanged_answer(node, node.changes, told->second.etag);
}

AgentAnswer AgentApi::sessions(const http::Request& request, const Node& node) const {
  const auto list = store_.sessions_of(node.id);
  if (!list) return {database_away(list.error())};
  json::array rows;
  rows.reserve(list->rows.size());
  for (const StoredSession& row : list->rows) rows.push_back(agent_view(row));
  return conditional(request, node, "sessions", list->changes, success(json::object{{"bgpSessions", std::move(rows)}}));
}

// `node.changes` was read before everything here, so a change in between is noticed by who waits.
AgentAnswer AgentApi::shared_view(const http::Request& request, const Node& node, std::string_view action) const {
  const auto settings = store_.settings();
  if (!settings) return {database_away(settings.error())};
  const auto nodes = store_.nodes();
  if (!nodes) return {database_away(nodes.error())};
  if (action == "mesh") {
    auto secret = settings->mesh.preshared_keys ? store_.network_secret() : Result<Secret>();
    if (!secret) return {database_away(secret.error())};
    return conditional(request, node, action, node.changes, success(mesh_view(*settings, node, *nodes, *secret)));
  }
  const auto policy = bird_config_view(*settings, node, *nodes);
  if (!policy) return {envelope_error(404, "No routing policy is set")};
  return conditional(request, node, action, node.changes, success(*policy));
}

http::Response AgentApi::received() const {
  return success(json::object{{"received", true}, {"timestamp", unix_ms(now_())}});
}

http::Response AgentApi::heartbeat(const http::Request& request) const {
  const auto caller = access_.agent(request, now_());
  if (!caller) return caller.error();
  const auto body = object_in(request);
  if (!body) return internal_error();
  const std::string_view name = text_member(body->get_object(), "node_id");
  if (name.empty()) return envelope_error(422, "Missing node_id");
  const auto node = store_.find_node(name);
  if (!node && node.error().code != Errc::not_found) return database_away(node.error());
  if (caller->only && (!node || !caller->may_act_for(node->id))) {
    return envelope_error(403, "Forbidden: the token belongs to another node");
  }
  if (!node) return received();  // as deployed control planes: nothing is kept
  return record_heartbeat(*node, body->get_object());
}

http::Response AgentApi::record_heartbeat(const Node& node, const json::object& body) const {
  static const json::object kNone;
  const json::value* status_value = body.if_contains("status");
  const json::object& status =
      status_value != nullptr && status_value->is_object() ? status_value->get_object() : kNone;
  const json::value* key = status.if_contains("meshPublicKey");
  if (key != nullptr && !key->is_string() && !key->is_null()) return internal_error();

  Heartbeat heartbeat;
  heartbeat.at = unix_ms(now_());
  heartbeat.agent_version = std::string(text_member(body, "agent_version")).substr(0, 64);
  heartbeat.status_json = json::serialize(status);
  if (heartbeat.status_json.size() > kMostReportBytes) return internal_error();
  if (const auto parsed = Key::from_base64(text_member(status, "meshPublicKey")); parsed && !parsed->is_zero()) {
    heartbeat.mesh_public_key = parsed->base64();
  }
  heartbeat.public_ipv4 = address_member(status, "publicIpv4", false);
  heartbeat.public_ipv6 = address_member(status, "publicIpv6", true);
  if (auto recorded = store_.record_heartbeat(node.id, heartbeat); !recorded) return database_away(recorded.error());
  return received();
}

http::Response AgentApi::report(const http::Request& request, const Node& node) const {
  const auto body = object_in(request);
  if (!body) return internal_error();
  const json::value* list = body->get_object().if_contains("sessions");
  if (list == nullptr || !list->is_array()) return envelope_error(422, "Missing sessions array");
  const UnixMs arrival = unix_ms(now_());
  const UnixSeconds measured = measured_at(body->get_object(), arrival / 1'000);
  std::vector<SessionReport> reports;
  for (const json::value& item : list->get_array()) {
    if (!item.is_object() || reports.size() >= kMostReports) continue;
    const std::string_view name = text_member(item.get_object(), "name");
    std::string text = json::serialize(item);
    if (name.empty() || name.size() > kMostReportName || text.size() > kMostReportBytes) continue;
    reports.push_back({std::string(name), std::move(text), arrival, std::string(text_member(item.get_object(), "uuid")),
                       reading_of_session(item.get_object(), measured)});
  }
  // The further parts of a report that is larger than one body may be.
  const json::value* part = body->get_object().if_contains("part");
  const bool adds = part != nullptr && part->is_int64() && part->get_int64() > 1;
  const auto others = adds ? Store::Reports::add : Store::Reports::replace;
  if (auto recorded = store_.record_reports(node.id, reports, others); !recorded)
    return database_away(recorded.error());
  return success(json::object{{"received", true}, {"count", list->get_array().size()}});
}

http::Response AgentApi::rtt(const http::Request& request, const Node& node) const {
  const auto body = object_in(request);
  if (!body) return internal_error();
  const json::value* list = body->get_object().if_contains("measurements");
  if (list == nullptr || !list->is_array()) return envelope_error(422, "Missing measurements array");
  const UnixMs arrival = unix_ms(now_());
  auto recorded = store_.record_document(node.id, "rtt", request.body, arrival);
  if (!recorded) return database_away(recorded.error());
  const auto sessions = store_.sessions_of(node.id);
  if (!sessions) return database_away(sessions.error());
  const auto targets = measured_targets(body->get_object(), measured_at(body->get_object(), arrival / 1'000));
  recorded = store_.record_readings(node.id, readings_of_targets(targets, sessions->rows), arrival);
  if (!recorded) return database_away(recorded.error());
  return success(json::object{{"received", true}, {"count", list->get_array().size()}});
}

http::Response AgentApi::mesh_status(const http::Request& request, std::string_view name) const {
  const auto node = admit(request, name);
  if (!node) return node.error();
  if (node->name != name) return envelope_error(404, "Router not found");
  // Deployed control planes take any body here; only one that can be read is kept.
  const auto body = object_in(request);
  if (!body) return received();
  const UnixMs arrival = unix_ms(now_());
  auto recorded = store_.record_document(node->id, "mesh-status", request.body, arrival);
  if (!recorded) return database_away(recorded.error());
  const UnixSeconds measured = measured_at(body->get_object(), arrival / 1'000);
  recorded = store_.record_readings(node->id, readings_of_mesh(body->get_object(), measured), arrival);
  if (!recorded) return database_away(recorded.error());
  return received();
}

http::Response AgentApi::modify(const http::Request& request, const Node& node) const {
  const auto body = object_in(request);
  if (!body) return internal_error();
  const ModifyBody wanted = read_modify_body(body->get_object());
  if (wanted.refused)
    return wanted.refused->status == 500 ? internal_error()
                                         : envelope_error(wanted.refused->status, wanted.refused->message);

  std::vector<SessionChange> changes;
  for (const ModifyItem& item : wanted.items) {
    if (!item.refused) changes.push_back(change_for(item, node.id));
  }
  auto changed = store_.change_sessions({"node " + node.name, request.peer}, changes);
  if (!changed) return database_away(changed.error());

  std::vector<ModifyOutcome> outcomes;
  std::size_t next = 0;
  for (const ModifyItem& item : wanted.items) {
    outcomes.push_back(item.refused ? *item.refused : outcome_of((*changed)[next++]));
    const ModifyOutcome& outcome = outcomes.back();
    log::info("session reported",
              {{"node", node.name}, {"session", item.uuid}, {"status", item.status}, {"answer", outcome.message}});
  }
  if (wanted.is_batch) return success(batch_answer(wanted.items, outcomes));
  const ModifyOutcome& outcome = outcomes.front();
  if (outcome.status == 500) return internal_error();
  if (outcome.status != 200) return envelope_error(outcome.status, outcome.message);
  return success(json::object{{outcome.was_deleted ? "deleted" : "updated", true}});
}

}  // namespace moenet::controlplane
