// Events: the moves of sessions' statuses, as they are kept and as webhooks are told of them; and the webhooks
// themselves, which are settings. Values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "model/session.h"

namespace moenet::controlplane {

using UnixMs = std::int64_t;  // wall time in milliseconds since 1970

// Who moved a session, and what they said of it.
struct Cause {
  std::string who;     // "admin", "node jp1"; "" = nobody said
  std::string reason;  // a rejection's; of a move by a node it is the row's last error

  friend bool operator==(const Cause&, const Cause&) = default;
};

// Chosen: a session that a node reports as up and down each minute still shows three hours.
constexpr int kMostEvents = 200;

struct SessionEvent {
  std::int64_t number = 0;  // rises within the session
  UnixMs at = 0;
  std::optional<model::SessionStatus> from;  // absent: it is new
  model::SessionStatus to = model::SessionStatus::pending;
  Cause cause;

  friend bool operator==(const SessionEvent&, const SessionEvent&) = default;
};

// Who is told of moves over HTTP (webhooks.h).
struct Webhook {
  std::string name;  // unique
  std::string url;
  Secret secret;                             // what its deliveries are signed with
  std::vector<model::SessionStatus> events;  // it wants to hear of moves to these; none = all

  friend bool operator==(const Webhook&, const Webhook&) = default;
};

// Of one webhook at once. Chosen: a network of 6,000 sessions moves each of them once and is not cut.
constexpr long long kMostWaitingDeliveries = 10'000;

// One event on its way to one webhook.
struct Delivery {
  std::int64_t number = 0;
  std::string hook;  // name
  std::string id;    // of the event: the same for each webhook and each attempt
  std::string body;  // JSON
  UnixMs created_at = 0;
  unsigned attempts = 0;  // before this one
};

}  // namespace moenet::controlplane
