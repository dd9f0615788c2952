// BirdTransaction: a set of peer files goes into BIRD as a whole, or not at all, and what BIRD refuses is cut out by name.
//   stage -> `configure check` on a main file that reads the staged files -> swap with backup -> `configure timeout` -> gate ->
//   `configure confirm`; on any failure after the swap: `configure undo` and the old files back.
// A journal in the stage folder survives kill -9: recover() finishes or takes back what was under way.
#pragma once

#include <chrono>
#include <set>
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
  std::vector<model::BirdFile> put;   // new or changed
  std::vector<std::string> remove;    // names of files of ours
  // Also without any change: BIRD must read its configuration again (it lost a protocol, or a transaction was cut off).
  bool reload = false;

  bool empty() const { return put.empty() && remove.empty() && !reload; }
};

struct Refusal {
  std::string file;     // name of the staged file that BIRD refused; its old version, if any, is removed with this transaction
  std::string message;  // BIRD's words, with line and column
};

struct TransactionResult {
  bool configured = false;          // BIRD runs the new configuration
  std::vector<Refusal> refused;     // cut out; the rest went on
  std::chrono::milliseconds took{0};
};

struct TransactionSettings {
  std::chrono::seconds undo_timeout{30};   // `configure timeout N`: BIRD takes the change back by itself if this agent dies
  std::chrono::seconds gate{10};           // how long the gate waits for BIRD to settle
  std::size_t most_refusals = 256;         // then the transaction fails as a whole
};

class BirdTransaction {
 public:
  BirdTransaction(BirdPool& pool, PeerFolder& folder, PolicyNames names, TransactionSettings settings);

  // Errors: unavailable (BIRD is away or hung), invalid (the operator's bird.conf itself is wrong, or lacks a name that peer files
  // need: the text names it and holds the snippet, or does not include the peer folder), conflict (the gate saw an untouched session
  // fall: all is as before), denied, timeout, cancelled (all is as before).
  Result<TransactionResult> apply(const FileChange& change, Deadline deadline, const std::stop_token& stop);

  // Is there a journal of a transaction that was cut off? Then apply() with reload set must follow.
  bool was_cut_off() const;

 private:
  BirdPool& pool_;
  PeerFolder& folder_;
  PolicyNames names_;
  TransactionSettings settings_;
};

}  // namespace moenet::bird
