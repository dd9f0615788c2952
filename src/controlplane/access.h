// Access: who asks. A node's token is that node and no other; the shared key, where an operator set one, is every node;
// the admin token is the owner; API tokens and the cookies of web sessions are users. What is refused counts against
// its address.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "base/clock.h"
#include "base/secret.h"
#include "controlplane/caller.h"
#include "controlplane/store.h"
#include "http/failure_limit.h"
#include "http/message.h"

namespace moenet::controlplane {

struct AccessKeys {
  Secret admin_token;
  std::optional<Secret> shared_key;
  std::optional<Secret> metrics_token = std::nullopt;  // opens /metrics and nothing else
};

// Whose data an agent's token opens: one node's, or with the shared key any.
struct AgentCaller {
  std::optional<NodeId> only;

  bool may_act_for(NodeId node) const { return !only || *only == node; }
};

// Thread-safe.
class Access {
 public:
  // `public_url`: where browsers reach us, e.g. "https://moenet.example"; "" = wherever they say that they do.
  Access(Store& store, AccessKeys keys, const std::string& public_url = {});

  // Or the answer to give: 401, 429. Touches no database.
  std::expected<AgentCaller, http::Response> agent(const http::Request& request, WallTime now);

  // A person or a program of theirs, by bearer token or cookie. By cookie, a method that changes something needs the
  // header X-CSRF-Token and, when there is an Origin, one of ours. Or the answer, as problem details: 401, 403 (CSRF),
  // 429, 503.
  std::expected<Caller, http::Response> person(const http::Request& request, WallTime now);
  // The same, with role admin or owner; 403 for all others, whoever they are.
  std::expected<Caller, http::Response> admin(const http::Request& request, WallTime now);
  // The same, but the metrics token will do.
  std::expected<void, http::Response> metrics(const http::Request& request, WallTime now);
  // Whose a token is: the admin token or an API token. Errors: not_found, unavailable.
  Result<Caller> holder_of(std::string_view token, WallTime now);

  // "__Host-moenet", or "moenet" where we are not served by https (RFC 6265bis section 4.1.3).
  std::string_view cookie_name() const;
  // The value of Set-Cookie that gives or, with an empty secret, takes the cookie.
  std::string set_cookie(std::string_view secret, std::chrono::seconds life) const;
  // What the request's cookie holds; "" without one.
  std::string_view cookie_of(const http::Request& request) const;

 private:
  Result<Caller> recognized(const http::Request& request, WallTime now);
  Result<Caller> holder_of_cookie(std::string_view secret, WallTime now);
  bool is_our_origin(const http::Request& request) const;
  bool proves_intent(const Caller& caller, const http::Request& request) const;

  Store& store_;
  const AccessKeys keys_;
  const std::string public_origin_;         // "" when it is not known
  http::FailureLimit agent_failures_{300};  // as deployed control planes
  http::FailureLimit admin_failures_{30};
};

// What X-CSRF-Token must be: made of the cookie, so that it is nowhere kept and whoever cannot read the cookie cannot
// make it.
std::string csrf_of(std::string_view cookie);

}  // namespace moenet::controlplane
