// Parking: the connections whose answer is still pending. libmicrohttpd does not look at a suspended connection, so
// this watches them instead: for the answer, for the timeout, and for a caller who hangs up. A request that is still
// being read has a place too, for its timeout only.
// Its own thread sleeps in epoll_wait; a ticket leaves exactly once, and only then is its connection resumed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace moenet::http {

enum class Leave { answered, timed_out, gone, stopped };

class Parking {
 public:
  // `suspend` and `resume` of one connection, called with the parking's lock held: they must not call back.
  struct Place {
    int socket = -1;  // -1: only the time is watched
    std::function<void()> suspend;
    std::function<void(Leave)> resume;
  };

  Parking() = default;
  ~Parking();

  Result<void> start();
  // The ticket under which the connection waits; 0 when the parking is closed and nothing was suspended.
  std::uint64_t park(Place place, SteadyTime until);
  // A ticket that has left already is ignored.
  void leave(std::uint64_t ticket, Leave why);
  // The time of whoever waits is over, and of whoever comes to wait; who only has its time watched (socket -1) keeps
  // it.
  void end_waits();
  // Everybody leaves, nobody enters any more, and the thread has ended. May be called twice.
  void close();

 private:
  struct Parked {
    Place place;
    SteadyTime until;
  };

  void watch();
  void wake();
  void leave_locked(std::uint64_t ticket, Leave why);
  int milliseconds_to_next();

  UniqueFd epoll_;
  UniqueFd wakeup_;
  std::mutex mutex_;  // for all below
  bool is_closed_ = false;
  bool is_without_waits_ = false;  // since end_waits()
  SteadyTime sleeps_until_{};      // what is due sooner has to wake the thread
  std::uint64_t last_ticket_ = 0;
  std::map<std::uint64_t, Parked> parked_;
  std::set<std::pair<SteadyTime, std::uint64_t>> by_time_;
  std::thread thread_;  // joined in close()
};

}  // namespace moenet::http
