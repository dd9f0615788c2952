// NetlinkSocket: one request and its acknowledgement at a time, or a batch of them, over libmnl (linux/netlink.h, RFC
// 3549), and the listener for link and address events.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

struct nlmsghdr;

namespace moenet::net {

enum class NetlinkFamily { route, generic, netfilter };

// Not thread-safe: one per thread.
class NetlinkSocket {
 public:
  // Errors: unavailable (out of descriptors), denied.
  static Result<NetlinkSocket> open(NetlinkFamily family);
  NetlinkSocket(NetlinkSocket&&) noexcept;
  NetlinkSocket& operator=(NetlinkSocket&&) noexcept;
  ~NetlinkSocket();

  // Sends one finished message (its flags and sequence are set here) and hands each message of the answer to
  // `on_message`, dumps included, until the acknowledgement or NLMSG_DONE. A dump that the kernel marked inconsistent
  // (NLM_F_DUMP_INTR) is repeated by the caller: it fails with unavailable. Errors: the kernel's errno by
  // error_from_errno, timeout.
  Result<void> request(nlmsghdr* message, const std::function<void(const nlmsghdr*)>& on_message, Deadline deadline);

  // Sends all messages in as few system calls as fit, each acknowledged; result i is message i's. Messages lie one
  // after another, NLMSG_ALIGNed, in `messages`.
  Result<std::vector<Result<void>>> batch(std::span<std::uint8_t> messages, Deadline deadline);

 private:
  struct State;
  explicit NetlinkSocket(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Waits for changes of links and addresses (RTNLGRP_LINK, _IPV4_IFADDR, _IPV6_IFADDR). It says only that something
// changed: the reader looks again at everything, so a lost event (ENOBUFS) is one more "something".
class LinkWatch {
 public:
  static Result<LinkWatch> open();
  LinkWatch(LinkWatch&&) noexcept;
  LinkWatch& operator=(LinkWatch&&) noexcept;
  ~LinkWatch();

  // True when something changed, false at the deadline. Errors: cancelled on a stop, internal.
  Result<bool> wait(Deadline deadline, const std::stop_token& stop);

 private:
  struct State;
  explicit LinkWatch(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace moenet::net
