// A netlink dump that changes under its reader is read again, until it holds still.
#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/clock.h"
#include "base/latest.h"
#include "base/result.h"

namespace moenet::net {

// Pauses between the attempts grow: 1.4 s in all (seen: the kernel takes 30 ms to finish with 1,000 new IPv6
// addresses). A node in turmoil for longer is calmer at the caller's next look.
inline constexpr int kDumpAttempts = 20;
inline constexpr std::chrono::milliseconds kFirstDumpPause{1}, kLongestDumpPause{100};

// `dump_once` as long as it fails with unavailable, which is what NetlinkSocket::request says of such a dump.
template <class DumpOnce>
auto settled_dump(DumpOnce&& dump_once, Deadline deadline) -> decltype(dump_once()) {
  auto pause = kFirstDumpPause;
  for (int attempt = 1;; ++attempt) {
    auto dump = dump_once();
    if (dump || dump.error().code != Errc::unavailable || attempt == kDumpAttempts || deadline.passed()) return dump;
    Wakeup().wait(deadline.or_sooner(pause), {});
    pause = std::min(pause * 2, kLongestDumpPause);
  }
}

}  // namespace moenet::net
