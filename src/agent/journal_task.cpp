#include "agent/journal_task.h"

#include <fmt/format.h>

#include "agent/session_words.h"
#include "base/log.h"

namespace moenet::agent {
namespace {

// An event is on disk within this; a crash costs no more (chosen: nobody looks sooner, and bursts are one write).
constexpr std::chrono::seconds kGather{2};
constexpr std::chrono::hours kNothingHappens{1};
// Chosen: a disk that is full is tried again this often.
constexpr std::chrono::seconds kRetry{30};

constexpr std::string_view kUp = "BGP is up";
constexpr std::string_view kDown = "BGP is down";
constexpr std::string_view kFirewallOwner = "firewall";

std::string down_text(const bird::ProtocolDetail& bgp) {
  std::string text(kDown);
  if (!bgp.bgp_state.empty()) text += fmt::format(", {}", bgp.bgp_state);
  if (!bgp.last_error.empty()) text += fmt::format(": {}", bgp.last_error);
  return text;
}

std::string tier_words(const LinkQuality& quality) {
  std::string words = quality.latency_tier != 0 ? fmt::format("latency tier {}", quality.latency_tier) : "";
  if (quality.loss_class != 0) words += fmt::format("{}loss class {}", words.empty() ? "" : ", ", quality.loss_class);
  return words.empty() ? "no tier" : words;
}

}  // namespace

void note_changes(const NodeReport& report, Journal& journal) {
  if (report.error || report.step.planned == 0) return;
  for (const SessionView& view : *report.sessions) {
    for (const std::string& change : view.changes) {
      journal.add(report.finished, model::owner_of_session(view.uuid), Event::Kind::changed,
                  fmt::format("{} ({} at the control plane)", change, status_word(view.held_status)));
    }
  }
  for (const BackboneView& view : report.backbone) {
    for (const std::string& change : view.changes)
      journal.add(report.finished, view.owner, Event::Kind::changed, change);
  }
  for (const std::string& change : report.step.changes)
    journal.add(report.finished, model::Owner(kFirewallOwner), Event::Kind::changed, change);
  for (const model::Owner& owner : report.step.removed)
    journal.add(report.finished, owner, Event::Kind::changed, "removed: the control plane no longer lists it");
}

void note_told(const Modification& told, WallTime now, Journal& journal) {
  std::string text(name_of(told.report.status));
  if (!told.report.last_error.empty()) text += ": " + told.report.last_error;
  journal.add(now, model::owner_of_session(told.session), Event::Kind::state, text);
}

void SnapshotWatch::look(const Measurement& measurement, Journal& journal) {
  std::map<model::Owner, std::uint64_t> seen;
  for (const LinkMeasurement& link : measurement.links) {
    const auto known = flaps_.find(link.owner);
    if (!link.bgp) {  // BIRD does not tell: what is known stays
      if (known != flaps_.end()) seen.insert(*known);
      continue;
    }
    const bool is_up = link.bgp->bgp_state == "Established";
    bool was_up = known != flaps_.end();
    const std::uint64_t flaps = was_up ? known->second : link.flaps;
    if (!was_up) {
      const auto last = journal.last(link.owner, Event::Kind::bgp);
      was_up = last && last->text.starts_with(kUp);
    }
    if (was_up && !is_up) {
      journal.add(measurement.wall, link.owner, Event::Kind::bgp, down_text(*link.bgp));
    } else if (!was_up && is_up) {
      journal.add(measurement.wall, link.owner, Event::Kind::bgp, kUp);
    } else if (is_up && link.flaps > flaps) {
      journal.add(measurement.wall, link.owner, Event::Kind::bgp,
                  fmt::format("{} again, lost {} time{} meanwhile", kUp, link.flaps - flaps,
                              link.flaps - flaps == 1 ? "" : "s"));
    }
    if (is_up) seen.emplace_hint(seen.end(), link.owner, link.flaps);
  }
  flaps_ = std::move(seen);
}

void SnapshotWatch::look(const LinkQualities& qualities, WallTime now, Journal& journal) {
  const std::string none = tier_words({});
  std::map<model::Owner, std::string> seen;
  for (const LinkQuality& quality : qualities) {
    const std::string words = tier_words(quality);
    const auto known = tiers_.find(quality.owner);
    std::string before = known != tiers_.end() ? known->second : none;
    if (known == tiers_.end()) {
      const auto last = journal.last(quality.owner, Event::Kind::link_quality);
      if (last) before = last->text.substr(0, last->text.find(" ("));
    }
    if (words != before) {
      std::string text = words;
      if (quality.smoothed_rtt_ms) text += fmt::format(" (round trip {:.1f} ms)", *quality.smoothed_rtt_ms);
      journal.add(now, quality.owner, Event::Kind::link_quality, text);
    }
    if (words != none) seen.emplace_hint(seen.end(), quality.owner, words);
  }
  tiers_ = std::move(seen);
}

JournalTask::JournalTask(std::string folder, Journal& journal, TaskLedger& ledger,
                         const Latest<Measurement>& measurement, const Latest<LinkQualities>& qualities)
    : file_(std::move(folder)), journal_(journal), ledger_(ledger), measurement_(measurement), qualities_(qualities) {}

void JournalTask::load() {
  auto kept = file_.load();
  if (kept) {
    journal_.take_up(std::move(*kept));
  } else if (kept.error().code != Errc::not_found) {
    log::warning("the journal on disk is of no use; a new one begins", {{"error", kept.error().what}});
  }
}

void JournalTask::look() {
  if (const auto now = measurement_.read(); now != nullptr && now->steady != seen_measurement_) {
    seen_measurement_ = now->steady;
    watch_.look(*now, journal_);
  }
  if (auto now = qualities_.read(); now != nullptr && now != seen_qualities_) {
    seen_qualities_ = std::move(now);
    watch_.look(*seen_qualities_, wall_now(), journal_);
  }
}

void JournalTask::save() {
  const auto saved = file_.save(journal_);
  const std::string problem = saved ? "" : saved.error().what;
  if (!saved || !problem_.empty()) ledger_.record(kJournalTask, saved);
  if (problem == problem_) return;
  if (!saved) log::warning("events cannot be kept on disk; they are in memory", {{"error", problem}});
  problem_ = problem;
}

void JournalTask::run(const std::stop_token& stop) {
  Wakeup never;
  while (!stop.stop_requested()) {
    look();
    save();
    const std::chrono::seconds idle = problem_.empty() ? kNothingHappens : kRetry;
    if (journal_.changed().wait(Deadline::after(idle), stop)) never.wait(Deadline::after(kGather), stop);
  }
}

}  // namespace moenet::agent
