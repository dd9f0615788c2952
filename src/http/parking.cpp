#include "http/parking.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace moenet::http {

namespace {

constexpr std::uint64_t kWakeup = 0;  // no ticket has this number
constexpr std::chrono::seconds kLongestSleep{60};

}  // namespace

Parking::~Parking() { close(); }

Result<void> Parking::start() {
  epoll_ = UniqueFd(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return std::unexpected(error_from_errno(errno, "create an epoll"));
  wakeup_ = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wakeup_) return std::unexpected(error_from_errno(errno, "create an eventfd"));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeup;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wakeup_.get(), &event) != 0) {
    return std::unexpected(error_from_errno(errno, "watch an eventfd"));
  }
  thread_ = std::thread([this] { watch(); });
  return {};
}

std::uint64_t Parking::park(Place place, SteadyTime until) {
  const std::lock_guard lock(mutex_);
  if (is_closed_) return 0;
  if (is_without_waits_ && place.socket >= 0) until = steady_now();
  const std::uint64_t ticket = ++last_ticket_;
  place.suspend();
  // EPOLLIN is left out: a caller may send its next request while it waits. EPOLLHUP and EPOLLERR always come.
  epoll_event event{};
  event.events = EPOLLRDHUP;
  event.data.u64 = ticket;
  // Without it the caller waits until its time.
  if (place.socket >= 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, place.socket, &event);
  parked_.emplace(ticket, Parked{std::move(place), until});
  by_time_.emplace(until, ticket);
  if (until < sleeps_until_) {
    sleeps_until_ = until;
    wake();
  }
  return ticket;
}

void Parking::leave(std::uint64_t ticket, Leave why) {
  const std::lock_guard lock(mutex_);
  leave_locked(ticket, why);
}

void Parking::leave_locked(std::uint64_t ticket, Leave why) {
  const auto parked = parked_.find(ticket);
  if (parked == parked_.end()) return;
  const Parked left = std::move(parked->second);
  parked_.erase(parked);
  by_time_.erase({left.until, ticket});
  if (left.place.socket >= 0) ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, left.place.socket, nullptr);
  left.place.resume(why);
}

void Parking::end_waits() {
  const std::lock_guard lock(mutex_);
  is_without_waits_ = true;
  for (auto parked = parked_.begin(); parked != parked_.end();) {
    const auto current = parked++;
    if (current->second.place.socket >= 0) leave_locked(current->first, Leave::timed_out);
  }
}

void Parking::close() {
  {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    while (!parked_.empty()) leave_locked(parked_.begin()->first, Leave::stopped);
    if (wakeup_) wake();
  }
  if (thread_.joinable()) thread_.join();
}

void Parking::wake() {
  const std::uint64_t one = 1;
  // It fails only when the counter is full, and then the thread is awake anyhow.
  [[maybe_unused]] const ssize_t written = ::write(wakeup_.get(), &one, sizeof one);
}

// Ends the waits whose time has come; how long to sleep until the next, or -1 when the thread is to end.
int Parking::milliseconds_to_next() {
  const std::lock_guard lock(mutex_);
  if (is_closed_) return -1;
  const SteadyTime now = steady_now();
  while (!by_time_.empty() && by_time_.begin()->first <= now) leave_locked(by_time_.begin()->second, Leave::timed_out);
  sleeps_until_ = now + kLongestSleep;
  if (!by_time_.empty()) sleeps_until_ = std::min(sleeps_until_, by_time_.begin()->first);
  return static_cast<int>(Deadline(sleeps_until_).left().count());
}

void Parking::watch() {
  std::array<epoll_event, 64> events;
  for (;;) {
    const int sleep = milliseconds_to_next();
    if (sleep < 0) return;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), sleep);
    for (int i = 0; i < count; ++i) {
      const std::uint64_t ticket = events[static_cast<std::size_t>(i)].data.u64;
      if (ticket != kWakeup) {
        leave(ticket, Leave::gone);
        continue;
      }
      std::uint64_t drained = 0;
      [[maybe_unused]] const ssize_t got = ::read(wakeup_.get(), &drained, sizeof drained);
    }
  }
}

}  // namespace moenet::http
