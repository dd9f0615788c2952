// BirdTransaction: a set of peer files goes into BIRD as a whole, or not at all, and what BIRD refuses is cut out by
// name.
// The files of the policy (owner model::kPolicyOwner) go in together or not at all.
//   stage -> `configure check` on a main file that reads the staged files -> swap with backup -> `configure timeout` ->
//   gate -> `configure confirm`; on any failure after the swap: the old files back and `configure undo`.
// A journal in the stage (stage.h) survives kill -9. The next apply() then starts from the whole files that it finds,
// old or new, and makes BIRD read them.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "bird/client.h"
#include "bird/peer_folder.h"
#include "bird/render.h"
#include "model/desired.h"

namespace moenet::bird {

struct FileChange {
  std::vector<model::BirdFile> put;  // new or changed
  std::vector<std::string> remove;   // names of files of ours
  // The new text of BIRD's main file, for a node whose BIRD this agent owns; a main file that is there must be ours
  // (owner kBaseOwner).
  std::optional<std::string> main_text;
  // Also without any change: BIRD must read its configuration again (it lost a protocol, or a transaction was cut off).
  bool reload = false;

  bool empty() const { return put.empty() && remove.empty() && !main_text && !reload; }
};

struct Refusal {
  std::string file;     // name of the file that BIRD refused; its old version, if any and if ours, is removed with this
                        // transaction
  std::string message;  // BIRD's words with line and column, or ours
};

struct TransactionResult {
  bool configured = false;       // BIRD runs the new configuration
  std::vector<Refusal> refused;  // cut out; the rest went on
  std::string policy_refused;    // BIRD's words for a file of the policy: all of the policy is as it was
  std::chrono::milliseconds took{0};
};

struct TransactionSettings {
  std::chrono::seconds undo_timeout{
      30};  // `configure timeout N`: BIRD takes the change back by itself if this agent dies
  std::chrono::milliseconds gate{10'000};  // how long the gate waits for BIRD to settle
  std::size_t most_refusals = 256;         // then the transaction fails as a whole
};

struct TransactionCounters {
  std::uint64_t configured = 0;  // BIRD runs what was wanted
  std::uint64_t failed = 0;      // as a whole
  std::uint64_t taken_back = 0;  // of those: after the files were swapped
  std::uint64_t cut_out = 0;     // files that BIRD refused
};

class BirdTransaction {
 public:
  BirdTransaction(BirdPool& pool, PeerFolder& folder, PolicyNames names, TransactionSettings settings);

  // With `main_text` the names that peer files build on are the policy's business, else they are looked for in the
  // operator's files. At most one `configure` (that is not a `check`). A file whose bytes are live already is no
  // change; without any change nothing is asked of BIRD. Errors: unavailable (BIRD is away, or took the change back by
  // itself), invalid (the operator's bird.conf itself is wrong, or lacks a name that peer files need: the text names it
  // and holds the snippet, or does not include the peer folder), conflict (the gate saw an untouched session fall: all
  // is as before), denied (also: BIRD may not read the peer files), timeout, cancelled (all is as before).
  Result<TransactionResult> apply(const FileChange& change, Deadline deadline, const std::stop_token& stop);

  // Is there a journal of a transaction that was cut off? Then apply() reloads, whatever the change says, and must be
  // called.
  bool was_cut_off() const;

  // Since the start. Thread-safe.
  TransactionCounters counters() const;

 private:
  void count(const Result<TransactionResult>& outcome, bool taken_back);

  BirdPool& pool_;
  PeerFolder& folder_;
  PolicyNames names_;
  TransactionSettings settings_;
  mutable std::mutex mutex_;  // of the counters
  TransactionCounters counters_;
};

}  // namespace moenet::bird
