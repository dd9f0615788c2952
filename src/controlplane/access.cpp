#include "controlplane/access.h"

#include <string_view>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "controlplane/answers.h"
#include "controlplane/token.h"

namespace moenet::controlplane {

namespace {

constexpr std::size_t kMostTokenBytes = 512;

UnixMs unix_ms(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

// "Bearer" with a capital B, as deployed control planes require (wire contract A1); spaces behind the token are the
// header's.
std::string_view bearer_token(const http::Request& request) {
  constexpr std::string_view kScheme = "Bearer ";
  std::string_view value = request.headers.find("Authorization").value_or("");
  if (!value.starts_with(kScheme)) return {};
  value.remove_prefix(kScheme.size());
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  return value.size() <= kMostTokenBytes ? value : std::string_view();
}

// To a node: as an envelope.
http::Response refused_node(http::FailureLimit& limit, const http::Request& request, WallTime now) {
  const http::FailureLimit::Count count = limit.failed(request.peer, now);
  http::Response response = envelope_error(401, "Unauthorized");
  if (count.exceeded) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(count.reset - now).count();
    response = http::Response::json(429, boost::json::serialize(boost::json::object{
                                             {"code", 429}, {"message", "Too Many Requests"}, {"retryAfter", left}}));
  }
  put_headers(response.headers, count, now);
  return response;
}

// To a person: as problem details.
http::Response refused(http::FailureLimit& limit, const http::Request& request, WallTime now, int status,
                       std::string_view message) {
  const http::FailureLimit::Count count = limit.failed(request.peer, now);
  http::Response response =
      count.exceeded ? problem(429, "too many refused tokens from this address") : problem(status, message);
  put_headers(response.headers, count, now);
  return response;
}

http::Response store_away(const Error& error) { return problem(Refusal(error)); }

Caller caller_of(const Holder& holder) {
  Caller caller;
  caller.role = holder.role;
  caller.asn = holder.asn;
  caller.user = holder.user;
  caller.token = holder.token;
  caller.expires_at = holder.expires_at;
  const std::string token = holder.token.empty() ? std::string() : "token " + holder.token_label;
  if (holder.user.empty())
    caller.name = token.empty() ? "owner" : token;
  else
    caller.name = token.empty() ? holder.user_name : fmt::format("{} ({})", holder.user_name, token);
  return caller;
}

// Scheme, host and port of a URL, as the header Origin has them (RFC 6454 section 6.1).
std::string origin_of(const std::string& url) {
  const std::size_t host = url.find("://");
  return host == std::string::npos ? std::string() : url.substr(0, url.find('/', host + 3));
}

bool changes_nothing(const http::Request& request) {
  return request.method == "GET" || request.method == "HEAD" || request.method == "OPTIONS";
}

}  // namespace

std::string csrf_of(std::string_view cookie) { return hash_of_token(fmt::format("csrf {}", cookie)); }

Access::Access(Store& store, AccessKeys keys, const std::string& public_url)
    : store_(store), keys_(std::move(keys)), public_origin_(origin_of(public_url)) {}

std::expected<AgentCaller, http::Response> Access::agent(const http::Request& request, WallTime now) {
  const std::string_view token = bearer_token(request);
  if (!token.empty()) {
    if (keys_.shared_key && equal_in_constant_time(token, keys_.shared_key->reveal())) return AgentCaller{};
    if (const auto node = store_.node_of_token(hash_of_token(token))) return AgentCaller{node};
  }
  return std::unexpected(refused_node(agent_failures_, request, now));
}

Result<Caller> Access::holder_of(std::string_view token, WallTime now) {
  if (equal_in_constant_time(token, keys_.admin_token.reveal())) {
    Caller owner;
    owner.role = Role::owner;
    owner.name = "owner";
    return owner;
  }
  TRY(const auto holder, store_.holder_of_api_token(hash_of_token(token), unix_ms(now)));
  return caller_of(holder);
}

Result<Caller> Access::holder_of_cookie(std::string_view secret, WallTime now) {
  TRY(const auto holder, store_.holder_of_web_session(hash_of_token(secret), unix_ms(now)));
  const bool is_of_owner = holder.user.empty() && holder.token.empty();
  // Of an admin token that is another one by now.
  if (is_of_owner && !equal_in_constant_time(holder.owner_token, hash_of_token(keys_.admin_token.reveal())))
    return fail(Errc::not_found, "the admin token has changed");
  Caller caller = caller_of(holder);
  caller.by_cookie = true;
  caller.csrf = csrf_of(secret);
  return caller;
}

// A token before a cookie: a program that sends both means the token.
Result<Caller> Access::recognized(const http::Request& request, WallTime now) {
  const std::string_view token = bearer_token(request);
  const std::string_view cookie = cookie_of(request);
  if (token.empty() && cookie.empty()) return fail(Errc::not_found, "neither token nor cookie");
  auto caller = token.empty() ? holder_of_cookie(cookie, now) : holder_of(token, now);
  if (caller) caller->address = request.peer;
  return caller;
}

bool Access::is_our_origin(const http::Request& request) const {
  const auto origin = request.headers.find("Origin");
  if (!origin) return true;
  if (!public_origin_.empty()) return *origin == public_origin_;
  const std::string_view host = request.headers.find("Host").value_or("");
  return !host.empty() && (*origin == fmt::format("http://{}", host) || *origin == fmt::format("https://{}", host));
}

bool Access::proves_intent(const Caller& caller, const http::Request& request) const {
  if (!caller.by_cookie || changes_nothing(request)) return true;
  const std::string_view sent = request.headers.find("X-CSRF-Token").value_or("");
  return equal_in_constant_time(sent, caller.csrf) && is_our_origin(request);
}

std::expected<Caller, http::Response> Access::person(const http::Request& request, WallTime now) {
  auto caller = recognized(request, now);
  if (!caller && caller.error().code != Errc::not_found) return std::unexpected(store_away(caller.error()));
  if (!caller) return std::unexpected(refused(admin_failures_, request, now, 401, "sign in, or send a token"));
  if (!proves_intent(*caller, request))
    return std::unexpected(problem(403, "the header X-CSRF-Token or the Origin is not that of your session"));
  return std::move(*caller);
}

std::expected<Caller, http::Response> Access::admin(const http::Request& request, WallTime now) {
  auto caller = recognized(request, now);
  if (!caller && caller.error().code != Errc::not_found) return std::unexpected(store_away(caller.error()));
  if (!caller) return std::unexpected(refused(admin_failures_, request, now, 403, "Admin access required"));
  if (caller->role < Role::admin) return std::unexpected(problem(403, "Admin access required"));  // no guess
  if (!proves_intent(*caller, request))
    return std::unexpected(problem(403, "the header X-CSRF-Token or the Origin is not that of your session"));
  return std::move(*caller);
}

std::string_view Access::cookie_name() const {
  return public_origin_.starts_with("https://") ? "__Host-moenet" : "moenet";
}

std::string Access::set_cookie(std::string_view secret, std::chrono::seconds life) const {
  return fmt::format("{}={}; Path=/; Max-Age={}; HttpOnly; SameSite=Strict{}", cookie_name(), secret, life.count(),
                     public_origin_.starts_with("https://") ? "; Secure" : "");
}

std::string_view Access::cookie_of(const http::Request& request) const {
  std::string_view rest = request.headers.find("Cookie").value_or("");
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (pair.starts_with(' ')) pair.remove_prefix(1);
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == cookie_name() && pair.size() <= kMostTokenBytes)
      return pair.substr(equals + 1);
  }
  return {};
}

std::expected<void, http::Response> Access::metrics(const http::Request& request, WallTime now) {
  const std::string_view token = bearer_token(request);
  if (keys_.metrics_token && equal_in_constant_time(token, keys_.metrics_token->reveal())) return {};
  if (const auto caller = admin(request, now); !caller) return std::unexpected(caller.error());
  return {};
}

}  // namespace moenet::controlplane
