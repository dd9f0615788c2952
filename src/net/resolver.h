// Resolver: host names to addresses in the background, because getaddrinfo blocks for as long as it likes. The
// reconciler asks for what is known and never waits; a change of what is known wakes it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"

namespace moenet::net {

// One blocking lookup by getaddrinfo, which orders IPv4 and IPv6 by RFC 6724: its first address, or, with a family, its
// first of that. Errors: invalid (no host name), not_found (no such host, or one without such an address), unavailable
// (no name server answers).
Result<IpAddress> look_up_host(const std::string& host, std::optional<IpFamily> family = std::nullopt);

struct ResolverSettings {
  // Called on the resolver's threads.
  std::function<Result<IpAddress>(const std::string& host, std::optional<IpFamily> family)> look_up = look_up_host;
  std::chrono::milliseconds retry_after{30'000};  // after a failure (chosen: a resolver's own patience is 5 to 10 s)
};

// Thread-safe. Answers are kept, so that an address in use does not change on its own, until `refresh` brings another.
class Resolver {
 public:
  // `on_change` runs on one of the resolver's threads after each change of what `lookup` returns for a host. It may
  // call `lookup`.
  explicit Resolver(std::function<void()> on_change, ResolverSettings settings = {});
  ~Resolver();  // does not wait for a lookup that hangs; waits for `on_change`, which is never called after it
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // An address at once; nullopt while a first lookup is under way (this call starts it); or the lookup's error
  // (not_found, unavailable), which is retried after 30 s when asked for again. An address as text needs no lookup.
  // Answers of any family and of a certain one are kept apart.
  Result<std::optional<IpAddress>> lookup(std::string_view host, std::optional<IpFamily> family = std::nullopt);
  // Looks the name up again in the background; the old answer stays until there is a new one, and a failure changes
  // nothing.
  void refresh(std::string_view host, std::optional<IpFamily> family = std::nullopt);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace moenet::net
