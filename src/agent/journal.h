// Journal: what happened to each session, bounded, in memory and on disk: for `status PEER`, /events and
// /sessions/<uuid>. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/latest.h"
#include "model/desired.h"

namespace moenet::agent {

struct Event {
  enum class Kind : std::uint8_t {
    changed,      // the agent changed something on the node: a line of the plan
    state,        // ENABLED, PROBLEM, … as it is reported, with the cause
    bgp,          // came up or went down, with BIRD's words
    link_quality  // another tier is told to BIRD
  };
  std::uint64_t number = 0;  // grows by one; the same event never has two
  WallTime time{};
  model::Owner owner;
  Kind kind = Kind::state;
  std::string text;  // escaped, for people

  friend bool operator==(const Event&, const Event&) = default;
};
std::string_view name_of(Event::Kind kind);  // "changed", "state", "bgp", "link_quality"
std::optional<Event::Kind> event_kind_from(std::string_view name);

// Chosen: one that flaps each minute still shows its last hour, and pushes out nobody else's events.
inline constexpr std::size_t kEventsPerOwner = 64;
// Chosen: 40 for each of 100 sessions, in less than 1 MB of memory and of disk.
inline constexpr std::size_t kEventsInAll = 4096;
class Journal {
 public:
  // Takes up what was kept, oldest first. REQUIRES: nothing was added yet.
  void take_up(std::vector<Event> kept);

  // The text is fitted as the longest cause is that a control plane takes: one line of 255 characters
  // (model::fit_last_error).
  void add(WallTime time, const model::Owner& owner, Event::Kind kind, std::string_view text);

  // Notified of each event that is added: for the one who keeps them.
  Wakeup& changed() { return changed_; }

  // Numbers of events; 0 when there are none.
  struct Bounds {
    std::uint64_t oldest = 0;
    std::uint64_t latest = 0;
  };
  Bounds bounds() const;
  // The first `limit` of those that came after number `since`, oldest first.
  std::vector<Event> after(std::uint64_t since, std::size_t limit) const;
  // All that is known of an owner, oldest first.
  std::vector<Event> of(const model::Owner& owner) const;
  std::optional<Event> last(const model::Owner& owner, Event::Kind kind) const;

 private:
  void insert(Event event);
  void drop(std::uint64_t number);

  Wakeup changed_;
  mutable std::mutex mutex_;
  std::uint64_t latest_ = 0;
  std::map<std::uint64_t, Event> events_;
  std::map<model::Owner, std::vector<std::uint64_t>, std::less<>>
      by_owner_;  // oldest first; a deque takes 600 bytes each
};

}  // namespace moenet::agent
