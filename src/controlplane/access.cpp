#include "controlplane/access.h"

#include <string_view>

#include <boost/json.hpp>

#include "controlplane/answers.h"
#include "controlplane/token.h"

namespace moenet::controlplane {

namespace {

constexpr std::size_t kMostTokenBytes = 512;

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

http::Response refused(FailureLimit& limit, const http::Request& request, WallTime now, int status,
                       std::string_view message) {
  const FailureLimit::Count count = limit.failed(request.peer, now);
  http::Response response;
  if (count.exceeded) {
    const auto left = std::chrono::ceil<std::chrono::seconds>(count.reset - now).count();
    response = http::Response::json(429, boost::json::serialize(boost::json::object{
                                             {"code", 429}, {"message", "Too Many Requests"}, {"retryAfter", left}}));
  } else {
    response = envelope_error(status, message);
  }
  put_headers(response.headers, count, now);
  return response;
}

}  // namespace

std::expected<AgentCaller, http::Response> Access::agent(const http::Request& request, WallTime now) {
  const std::string_view token = bearer_token(request);
  if (!token.empty()) {
    if (keys_.shared_key && equal_in_constant_time(token, keys_.shared_key->reveal())) return AgentCaller{};
    if (const auto node = store_.node_of_token(hash_of_token(token))) return AgentCaller{node};
  }
  return std::unexpected(refused(agent_failures_, request, now, 401, "Unauthorized"));
}

std::expected<void, http::Response> Access::admin(const http::Request& request, WallTime now) {
  const std::string_view token = bearer_token(request);
  if (!token.empty() && equal_in_constant_time(token, keys_.admin_token.reveal())) return {};
  return std::unexpected(refused(admin_failures_, request, now, 403, "Admin access required"));
}

}  // namespace moenet::controlplane
