// ConnectionWatch: no call to the database lasts for ever. A server that stands still (its machine's disk hangs, it was
// stopped) keeps its connections open and answers nothing, and no timeout of its own or of TCP's ends that; here a
// thread shuts the socket of a call that is late, which ends the call with an error.
#pragma once

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>

#include "base/clock.h"

namespace moenet::controlplane {

// Thread-safe.
class ConnectionWatch {
 public:
  explicit ConnectionWatch(std::chrono::milliseconds longest_call);

  // A call on this socket begins; it must end() before the socket is closed. -1 is no socket: nothing to watch.
  void begin(int socket);
  void end(int socket);

 private:
  void run(const std::stop_token& stop);

  const std::chrono::milliseconds longest_call_;
  std::mutex mutex_;  // guards due_: calls begin and end on any thread
  std::condition_variable_any changed_;
  std::map<int, SteadyTime> due_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace moenet::controlplane
