// SeriesApi: what there is to see of the past: series of sessions and of a node's links, and the moves of sessions
// (docs/api.yaml). Reads only, each with an ETag. Synchronous; the service runs it on its workers.
#pragma once

#include <functional>
#include <string_view>

#include "base/clock.h"
#include "controlplane/access.h"
#include "controlplane/store.h"
#include "http/message.h"

namespace moenet::controlplane {

// Thread-safe. Sessions are for admins and for the users of their AS, nodes for admins.
class SeriesApi {
 public:
  SeriesApi(Store& store, Access& access, std::function<WallTime()> now)
      : store_(store), access_(access), now_(std::move(now)) {}

  // ?span=24h|90d
  http::Response session_series(const http::Request& request, std::string_view uuid) const;
  http::Response node_series(const http::Request& request, std::string_view node) const;
  http::Response session_events(const http::Request& request, std::string_view uuid) const;

 private:
  Store& store_;
  Access& access_;
  const std::function<WallTime()> now_;
};

}  // namespace moenet::controlplane
