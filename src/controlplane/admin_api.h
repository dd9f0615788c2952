// AdminApi: the operator's REST API under /api/v1/admin (docs/api.yaml), on top of a Store. Synchronous; the service
// runs it on its workers. JSON in and out, errors as RFC 9457 problem details.
#pragma once

#include <functional>
#include <string_view>

#include "base/clock.h"
#include "controlplane/access.h"
#include "controlplane/store.h"
#include "http/message.h"

namespace moenet::controlplane {

// Thread-safe. All calls check the admin token first.
class AdminApi {
 public:
  AdminApi(Store& store, Access& access, std::function<WallTime()> now)
      : store_(store), access_(access), now_(std::move(now)) {}

  http::Response legacy(const http::Request& request) const;  // POST /api/v1/admin, which this server does not have

  http::Response list_nodes(const http::Request& request) const;
  http::Response add_node(const http::Request& request) const;  // 201 with the token, told this once
  http::Response show_node(const http::Request& request, std::string_view node) const;
  http::Response edit_node(const http::Request& request, std::string_view node) const;
  // 204; ?force=1 with its sessions, for a node that is gone for good.
  http::Response remove_node(const http::Request& request, std::string_view node) const;
  http::Response rotate_token(const http::Request& request, std::string_view node) const;
  // 201 with the URL of a script that makes a machine this node; good once, for a day.
  http::Response add_bootstrap(const http::Request& request, std::string_view node) const;

  http::Response list_sessions(const http::Request& request) const;  // ?node= ?status= ?asn=
  http::Response add_session(const http::Request& request) const;    // 201
  http::Response show_session(const http::Request& request, std::string_view uuid) const;
  http::Response edit_session(const http::Request& request, std::string_view uuid) const;
  http::Response move_session(const http::Request& request, std::string_view uuid, std::string_view move) const;
  http::Response remove_session(const http::Request& request,
                                std::string_view uuid) const;  // ?force=1 drops the row now

  http::Response show_settings(const http::Request& request) const;
  http::Response edit_settings(const http::Request& request) const;

 private:
  using Work = std::function<Checked<http::Response>()>;
  http::Response guarded(const http::Request& request, const Work& work) const;
  Checked<http::Response> session_answer(int status, const StoredSession& row) const;
  Checked<http::Response> changed_answer(const Changed& changed) const;

  Store& store_;
  Access& access_;
  const std::function<WallTime()> now_;
};

}  // namespace moenet::controlplane
