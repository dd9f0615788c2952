// journalTask: sees in the snapshots what happened to sessions, and keeps the journal on disk. Nothing waits for it:
// who knows of an event adds it to the journal in memory and goes on.
#pragma once

#include <map>
#include <stop_token>
#include <string>

#include "agent/journal.h"
#include "agent/journal_file.h"
#include "agent/ledger.h"
#include "agent/link_quality.h"
#include "agent/measurement.h"
#include "agent/reconcile_task.h"
#include "base/latest.h"

namespace moenet::agent {

inline constexpr std::string_view kJournalTask = "journalTask";

// What the step changed on the node, and the status that asked for it.
void note_changes(const NodeReport& report, Journal& journal);
// A status that the control plane took.
void note_told(const Modification& told, WallTime now, Journal& journal);

// BGP that came or went, and tiers that changed, since the look before; since the journal's last word of it when this
// is the first.
class SnapshotWatch {
 public:
  void look(const Measurement& measurement, Journal& journal);
  void look(const LinkQualities& qualities, WallTime now, Journal& journal);

 private:
  // Who is in neither is as the journal said last, or else down and without a tier.
  std::map<model::Owner, std::uint64_t> flaps_;  // of those whose BGP is up
  std::map<model::Owner, std::string> tiers_;    // of those that have any
};

class JournalTask {
 public:
  JournalTask(std::string folder, Journal& journal, TaskLedger& ledger, const Latest<Measurement>& measurement,
              const Latest<LinkQualities>& qualities);

  // Before anything is added: takes up what the disk has.
  void load();
  // A snapshot is another. Thread-safe.
  void notify() { journal_.changed().notify(); }
  // Sleeps while nothing is notified or added.
  void run(const std::stop_token& stop);
  // Writes what is not written yet. Not while run() runs.
  void save();

 private:
  void look();

  JournalFile file_;
  Journal& journal_;
  TaskLedger& ledger_;
  const Latest<Measurement>& measurement_;
  const Latest<LinkQualities>& qualities_;
  SnapshotWatch watch_;
  SteadyTime seen_measurement_{};  // its moment: kept whole it would double what is in memory
  std::shared_ptr<const LinkQualities> seen_qualities_;
  std::string problem_;  // of the file, as logged last; empty when there is none
};

}  // namespace moenet::agent
