#include "controlplane/admin_api.h"

#include <chrono>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "controlplane/admin_body.h"
#include "controlplane/answers.h"
#include "controlplane/bootstrap.h"
#include "controlplane/mesh_report.h"
#include "controlplane/node_draft.h"
#include "controlplane/node_views.h"
#include "controlplane/token.h"

namespace moenet::controlplane {

namespace json = boost::json;

http::Response json_answer(int status, const json::value& body) {
  return http::Response::json(status, json::serialize(body));
}

http::Response AdminApi::guarded(const http::Request& request, const Work& work) const {
  if (auto admitted = access_.admin(request, now_()); !admitted) {
    const http::Response& refused = admitted.error();
    http::Response answer = refused.status == 429 ? problem(429, "too many refused tokens from this address")
                                                  : problem(refused.status, "Admin access required");
    for (const auto& [name, value] : refused.headers.all()) {
      if (name != "Content-Type") answer.headers.set(name, value);
    }
    return answer;
  }
  auto answer = work();
  return answer ? std::move(*answer) : problem(answer.error());
}

http::Response AdminApi::legacy(const http::Request& request) const {
  if (auto admitted = access_.admin(request, now_()); !admitted) return admitted.error();
  return envelope_error(404, "Unknown action: the admin API is below /api/v1/admin/");
}

http::Response AdminApi::list_nodes(const http::Request& request) const {
  return guarded(request, [&]() -> Checked<http::Response> {
    CHECKED_TRY(const auto settings, store_.settings());
    CHECKED_TRY(const auto nodes, store_.nodes());
    json::array list;
    for (const Node& node : nodes) list.push_back(operator_view(settings, node));
    return json_answer(200, json::object{{"nodes", std::move(list)}});
  });
}

http::Response AdminApi::add_node(const http::Request& request) const {
  return guarded(request, [&]() -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    CHECKED_TRY(auto wanted, merge_node(Node{}, body));
    if (wanted.location.empty()) wanted.location = wanted.name;
    const Secret token = make_token();
    CHECKED_TRY(const auto node, store_.add_node(std::move(wanted), hash_of_token(token.reveal())));
    CHECKED_TRY(const auto settings, store_.settings());
    log::info("node added", {{"node", node.name}, {"id", node.id}});
    json::object answer = operator_view(settings, node).as_object();
    answer["token"] = token.reveal();
    return json_answer(201, answer);
  });
}

http::Response AdminApi::show_node(const http::Request& request, std::string_view name) const {
  return guarded(request, [&]() -> Checked<http::Response> {
    CHECKED_TRY(const auto node, store_.find_node(name));
    CHECKED_TRY(const auto settings, store_.settings());
    CHECKED_TRY(const auto report, store_.document_of(node.id, "mesh-status"));
    CHECKED_TRY(const auto nodes, store_.nodes());
    json::object answer = operator_view(settings, node).as_object();
    answer["mesh"] = report ? mesh_links(report->json, nodes) : json::array();
    answer["meshReportedAt"] = report ? json::value(report->at) : json::value(nullptr);
    return json_answer(200, answer);
  });
}

http::Response AdminApi::edit_node(const http::Request& request, std::string_view name) const {
  return guarded(request, [&]() -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    CHECKED_TRY(const auto changed, store_.change_node(name, [&](const Node& node) { return merge_node(node, body); }));
    CHECKED_TRY(const auto settings, store_.settings());
    log::info("node changed", {{"node", changed.name}});
    return json_answer(200, operator_view(settings, changed));
  });
}

http::Response AdminApi::remove_node(const http::Request& request, std::string_view name) const {
  return guarded(request, [&]() -> Checked<http::Response> {
    CHECKED_TRY(const auto removed, store_.delete_node(name, request.parameter("force") == "1"));
    log::info("node deleted", {{"node", removed.name}, {"id", removed.id}});
    return http::Response{204, {}, ""};
  });
}

http::Response AdminApi::rotate_token(const http::Request& request, std::string_view name) const {
  return guarded(request, [&]() -> Checked<http::Response> {
    CHECKED_TRY(const auto node, store_.find_node(name));
    const Secret token = make_token();
    auto replaced = store_.replace_node_token(node.id, hash_of_token(token.reveal()));
    if (!replaced) return std::unexpected(Refusal(replaced.error()));
    log::info("node token replaced", {{"node", node.name}});
    return json_answer(200, json::object{{"name", node.name}, {"token", token.reveal()}});
  });
}

http::Response AdminApi::add_bootstrap(const http::Request& request, std::string_view name) const {
  return guarded(request, [&]() -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    CHECKED_TRY(const auto url, bootstrap_base(body));
    CHECKED_TRY(const auto node, store_.find_node(name));
    const Secret token = make_token();
    const auto expires = std::chrono::ceil<std::chrono::milliseconds>(now_().time_since_epoch() + kBootstrapLife);
    auto kept = store_.put_bootstrap(hash_of_token(token.reveal()), {node.id, url, expires.count()});
    if (!kept) return std::unexpected(Refusal(kept.error()));
    log::info("bootstrap token made", {{"node", node.name}});
    return json_answer(201, json::object{{"name", node.name},
                                         {"url", fmt::format("{}/bootstrap/{}", url, token.reveal())},
                                         {"expiresAt", expires.count()}});
  });
}

http::Response AdminApi::show_settings(const http::Request& request) const {
  return guarded(request, [&]() -> Checked<http::Response> {
    CHECKED_TRY(const auto settings, store_.settings());
    return json_answer(200, write_settings(settings));
  });
}

http::Response AdminApi::edit_settings(const http::Request& request) const {
  return guarded(request, [&]() -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    CHECKED_TRY(const auto changed,
                store_.change_settings([&](const Settings& settings) { return merge_settings(settings, body); }));
    log::info("settings changed");
    return json_answer(200, write_settings(changed));
  });
}

}  // namespace moenet::controlplane
