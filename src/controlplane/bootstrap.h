// Bootstrap: how a machine becomes a node by one line, `curl -sS URL/bootstrap/TOKEN | sh` (wire contract A2). A token
// is good once; using it gives the node a new token of its own, which only the script's reader learns.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "base/clock.h"
#include "base/secret.h"
#include "controlplane/refusal.h"
#include "controlplane/store.h"
#include "http/message.h"

namespace moenet::controlplane {

inline constexpr std::chrono::hours kBootstrapLife{24};  // chosen: long enough for a new machine to be ordered

// Member `url` of a request for a bootstrap token, without a slash at its end. Refusals: invalid (url).
Checked<std::string> bootstrap_base(const boost::json::value& body);

// A POSIX shell script that writes the agent's configuration and starts the agent where it is installed. It does
// nothing before all of it has arrived, asks nothing, and may be run again. REQUIRES: name and url were validated
// (node_draft.h, bootstrap_base).
std::string bootstrap_script(std::string_view node_name, std::string_view url, const Secret& node_token);

// GET /bootstrap/{token}. Whatever the answer, it is a script, and all but 200 end in `exit 1`, because the reader is a
// shell.
http::Response redeem_bootstrap(Store& store, std::string_view token, WallTime now);

}  // namespace moenet::controlplane
