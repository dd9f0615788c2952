// AuthApi: how people come in (docs/api.yaml, /api/v1/auth): by proving that they maintain an ASN, or with a token.
// Synchronous; the service runs it on its workers.
#pragma once

#include <functional>
#include <optional>
#include <semaphore>
#include <string>

#include "base/clock.h"
#include "controlplane/access.h"
#include "controlplane/lockout.h"
#include "controlplane/proof.h"
#include "controlplane/registry.h"
#include "controlplane/store.h"
#include "http/message.h"

namespace moenet::controlplane {

struct AuthSettings {
  std::string registry;    // folder; "" = nobody can prove an ASN
  std::string public_url;  // where browsers reach us; "" = where we listen, for all that we know
};

// Thread-safe.
class AuthApi {
 public:
  AuthApi(Store& store, Access& access, AuthSettings settings, std::function<WallTime()> now);

  http::Response challenge(const http::Request& request);
  http::Response proof(const http::Request& request);
  http::Response token(const http::Request& request);
  http::Response me(const http::Request& request) const;
  http::Response logout(const http::Request& request) const;

 private:
  http::Response failed(const http::Request& request, int status, std::string_view detail);
  std::optional<http::Response> too_early(Lockout& lockout, const std::string& key);
  Checked<http::Response> begin(const http::Request& request);
  Checked<http::Response> finish(const http::Request& request);
  Result<std::string> checked(const Challenge& challenge, const Proof& proof);
  http::Response signed_in(const Caller& caller, const Secret& cookie) const;

  Store& store_;
  Access& access_;
  const AuthSettings settings_;
  const std::function<WallTime()> now_;
  std::optional<Registry> registry_;
  http::FailureLimit challenges_;
  Lockout addresses_;
  Lockout accounts_;
  std::counting_semaphore<> checks_;  // of signatures: each is a process
};

}  // namespace moenet::controlplane
