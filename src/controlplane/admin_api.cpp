#include "controlplane/admin_api.h"

#include <charconv>
#include <chrono>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "controlplane/admin_body.h"
#include "controlplane/agent_api.h"
#include "controlplane/answers.h"
#include "controlplane/bootstrap.h"
#include "controlplane/node_draft.h"
#include "controlplane/node_views.h"
#include "controlplane/token.h"

namespace moenet::controlplane {

namespace json = boost::json;

namespace {

constexpr std::chrono::seconds kOverlap{24 * 3'600};  // chosen: a day to tell the node its new token
constexpr std::chrono::seconds kLongestOverlap{30 * 24 * 3'600};

// How long the token before stays good. A whole number of seconds, as parameter or as member.
Checked<std::chrono::seconds> overlap_of(const http::Request& request, const json::value& body) {
  std::int64_t seconds = kOverlap.count();
  const json::value* member = body.is_object() ? body.get_object().if_contains("overlap") : nullptr;
  bool is_number = member == nullptr || member->is_int64();
  if (member != nullptr && member->is_int64()) seconds = member->get_int64();
  if (const auto text = request.parameter("overlap")) {
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), seconds);
    is_number = error == std::errc() && end == text->data() + text->size();
  }
  if (!is_number || seconds < 0 || seconds > kLongestOverlap.count())
    return refuse(Errc::invalid, "expected 0 to 2592000 seconds", "overlap");
  return std::chrono::seconds(seconds);
}

}  // namespace

http::Response json_answer(int status, const json::value& body) {
  return http::Response::json(status, json::serialize(body));
}

http::Response conditional_answer(const http::Request& request, http::Response response) {
  const std::string etag = etag_of(response.body);
  if (names_etag(request.headers.find("If-None-Match").value_or(""), etag)) response = http::Response{304, {}, ""};
  response.headers.set("ETag", etag);
  return response;
}

bool is_older_spelling(const http::Request& request) { return request.target.starts_with("/api/v1/admin"); }

http::Response answer_people(Access& access, const http::Request& request, WallTime now, Role least,
                             const PeopleWork& work) {
  const auto caller = is_older_spelling(request) ? access.admin(request, now) : access.person(request, now);
  if (!caller) return caller.error();
  if (caller->role < least) return problem(403, "Admin access required");
  auto answer = work(*caller);
  return answer ? std::move(*answer) : problem(answer.error());
}

http::Response versioned_answer(const http::Request& request, int status, const json::value& body,
                                std::int64_t version) {
  http::Response answer = json_answer(status, body);
  const bool is_plain = is_older_spelling(request);
  const std::string etag = is_plain ? fmt::format("\"{}\"", version)
                                    : fmt::format("\"{}-{}\"", version, fingerprint(answer.body).substr(0, 16));
  if (!is_plain && request.method == "GET" && names_etag(request.headers.find("If-None-Match").value_or(""), etag))
    answer = http::Response{304, {}, ""};
  answer.headers.set("ETag", etag);
  return answer;
}

Checked<ExpectedVersion> expected_version(const http::Request& request) {
  const auto tag = request.headers.find("If-Match");
  if (!tag || *tag == "*") return ExpectedVersion();
  if (tag->find(',') != std::string_view::npos) {
    return refuse(Errc::invalid, "If-Match: expected one ETag, as this API gave it");
  }
  constexpr std::int64_t kNone = -1;
  std::int64_t version = kNone;
  if (tag->size() < 3 || tag->front() != '"' || tag->back() != '"') return kNone;
  const char* const end = tag->data() + tag->size() - 1;
  const auto read = std::from_chars(tag->data() + 1, end, version);
  // What follows the version says how nodes saw it, which nobody edits.
  const bool is_ours = read.ec == std::errc() && (read.ptr == end || (*read.ptr == '-' && read.ptr + 1 != end));
  return is_ours ? version : kNone;
}

http::Response AdminApi::for_admins(const http::Request& request, const PeopleWork& work) const {
  return answer_people(access_, request, now_(), Role::admin, work);
}

http::Response AdminApi::for_all(const http::Request& request, const PeopleWork& work) const {
  return answer_people(access_, request, now_(), Role::user, work);
}

http::Response AdminApi::legacy(const http::Request& request) const {
  if (auto admitted = access_.admin(request, now_()); !admitted) {
    http::Response answer = envelope_error(admitted.error().status, "Admin access required");
    for (const auto& [name, value] : admitted.error().headers.all()) {
      if (name != "Content-Type") answer.headers.set(name, value);
    }
    return answer;
  }
  return envelope_error(404, "Unknown action: the admin API is below /api/v1/admin/");
}

http::Response AdminApi::add_node(const http::Request& request) const {
  return for_admins(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    CHECKED_TRY(auto wanted, merge_node(Node{}, body));
    if (wanted.location.empty()) wanted.location = wanted.name;
    const Secret token = make_token();
    CHECKED_TRY(const auto node, store_.add_node(caller.author(), std::move(wanted), hash_of_token(token.reveal())));
    CHECKED_TRY(const auto settings, store_.settings());
    log::info("node added", {{"node", node.name}, {"id", node.id}});
    json::object answer = operator_view(settings, node).as_object();
    answer["token"] = token.reveal();
    return versioned_answer(request, 201, answer, node.version);
  });
}

