#include "net/netlink.h"

#include <cerrno>
#include <cstring>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <utility>

#include <libmnl/libmnl.h>

#include "base/fd.h"
#include "base/secret.h"
#include "net/netlink_attributes.h"

namespace moenet::net {

namespace {

// The kernel fills a dump's buffer up to what the reader offers, at most 32 KiB (netlink_dump() in
// net/netlink/af_netlink.c).
constexpr std::size_t kReceiveBytes = 32768;
// Acknowledgements of one send() wait in our receive buffer: 64 of them with their overhead (about 1 kB each) stay far
// below the default net.core.rmem_default of 208 KiB.
constexpr std::size_t kBatchMessages = 64;
constexpr std::size_t kBatchBytes = 65536;

struct CloseSocket {
  void operator()(mnl_socket* socket) const { mnl_socket_close(socket); }
};
using MnlSocket = std::unique_ptr<mnl_socket, CloseSocket>;

int bus_of(NetlinkFamily family) {
  switch (family) {
    case NetlinkFamily::route: return NETLINK_ROUTE;
    case NetlinkFamily::generic: return NETLINK_GENERIC;
    case NetlinkFamily::netfilter: return NETLINK_NETFILTER;
  }
  std::unreachable();
}

Result<MnlSocket> open_bound(int bus, unsigned groups) {
  MnlSocket socket(mnl_socket_open2(bus, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!socket) return std::unexpected(error_from_errno(errno, "open a netlink socket"));
  if (mnl_socket_bind(socket.get(), groups, MNL_SOCKET_AUTOPID) < 0) {
    return std::unexpected(error_from_errno(errno, "bind a netlink socket"));
  }
  return socket;
}

// Waits until the socket can be read. False at the deadline.
Result<bool> wait_readable(int fd, Deadline deadline) {
  pollfd entry{fd, POLLIN, 0};
  for (;;) {
    const int ready = ::poll(&entry, 1, static_cast<int>(deadline.left().count()));
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) return std::unexpected(error_from_errno(errno, "poll netlink"));
  }
}

// The kernel's own words (NLMSGERR_ATTR_MSG, linux/netlink.h), for example "Unknown device type"; empty when it gave
// none.
std::string extended_text(const nlmsghdr* message) {
  if ((message->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
  std::size_t offset = sizeof(nlmsgerr);
  if ((message->nlmsg_flags & NLM_F_CAPPED) == 0) offset += mnl_nlmsg_get_payload_len(&error->msg);
  const std::size_t payload = mnl_nlmsg_get_payload_len(message);
  if (MNL_ALIGN(offset) >= payload) return {};
  const auto* begin = static_cast<const std::uint8_t*>(mnl_nlmsg_get_payload(message)) + MNL_ALIGN(offset);
  std::string text;
  each_attribute({begin, payload - MNL_ALIGN(offset)}, [&](const Attribute& attribute) {
    if (attribute.type == NLMSGERR_ATTR_MSG) text = attribute.text();
    return true;
  });
  return text;
}

// The Result that an NLMSG_ERROR or NLMSG_DONE message stands for.
Result<void> acknowledgement(const nlmsghdr* message) {
  if (mnl_nlmsg_get_payload_len(message) < sizeof(int)) return {};
  int code = 0;
  std::memcpy(&code, mnl_nlmsg_get_payload(message), sizeof code);
  if (code == 0) return {};
  Error error = error_from_errno(-code, "kernel");
  if (message->nlmsg_type == NLMSG_ERROR) {
    if (const std::string words = extended_text(message); !words.empty()) error.what += " (" + words + ")";
  }
  return std::unexpected(std::move(error));
}

}  // namespace

struct NetlinkSocket::State {
  MnlSocket socket;
  std::uint32_t sequence = 0;
  bool wipes = false;  // generic netlink carries WireGuard's keys
  std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(kReceiveBytes);

  Result<void> send(const void* bytes, std::size_t size) {
    for (;;) {
      if (mnl_socket_sendto(socket.get(), bytes, size) >= 0) return {};
      if (errno != EINTR) return std::unexpected(error_from_errno(errno, "send to netlink"));
    }
  }

  // Receives once and calls `on_message` for each message until that returns true. True when it did.
  template <class OnMessage>
  Result<bool> receive(Deadline deadline, OnMessage&& on_message) {
    TRY(const bool readable, wait_readable(mnl_socket_get_fd(socket.get()), deadline));
    if (!readable) return fail(Errc::timeout, "no answer from the kernel in time");
    const ssize_t size = mnl_socket_recvfrom(socket.get(), buffer.data(), buffer.size());
    if (size < 0 && (errno == EINTR || errno == EAGAIN)) return false;
    if (size < 0) return std::unexpected(error_from_errno(errno, "receive from netlink"));
    int left = static_cast<int>(size);
    bool done = false;
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data()); !done && mnl_nlmsg_ok(message, left);
         message = mnl_nlmsg_next(message, &left)) {
      done = on_message(message);
    }
    if (wipes) wipe(buffer.data(), static_cast<std::size_t>(size));
    return done;
  }
};

NetlinkSocket::NetlinkSocket(std::unique_ptr<State> state) : state_(std::move(state)) {}
NetlinkSocket::NetlinkSocket(NetlinkSocket&&) noexcept = default;
NetlinkSocket& NetlinkSocket::operator=(NetlinkSocket&&) noexcept = default;
NetlinkSocket::~NetlinkSocket() = default;

Result<NetlinkSocket> NetlinkSocket::open(NetlinkFamily family) {
  auto state = std::make_unique<State>();
  TRY(state->socket, open_bound(bus_of(family), 0));
  state->wipes = family == NetlinkFamily::generic;
  int on = 1;  // both only make errors more telling: a kernel without them is no fault
  (void)mnl_socket_setsockopt(state->socket.get(), NETLINK_EXT_ACK, &on, sizeof on);
  (void)mnl_socket_setsockopt(state->socket.get(), NETLINK_CAP_ACK, &on, sizeof on);
  return NetlinkSocket(std::move(state));
}

Result<void> NetlinkSocket::request(nlmsghdr* message, const std::function<void(const nlmsghdr*)>& on_message,
                                    Deadline deadline) {
  const std::uint32_t sequence = ++state_->sequence;
  message->nlmsg_flags = static_cast<std::uint16_t>(message->nlmsg_flags | NLM_F_REQUEST | NLM_F_ACK);
  message->nlmsg_seq = sequence;
  TRY_VOID(state_->send(message, message->nlmsg_len));
  Result<void> outcome;
  bool interrupted = false;
  for (bool done = false; !done;) {
    TRY(done, state_->receive(deadline, [&](const nlmsghdr* answer) {
      if (answer->nlmsg_seq != sequence) return false;  // the rest of a request that timed out
      if ((answer->nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted = true;
      if (answer->nlmsg_type == NLMSG_ERROR || answer->nlmsg_type == NLMSG_DONE) {
        outcome = acknowledgement(answer);
        return true;
      }
      if (answer->nlmsg_type >= NLMSG_MIN_TYPE && on_message) on_message(answer);
      return false;
    }));
  }
  if (outcome && interrupted) return fail(Errc::unavailable, "the kernel's list changed while it was read");
  return outcome;
}

Result<std::vector<Result<void>>> NetlinkSocket::batch(std::span<std::uint8_t> messages, Deadline deadline) {
  std::vector<Result<void>> outcomes;
  std::size_t offset = 0;
  while (offset < messages.size()) {
    const std::size_t start = offset;
    const std::uint32_t first = state_->sequence + 1;
    std::size_t count = 0;
    while (offset < messages.size() && count < kBatchMessages) {
      auto* message = reinterpret_cast<nlmsghdr*>(messages.data() + offset);
      const std::size_t size = MNL_ALIGN(message->nlmsg_len);
      if (count > 0 && offset + size - start > kBatchBytes) break;
      message->nlmsg_flags = static_cast<std::uint16_t>(message->nlmsg_flags | NLM_F_REQUEST | NLM_F_ACK);
      message->nlmsg_seq = ++state_->sequence;
      offset += size;
      ++count;
    }
    TRY_VOID(state_->send(messages.data() + start, offset - start));
    const std::size_t base = outcomes.size();
    outcomes.resize(base + count);
    for (std::size_t answered = 0; answered < count;) {
      TRY_VOID(state_->receive(deadline, [&](const nlmsghdr* answer) {
        const std::uint32_t index = answer->nlmsg_seq - first;
        if (answer->nlmsg_type != NLMSG_ERROR || index >= count) return false;
        outcomes[base + index] = acknowledgement(answer);
        return ++answered == count;
      }));
    }
  }
  return outcomes;
}

struct LinkWatch::State {
  MnlSocket socket;
  UniqueFd stopped;
};

LinkWatch::LinkWatch(std::unique_ptr<State> state) : state_(std::move(state)) {}
LinkWatch::LinkWatch(LinkWatch&&) noexcept = default;
LinkWatch& LinkWatch::operator=(LinkWatch&&) noexcept = default;
LinkWatch::~LinkWatch() = default;

Result<LinkWatch> LinkWatch::open() {
  auto state = std::make_unique<State>();
  TRY(state->socket, open_bound(NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR));
  state->stopped = UniqueFd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!state->stopped) return std::unexpected(error_from_errno(errno, "open an eventfd"));
  return LinkWatch(std::move(state));
}

Result<bool> LinkWatch::wait(Deadline deadline, const std::stop_token& stop) {
  const int stopped = state_->stopped.get();
  const std::stop_callback on_stop(stop, [stopped] { (void)::eventfd_write(stopped, 1); });
  const int events = mnl_socket_get_fd(state_->socket.get());
  pollfd entries[] = {{events, POLLIN, 0}, {stopped, POLLIN, 0}};
  for (;;) {
    if (stop.stop_requested()) return fail(Errc::cancelled, "stopped while waiting for link changes");
    const int ready = ::poll(entries, 2, static_cast<int>(deadline.left().count()));
    if (ready == 0) return false;
    if (ready < 0 && errno != EINTR) return std::unexpected(error_from_errno(errno, "poll netlink"));
    if (ready < 0 || (entries[0].revents & (POLLIN | POLLERR)) == 0) continue;
    char sink[kReceiveBytes];  // what changed is of no interest: the reader looks at everything again
    for (;;) {
      const ssize_t size = ::recv(events, sink, sizeof sink, MSG_DONTWAIT);
      if (size >= 0 || errno == EINTR || errno == ENOBUFS) continue;
      if (errno == EAGAIN) return true;
      return std::unexpected(error_from_errno(errno, "receive link changes"));
    }
  }
}

}  // namespace moenet::net
