// Service: the API for people (docs/api.yaml: /api/v1/…, and of most of it the older spelling below /api/v1/admin).

#include <functional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "controlplane/service_state.h"
#include "controlplane/session_moves.h"

namespace moenet::controlplane {

namespace {

using http::Request;

}  // namespace

void Service::State::add_admin_routes() {
  const auto plain = [this](std::string_view method, const std::string& path, auto work) {
    people_route(method, path, std::bind_front(work, &admin));
  };
  const auto of_node = [this](std::string_view method, const std::string& rest, auto work) {
    people_route(method, "/nodes/{node}" + rest, "node", std::bind_front(work, &admin));
  };
  const auto of_session = [this](std::string_view method, auto work) {
    people_route(method, "/sessions/{uuid}", "uuid", std::bind_front(work, &admin));
  };
  route("POST", "/api/v1/admin", std::bind_front(&AdminApi::legacy, &admin));
  plain("GET", "/nodes", &AdminApi::list_nodes);
  plain("POST", "/nodes", &AdminApi::add_node);
  of_node("GET", "", &AdminApi::show_node);
  of_node("PATCH", "", &AdminApi::edit_node);
  of_node("DELETE", "", &AdminApi::remove_node);
  of_node("POST", "/token", &AdminApi::rotate_token);
  of_node("DELETE", "/token", &AdminApi::revoke_token);
  of_node("POST", "/bootstrap", &AdminApi::add_bootstrap);
  plain("GET", "/sessions", &AdminApi::list_sessions);
  plain("POST", "/sessions", &AdminApi::add_session);
  of_session("GET", &AdminApi::show_session);
  of_session("PATCH", &AdminApi::edit_session);
  of_session("DELETE", &AdminApi::remove_session);
  people_route("GET", "/sessions/{uuid}/snippets", "uuid", std::bind_front(&AdminApi::snippets, &admin));
  people_route("GET", "/nodes/{node}/series", "node", std::bind_front(&SeriesApi::node_series, &series));
  people_route("GET", "/sessions/{uuid}/series", "uuid", std::bind_front(&SeriesApi::session_series, &series));
  people_route("GET", "/sessions/{uuid}/events", "uuid", std::bind_front(&SeriesApi::session_events, &series));
  for (const auto move : {OperatorMove::approve, OperatorMove::reject, OperatorMove::disable, OperatorMove::enable}) {
    people_route("POST", fmt::format("/sessions/{{uuid}}/{}", name_of(move)), "uuid",
                 [this, move](const Request& r, std::string_view uuid) { return admin.move_session(r, uuid, move); });
  }
  plain("GET", "/mesh", &AdminApi::mesh);
  plain("GET", "/settings/preview", &AdminApi::show_policy);
  plain("POST", "/settings/preview", &AdminApi::preview_settings);
  plain("GET", "/settings", &AdminApi::show_settings);
  plain("PATCH", "/settings", &AdminApi::edit_settings);
  plain("GET", "/blocklist", &AdminApi::show_blocklist);
  plain("PUT", "/blocklist", &AdminApi::put_blocklist);
  plain("PATCH", "/blocklist", &AdminApi::put_blocklist);
}

void Service::State::add_people_routes() {
  const auto auth_route = [this](std::string_view method, std::string_view path, auto work) {
    route(method, path, std::bind_front(work, &auth));
  };
  auth_route("POST", "/api/v1/auth/challenge", &AuthApi::challenge);
  auth_route("POST", "/api/v1/auth/proof", &AuthApi::proof);
  auth_route("POST", "/api/v1/auth/token", &AuthApi::token);
  auth_route("GET", "/api/v1/auth/me", &AuthApi::me);
  auth_route("POST", "/api/v1/auth/logout", &AuthApi::logout);
  route("GET", "/api/v1/users", std::bind_front(&PeopleApi::list_users, &people));
  route("POST", "/api/v1/users", std::bind_front(&PeopleApi::add_user, &people));
  route("GET", "/api/v1/users/{user}", "user", std::bind_front(&PeopleApi::show_user, &people));
  route("PATCH", "/api/v1/users/{user}", "user", std::bind_front(&PeopleApi::edit_user, &people));
  route("DELETE", "/api/v1/users/{user}", "user", std::bind_front(&PeopleApi::remove_user, &people));
  route("GET", "/api/v1/tokens", std::bind_front(&PeopleApi::list_tokens, &people));
  route("POST", "/api/v1/tokens", std::bind_front(&PeopleApi::add_token, &people));
  route("DELETE", "/api/v1/tokens/{token}", "token", std::bind_front(&PeopleApi::remove_token, &people));
  route("GET", "/api/v1/audit", std::bind_front(&PeopleApi::audit, &people));
}

}  // namespace moenet::controlplane