http::Response AdminApi::edit_node(const http::Request& request, std::string_view name) const {
  return for_admins(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    CHECKED_TRY(const auto expected, expected_version(request));
    CHECKED_TRY(
        const auto changed,
        store_.change_node(caller.author(), name, [&](const Node& node) { return merge_node(node, body); }, expected));
    CHECKED_TRY(const auto settings, store_.settings());
    log::info("node changed", {{"node", changed.name}});
    return versioned_answer(request, 200, operator_view(settings, changed), changed.version);
  });
}

// The last session that is dropped takes the node with it.
Checked<void> AdminApi::queue_sessions_of(const Caller& caller, const Node& node) const {
  const auto sessions = store_.sessions_of(node.id);
  if (!sessions && sessions.error().code == Errc::not_found) return {};
  if (!sessions) return std::unexpected(Refusal(sessions.error()));
  std::vector<SessionChange> changes;
  for (const StoredSession& row : sessions->rows) {
    changes.push_back(
        {row.uuid, [](const StoredSession& now) { return decide_operator_move(now, OperatorMove::remove); }});
    changes.back().reason = "the node is leaving";
  }
  if (auto changed = store_.change_sessions(caller.author(), changes); !changed)
    return std::unexpected(Refusal(changed.error()));
  return {};
}

http::Response AdminApi::remove_node(const http::Request& request, std::string_view name) const {
  return for_admins(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto expected, expected_version(request));
    const bool by_force = request.parameter("force") == "1";
    CHECKED_TRY(const auto node, by_force ? store_.delete_node(caller.author(), name, expected)
                                          : store_.retire_node(caller.author(), name, expected));
    if (!by_force) {
      if (auto queued = queue_sessions_of(caller, node); !queued) return std::unexpected(queued.error());
    }
    const auto left = store_.find_node(node.uuid);
    log::info(left ? "node is leaving" : "node deleted", {{"node", node.name}, {"id", node.id}});
    if (!left && left.error().code == Errc::not_found) return http::Response{204, {}, ""};
    if (!left) return std::unexpected(Refusal(left.error()));
    CHECKED_TRY(const auto settings, store_.settings());
    return versioned_answer(request, 202, operator_view(settings, *left), left->version);
  });
}

http::Response AdminApi::rotate_token(const http::Request& request, std::string_view name) const {
  return for_admins(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    CHECKED_TRY(const auto overlap, overlap_of(request, body));
    CHECKED_TRY(const auto node, store_.find_node(name));
    const Secret token = make_token();
    const UnixMs old_until = std::chrono::ceil<std::chrono::milliseconds>(now_().time_since_epoch() + overlap).count();
    auto replaced = store_.replace_node_token(caller.author(), node.id, hash_of_token(token.reveal()),
                                              overlap == std::chrono::seconds(0) ? 0 : old_until);
    if (!replaced) return std::unexpected(Refusal(replaced.error()));
    log::info("node token replaced", {{"node", node.name}, {"by", caller.name}, {"overlap_s", overlap.count()}});
    return json_answer(
        200, json::object{{"name", node.name},
                          {"token", token.reveal()},
                          {"oldTokenEndsAt", overlap == std::chrono::seconds(0) ? json::value(nullptr) : old_until}});
  });
}

http::Response AdminApi::revoke_token(const http::Request& request, std::string_view name) const {
  return for_admins(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto node, store_.find_node(name));
    if (auto revoked = store_.revoke_node_tokens(caller.author(), node.id); !revoked)
      return std::unexpected(Refusal(revoked.error()));
    log::info("node tokens revoked", {{"node", node.name}, {"by", caller.name}});
    return http::Response{204, {}, ""};
  });
}

http::Response AdminApi::add_bootstrap(const http::Request& request, std::string_view name) const {
  return for_admins(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    CHECKED_TRY(const auto url, bootstrap_base(body, public_url_));
    CHECKED_TRY(const auto node, store_.find_node(name));
    const Secret token = make_token();
    const auto expires = std::chrono::ceil<std::chrono::milliseconds>(now_().time_since_epoch() + kBootstrapLife);
    auto kept = store_.put_bootstrap(caller.author(), hash_of_token(token.reveal()), {node.id, url, expires.count()});
    if (!kept) return std::unexpected(Refusal(kept.error()));
    log::info("bootstrap token made", {{"node", node.name}});
    return json_answer(201, json::object{{"name", node.name},
                                         {"url", fmt::format("{}/bootstrap/{}", url, token.reveal())},
                                         {"expiresAt", expires.count()}});
  });
}

}  // namespace moenet::controlplane
