#include "agent/journal.h"

#include <array>

#include "model/lifecycle.h"

namespace moenet::agent {
namespace {

constexpr std::array<std::string_view, 4> kKinds{"changed", "state", "bgp", "link_quality"};

}  // namespace

std::string_view name_of(Event::Kind kind) { return kKinds.at(static_cast<std::size_t>(kind)); }

std::optional<Event::Kind> event_kind_from(std::string_view name) {
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    if (kKinds[i] == name) return static_cast<Event::Kind>(i);
  }
  return std::nullopt;
}

void Journal::take_up(std::vector<Event> kept) {
  const std::lock_guard lock(mutex_);
  for (Event& event : kept) {
    latest_ = event.number;
    insert(std::move(event));
  }
}

void Journal::add(WallTime time, const model::Owner& owner, Event::Kind kind, std::string_view text) {
  {
    const std::lock_guard lock(mutex_);
    insert({++latest_, time, owner, kind, model::fit_last_error(text)});
  }
  changed_.notify();
}

void Journal::insert(Event event) {
  auto& numbers = by_owner_[event.owner];
  numbers.push_back(event.number);
  events_.emplace(event.number, std::move(event));
  if (numbers.size() > kEventsPerOwner) {
    events_.erase(numbers.front());
    numbers.erase(numbers.begin());
  } else if (events_.size() > kEventsInAll) {
    drop(events_.begin()->first);
  }
}

// The oldest of all, so it is the oldest of its owner as well.
void Journal::drop(std::uint64_t number) {
  const auto event = events_.find(number);
  const auto numbers = by_owner_.find(event->second.owner);
  numbers->second.erase(numbers->second.begin());
  if (numbers->second.empty()) by_owner_.erase(numbers);
  events_.erase(event);
}

Journal::Bounds Journal::bounds() const {
  const std::lock_guard lock(mutex_);
  return {events_.empty() ? 0 : events_.begin()->first, latest_};
}

std::vector<Event> Journal::after(std::uint64_t since, std::size_t limit) const {
  const std::lock_guard lock(mutex_);
  std::vector<Event> page;
  for (auto at = events_.upper_bound(since); at != events_.end() && page.size() < limit; ++at)
    page.push_back(at->second);
  return page;
}

std::vector<Event> Journal::of(const model::Owner& owner) const {
  const std::lock_guard lock(mutex_);
  std::vector<Event> events;
  const auto numbers = by_owner_.find(owner);
  if (numbers == by_owner_.end()) return events;
  for (const std::uint64_t number : numbers->second) events.push_back(events_.at(number));
  return events;
}

std::optional<Event> Journal::last(const model::Owner& owner, Event::Kind kind) const {
  const std::lock_guard lock(mutex_);
  const auto numbers = by_owner_.find(owner);
  if (numbers == by_owner_.end()) return std::nullopt;
  for (auto number = numbers->second.rbegin(); number != numbers->second.rend(); ++number) {
    if (const Event& event = events_.at(*number); event.kind == kind) return event;
  }
  return std::nullopt;
}

}  // namespace moenet::agent
