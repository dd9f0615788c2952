// Ruleset: our one table of nftables, read, made right and removed through libnftables. What is in it, and the words
// for it, is nftables_codec.h. Other tables are never touched.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "net/nftables_codec.h"
#include "net/nftables_listing.h"

namespace moenet::net {

// What there is of our table.
struct FirewallTable {
  FirewallRules rules;  // what it lets in, as far as its sets say so
  bool intact = false;  // nobody changed its definitions, chains or rules, or added any

  friend bool operator==(const FirewallTable&, const FirewallTable&) = default;
};

// Not thread-safe: one per thread; for the network namespace that its thread is in. libnftables runs in a child process
// each time (net/isolated.h), because it may end or crash the process that it runs in; so nothing of it stays in
// memory.
class Ruleset {
 public:
  // Changes nothing. Errors: unavailable (no nf_tables in this kernel), denied (no CAP_NET_ADMIN).
  static Result<Ruleset> open();
  Ruleset(Ruleset&&) noexcept;
  Ruleset& operator=(Ruleset&&) noexcept;
  ~Ruleset();

  // Nullopt when the table is not there. While no ruleset of the namespace changes, this is one question to the kernel.
  // Errors: unavailable (libnftables failed, or crashed), timeout.
  Result<std::optional<FirewallTable>> read(Deadline deadline);

  // Makes the table hold `rules`, in one transaction: the elements that differ, or, when anything else is not as it
  // should be, all of it anew. False when there was nothing to do and nothing was written. After an error the table is
  // as it was, but after a timeout it may also be as wanted. Errors: invalid (see validate()), unavailable (the
  // transaction was refused, with the reason; libnftables crashed), timeout.
  Result<bool> apply(const FirewallRules& rules, Deadline deadline);

  // No error when the table is not there. Errors: unavailable, timeout.
  Result<void> remove(Deadline deadline);

  // Chains of others that drop what ours lets in, unless they accept kFirewallMark. Errors: unavailable, timeout.
  Result<std::vector<HostileChain>> hostile_chains(Deadline deadline);

 private:
  struct State;
  explicit Ruleset(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace moenet::net
