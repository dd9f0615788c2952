// Bootstrap: how a machine becomes a node by one line, `curl -sS URL/bootstrap/TOKEN | sh` (wire contract A2). The
// script is told to whoever has the token, as often as he likes, and uses nothing up. Once its checks have passed it
// makes the node's own token and claims the node with it; that works once, and again for the same node's token, so that
// a machine which lost the answer goes on from there.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "base/clock.h"
#include "controlplane/packages.h"
#include "controlplane/refusal.h"
#include "controlplane/store.h"
#include "http/message.h"

namespace moenet::controlplane {

inline constexpr std::chrono::hours kBootstrapLife{24};  // chosen: long enough for a new machine to be ordered

struct BootstrapSettings {
  std::string public_url;          // where nodes reach this control plane; "" = whoever asks for a line says it
  std::filesystem::path packages;  // packages.h; "" = none
};

// Member `url` of a request for a bootstrap token, else `fallback`, without a slash at its end. Refusals: invalid
// (url).
Checked<std::string> bootstrap_base(const boost::json::value& body, std::string_view fallback);

// GET /bootstrap/{token}. Whatever the answer, it is a script, and all but 200 end in `exit 1`, because the reader is a
// shell. `is_dry_run` (?dry-run=1): the script only says what it would do.
http::Response give_script(Store& store, const BootstrapSettings& settings, std::string_view token, WallTime now,
                           bool is_dry_run);

// POST /bootstrap/{token}, with the node's token to be as the body: 43 characters of URL-safe base64. 200 "claimed";
// 400; 404; 409 when another one has claimed it. Text for the script's user. `address` is the caller's, for the audit.
http::Response claim_node(Store& store, std::string_view token, std::string_view node_token, std::string_view address,
                          WallTime now);

// GET /bootstrap/{token}/moenet.deb?sha256=…: the package that the script named. 404 when it is gone.
http::Response give_package(Store& store, const BootstrapSettings& settings, std::string_view token,
                            std::string_view sha256, WallTime now);

}  // namespace moenet::controlplane
