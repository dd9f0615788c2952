// Resolver: host names to addresses in the background, because getaddrinfo blocks for as long as it likes. The reconciler asks for
// what is known and never waits; a change of what is known wakes it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"

namespace moenet::net {

// Thread-safe. Answers are kept until `forget`, so that an address in use does not change on its own.
class Resolver {
 public:
  // `on_answer` runs on the resolver's thread after each new or changed answer.
  explicit Resolver(std::function<void()> on_answer);
  ~Resolver();  // does not wait for a lookup that hangs

  // An address at once; nullopt while a first lookup is under way (this call starts it); or the lookup's error (not_found,
  // unavailable), which is retried after 30 s when asked for again. Prefers IPv4 or IPv6 as getaddrinfo orders them (RFC 6724).
  Result<std::optional<IpAddress>> lookup(std::string_view host);
  // Looks the name up again in the background; the old answer stays until the new one is there.
  void refresh(std::string_view host);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace moenet::net
