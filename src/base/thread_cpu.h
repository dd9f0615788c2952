// What the calling thread has spent of the CPU: how dear a piece of work was, whatever else the machine does.
#pragma once

#include <chrono>
#include <ctime>

namespace moenet {

inline std::chrono::microseconds thread_cpu() {
  timespec spent{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::seconds(spent.tv_sec) +
                                                               std::chrono::nanoseconds(spent.tv_nsec));
}

}  // namespace moenet
