// TokenCache: the nodes' tokens in memory, so that a request is let in, or a guess refused, without the database. What
// is in it was the table at some moment; `order` keeps those moments in order.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>

#include "base/clock.h"
#include "controlplane/store.h"

namespace moenet::controlplane {

struct NodeToken {
  NodeId node = 0;
  UnixMs ends_at = 0;  // 0 = when it is replaced or revoked
};
using NodeTokens = std::map<TokenHash, NodeToken>;

// Thread-safe.
class TokenCache {
 public:
  // Held while the table is read and replace() called, and while a commit changes the table: else an older reading
  // could replace a newer one. Take it after the connection to read with, never before.
  std::mutex order;

  void replace(NodeTokens tokens, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    tokens_ = std::move(tokens);
    read_at_ = now;
  }
  std::optional<NodeId> find(const TokenHash& token, UnixMs now) const {
    const std::lock_guard lock(mutex_);
    const auto held = tokens_.find(token);
    if (held == tokens_.end()) return std::nullopt;
    const NodeToken& found = held->second;
    return found.ends_at != 0 && found.ends_at <= now ? std::nullopt : std::optional(found.node);
  }
  // May the caller read the table again for its own sake? Once in `interval` for all callers, so that guesses cost
  // nothing; and not when it was read within `interval` anyway.
  bool may_read_again(std::chrono::milliseconds interval, SteadyTime now) {
    const std::lock_guard lock(mutex_);
    if (now - read_at_ < interval || now - asked_at_ < interval) return false;
    asked_at_ = now;
    return true;
  }
  std::chrono::nanoseconds age(SteadyTime now) const {
    const std::lock_guard lock(mutex_);
    return now - read_at_;
  }

 private:
  mutable std::mutex mutex_;  // guards all below: every request looks, commits and the listener replace
  NodeTokens tokens_;
  SteadyTime read_at_{};
  SteadyTime asked_at_{};
};

}  // namespace moenet::controlplane
