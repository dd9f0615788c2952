// PeopleApi: users, API tokens and the audit log (docs/api.yaml: /api/v1/users, /tokens, /audit). Synchronous; the
// service runs it on its workers.
#pragma once

#include <functional>
#include <string_view>

#include "base/clock.h"
#include "controlplane/access.h"
#include "controlplane/store.h"
#include "http/message.h"

namespace moenet::controlplane {

// Thread-safe.
class PeopleApi {
 public:
  PeopleApi(Store& store, Access& access, std::function<WallTime()> now)
      : store_(store), access_(access), now_(std::move(now)) {}

  // Admins manage users of role user; those above are the owner's.
  http::Response list_users(const http::Request& request) const;
  http::Response add_user(const http::Request& request) const;
  http::Response show_user(const http::Request& request, std::string_view id) const;
  http::Response edit_user(const http::Request& request, std::string_view id) const;
  http::Response remove_user(const http::Request& request, std::string_view id) const;

  // Everybody's own; the owner's are all.
  http::Response list_tokens(const http::Request& request) const;
  http::Response add_token(const http::Request& request) const;  // 201 with the token, told this once
  http::Response remove_token(const http::Request& request, std::string_view id) const;

  http::Response audit(const http::Request& request) const;  // ?object= ?who= ?since= ?limit= ?after=

 private:
  using Work = std::function<Checked<http::Response>(const Caller& caller)>;
  http::Response for_admins(const http::Request& request, const Work& work) const;
  http::Response for_all(const http::Request& request, const Work& work) const;

  Store& store_;
  Access& access_;
  const std::function<WallTime()> now_;
};

}  // namespace moenet::controlplane
