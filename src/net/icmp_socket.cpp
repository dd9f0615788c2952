#include "net/icmp_socket.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <linux/errqueue.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <utility>

#include "net/icmp_filter.h"

namespace moenet::net {
namespace {

using std::chrono::nanoseconds;

// Packets read by one system call; room for one: what quotes an echo is 576 bytes (RFC 1812 section 4.3.2.3) or 1280
// (RFC 4443 section 2.4 c) at most, and of a longer reply the beginning is enough.
constexpr std::size_t kReadAtOnce = 32;
constexpr std::size_t kRoom = 1280;
// Two clocks are read as one moment when reading both took less (measured: 60 ns when nothing interrupts).
constexpr nanoseconds kOneMoment{2000};
// 1,000 replies of 1500 bytes with the kernel's overhead, should our thread get no turn for a while.
constexpr int kReceiveBytes = 4 << 20;
// As many requests may wait for their neighbor's address, which nobody may ever tell (neighbour(7), 3 s).
constexpr int kSendBytes = 4 << 20;
// Where the system's is not asked for (RFC 1700, as net.ipv6.conf.*.hop_limit).
constexpr std::uint8_t kHopLimit = 64;

struct alignas(cmsghdr) Control {
  std::array<std::uint8_t, 192> bytes;  // a packet info, a hop limit; a stamp, an extended error
};

union Address {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

Result<void> set_option(int fd, int level, int name, int value) {
  if (::setsockopt(fd, level, name, &value, sizeof value) == 0) return {};
  return std::unexpected(error_from_errno(errno, "set an option of an ICMP socket"));
}

// As much as the system lets us, which without CAP_NET_ADMIN is net.core.rmem_max and wmem_max.
Result<void> set_room(int fd, int forced, int asked, int bytes) {
  if (set_option(fd, SOL_SOCKET, forced, bytes)) return {};
  return set_option(fd, SOL_SOCKET, asked, bytes);
}

socklen_t fill(Address& to, const IpAddress& address, int interface_index) {
  const std::string_view bytes = address.bytes();
  if (address.is_v4()) {
    to.v4 = {};
    to.v4.sin_family = AF_INET;
    std::memcpy(&to.v4.sin_addr, bytes.data(), sizeof to.v4.sin_addr);
    return sizeof to.v4;
  }
  to.v6 = {};
  to.v6.sin6_family = AF_INET6;
  std::memcpy(&to.v6.sin6_addr, bytes.data(), sizeof to.v6.sin6_addr);
  if (address.is_link_local()) to.v6.sin6_scope_id = static_cast<std::uint32_t>(interface_index);
  return sizeof to.v6;
}

std::optional<IpAddress> address_of(const sockaddr& from, std::size_t size) {
  if (from.sa_family == AF_INET && size >= sizeof(sockaddr_in)) {
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in&>(from).sin_addr, bytes.size());
    return IpAddress::v4(bytes);
  }
  if (from.sa_family == AF_INET6 && size >= sizeof(sockaddr_in6)) {
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6&>(from).sin6_addr, bytes.size());
    return IpAddress::v6(bytes);
  }
  return std::nullopt;
}

std::uint32_t scope_of(const sockaddr& from) {
  return from.sa_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(from).sin6_scope_id : 0;
}

template <class T>
std::size_t add_control(Control& control, std::size_t used, int level, int type, const T& value) {
  auto* entry = reinterpret_cast<cmsghdr*>(control.bytes.data() + used);
  entry->cmsg_level = level;
  entry->cmsg_type = type;
  entry->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(entry), &value, sizeof value);
  return used + CMSG_SPACE(sizeof value);
}

// Link, source and hop limit of one packet (ip(7) IP_PKTINFO, RFC 3542 section 6). The bytes used.
std::size_t fill(Control& control, const IcmpDeparture& departure) {
  control = {};
  std::size_t used = 0;
  const bool is_v4 = departure.target.is_v4();
  const bool is_bound = departure.interface_index != 0 || departure.source;
  const std::string_view source = departure.source ? departure.source->bytes() : std::string_view();
  if (is_bound && is_v4) {
    in_pktinfo info{};
    info.ipi_ifindex = departure.interface_index;
    source.copy(reinterpret_cast<char*>(&info.ipi_spec_dst), sizeof info.ipi_spec_dst);
    used = add_control(control, used, IPPROTO_IP, IP_PKTINFO, info);
  } else if (is_bound) {
    in6_pktinfo info{};
    info.ipi6_ifindex = static_cast<unsigned>(departure.interface_index);
    source.copy(reinterpret_cast<char*>(&info.ipi6_addr), sizeof info.ipi6_addr);
    used = add_control(control, used, IPPROTO_IPV6, IPV6_PKTINFO, info);
  }
  if (departure.hop_limit != 0) {
    const int limit = departure.hop_limit;
    used = add_control(control, used, is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_TTL : IPV6_HOPLIMIT, limit);
  }
  return used;
}

struct Moment {
  SteadyTime steady;
  WallTime wall;
};

Moment moment_of(WallClock wall) {
  for (int attempt = 0;; ++attempt) {
    const auto before = steady_now();
    const Moment moment{before, wall()};
    if (steady_now() - before < kOneMoment || attempt == 2) return moment;
  }
}

// What lies beside a packet: the kernel's stamp, and of the error queue its error.
struct Beside {
  std::optional<WallTime> stamp;
  std::optional<sock_extended_err> error;
  std::optional<IpAddress> offender;
  std::uint32_t offender_scope = 0;
};

Beside beside(msghdr& header) {
  Beside found;
  for (auto* entry = CMSG_FIRSTHDR(&header); entry != nullptr; entry = CMSG_NXTHDR(&header, entry)) {
    const bool is_error = (entry->cmsg_level == IPPROTO_IP && entry->cmsg_type == IP_RECVERR) ||
                          (entry->cmsg_level == IPPROTO_IPV6 && entry->cmsg_type == IPV6_RECVERR);
    if (entry->cmsg_level == SOL_SOCKET && entry->cmsg_type == SCM_TIMESTAMPNS) {
      timespec time{};
      std::memcpy(&time, CMSG_DATA(entry), sizeof time);
      found.stamp = WallTime(std::chrono::duration_cast<WallTime::duration>(std::chrono::seconds(time.tv_sec) +
                                                                            nanoseconds(time.tv_nsec)));
    } else if (is_error && entry->cmsg_len >= CMSG_LEN(sizeof(sock_extended_err) + sizeof(sockaddr_in))) {
      auto* error = reinterpret_cast<sock_extended_err*>(CMSG_DATA(entry));
      found.error = *error;
      found.offender = address_of(*SO_EE_OFFENDER(error), entry->cmsg_len - CMSG_LEN(sizeof *error));
      if (found.offender) found.offender_scope = scope_of(*SO_EE_OFFENDER(error));
    }
  }
  return found;
}

// What a datagram socket tells once of each ICMP error, besides the queue (icmp_err_convert of the kernel's
// net/ipv4/icmp.c).
bool tells_of_a_packet(int number) {
  constexpr std::array kNumbers{ENETUNREACH, EHOSTUNREACH, ENOPROTOOPT, ECONNREFUSED, EMSGSIZE,
                                EOPNOTSUPP,  EHOSTDOWN,    ENONET,      EACCES,       EPROTO};
  return std::ranges::find(kNumbers, number) != kNumbers.end();
}

ArrivalStamp stamp_of(SteadyTime empty_at, const Moment& now, const Beside& beside) {
  ArrivalStamp stamp{empty_at, now.steady, std::nullopt};
  if (beside.stamp) stamp.queued = now.wall - *beside.stamp;
  return stamp;
}

Result<void> attach_filter(int fd, IpFamily family, std::uint16_t identifier) {
  auto program = echo_filter(family, identifier);
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0)
    return std::unexpected(error_from_errno(errno, "attach the filter of an ICMP socket"));
  if (family == IpFamily::v4) return {};
  icmp6_filter types{};
  ICMP6_FILTER_SETBLOCKALL(&types);
  for (const int type : {ICMP6_ECHO_REPLY, ICMP6_DST_UNREACH, ICMP6_PACKET_TOO_BIG, ICMP6_TIME_EXCEEDED})
    ICMP6_FILTER_SETPASS(type, &types);
  if (::setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &types, sizeof types) != 0)
    return std::unexpected(error_from_errno(errno, "set ICMP6_FILTER"));
  return {};
}

// A datagram socket's identifier is its port; the kernel keeps others' packets from it.
Result<std::uint16_t> bind_identifier(int fd, IpFamily family) {
  Address address{};
  socklen_t size = fill(address, family == IpFamily::v4 ? IpAddress::v4({}) : IpAddress::v6({}), 0);
  if (::bind(fd, &address.any, size) != 0 || ::getsockname(fd, &address.any, &size) != 0)
    return std::unexpected(error_from_errno(errno, "bind an ICMP socket"));
  return ntohs(family == IpFamily::v4 ? address.v4.sin_port : address.v6.sin6_port);
}

// A datagram socket tells an error of a packet before, once, instead of sending this one; while one is tried again the
// next may arrive, as of the routers of a path. So often in a row it is this one's own (chosen).
constexpr unsigned kTries = 6;

// How many were dealt with; errors[i] is the errno of message i, 0 when it left.
std::size_t hand_over(int fd, std::span<mmsghdr> messages, std::span<int> errors) {
  std::size_t done = 0;
  unsigned tries = 0;
  while (done < messages.size()) {
    const int sent =
        ::sendmmsg(fd, messages.data() + done, static_cast<unsigned>(messages.size() - done), MSG_DONTWAIT);
    if (sent > 0) {
      std::fill_n(errors.begin() + static_cast<std::ptrdiff_t>(done), sent, 0);
      done += static_cast<std::size_t>(sent);
      tries = 0;
    } else if (errno == EAGAIN || errno == ENOBUFS) {
      break;
    } else if (errno != EINTR && ++tries == kTries) {
      errors[done++] = errno;
      tries = 0;
    }
  }
  return done;
}

}  // namespace

SteadyTime arrival_of(const ArrivalStamp& stamp, SteadyTime sent) {
  const auto room = stamp.read_at - std::max(stamp.empty_at, sent);
  if (!stamp.queued || *stamp.queued < nanoseconds(0) || *stamp.queued > room) return stamp.read_at;
  return stamp.read_at - *stamp.queued;
}

Result<IcmpSocket> IcmpSocket::open(IpFamily family, IcmpAccess access, std::uint16_t identifier, WallClock wall) {
  const bool is_v4 = family == IpFamily::v4;
  const bool is_raw = access == IcmpAccess::raw;
  IcmpSocket socket;
  socket.fd_ =
      UniqueFd(::socket(is_v4 ? AF_INET : AF_INET6, (is_raw ? SOCK_RAW : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC,
                        is_v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6}));
  if (!socket.fd_) {
    return std::unexpected(error_from_errno(errno, is_raw ? "open a raw ICMP socket" : "open a datagram ICMP socket"));
  }
  socket.family_ = family;
  socket.access_ = access;
  socket.identifier_ = identifier;
  socket.wall_ = wall;
  socket.empty_at_ = steady_now();
  socket.buffer_.resize(kReadAtOnce * kRoom);
  const int fd = socket.fd();
  if (is_raw) {
    TRY_VOID(attach_filter(fd, family, identifier));
    if (!is_v4) socket.past_routes_ = UniqueFd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  } else {
    TRY_VOID(is_v4 ? set_option(fd, IPPROTO_IP, IP_RECVERR, 1) : set_option(fd, IPPROTO_IPV6, IPV6_RECVERR, 1));
    TRY(socket.identifier_, bind_identifier(fd, family));
  }
  TRY_VOID(set_option(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1));
  TRY_VOID(set_room(fd, SO_RCVBUFFORCE, SO_RCVBUF, kReceiveBytes));
  TRY_VOID(set_room(fd, SO_SNDBUFFORCE, SO_SNDBUF, kSendBytes));
  return socket;
}

Result<void> IcmpSocket::set_never_fragment(bool on) {
  if (family_ == IpFamily::v4)
    return set_option(fd(), IPPROTO_IP, IP_MTU_DISCOVER, on ? IP_PMTUDISC_PROBE : IP_PMTUDISC_WANT);
  TRY_VOID(set_option(fd(), IPPROTO_IPV6, IPV6_MTU_DISCOVER, on ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_WANT));
  return set_option(fd(), IPPROTO_IPV6, IPV6_DONTFRAG, on ? 1 : 0);
}

bool IcmpSocket::goes_past_routes(const IcmpDeparture& departure) const {
  return past_routes_ && departure.interface_index != 0 && departure.source && departure.target.is_link_local();
}

// Those behind each other that take the same way leave together.
std::size_t IcmpSocket::send(std::span<const IcmpDeparture> departures, std::span<int> errors) {
  assert(departures.size() <= kMostAtOnce && errors.size() >= departures.size());
  std::size_t done = 0;
  while (done < departures.size()) {
    const auto left = departures.subspan(done);
    const bool is_past_routes = goes_past_routes(left.front());
    const auto other =
        std::ranges::find(left, !is_past_routes, [&](const auto& departure) { return goes_past_routes(departure); });
    const auto together = left.first(static_cast<std::size_t>(other - left.begin()));
    const std::size_t left_us = is_past_routes ? send_past_routes(together, errors.subspan(done))
                                               : send_by_routes(together, errors.subspan(done));
    done += left_us;
    if (left_us < together.size()) break;
  }
  return done;
}

std::size_t IcmpSocket::send_past_routes(std::span<const IcmpDeparture> departures, std::span<int> errors) {
  std::array<mmsghdr, kMostAtOnce> messages{};
  std::array<std::array<iovec, 2>, kMostAtOnce> vectors{};
  std::array<sockaddr_ll, kMostAtOnce> links{};
  std::array<Ipv6Header, kMostAtOnce> headers;
  for (std::size_t i = 0; i < departures.size(); ++i) {
    const auto& departure = departures[i];
    const std::uint8_t hop_limit = departure.hop_limit != 0 ? departure.hop_limit : kHopLimit;
    headers[i] = put_ipv6_header(*departure.source, departure.target, hop_limit, departure.packet);
    links[i].sll_family = AF_PACKET;
    links[i].sll_protocol = htons(ETH_P_IPV6);
    links[i].sll_ifindex = departure.interface_index;
    vectors[i] = {iovec{headers[i].data(), headers[i].size()}, iovec{departure.packet.data(), departure.packet.size()}};
    msghdr& header = messages[i].msg_hdr;
    header.msg_name = &links[i];
    header.msg_namelen = sizeof links[i];
    header.msg_iov = vectors[i].data();
    header.msg_iovlen = vectors[i].size();
  }
  return hand_over(past_routes_.get(), std::span(messages).first(departures.size()), errors);
}

std::size_t IcmpSocket::send_by_routes(std::span<const IcmpDeparture> departures, std::span<int> errors) {
  std::array<mmsghdr, kMostAtOnce> messages{};
  std::array<iovec, kMostAtOnce> vectors{};
  std::array<Address, kMostAtOnce> addresses;
  std::array<Control, kMostAtOnce> controls;
  for (std::size_t i = 0; i < departures.size(); ++i) {
    const auto& departure = departures[i];
    vectors[i] = {departure.packet.data(), departure.packet.size()};
    msghdr& header = messages[i].msg_hdr;
    header.msg_name = &addresses[i];
    header.msg_namelen = fill(addresses[i], departure.target, departure.interface_index);
    header.msg_iov = &vectors[i];
    header.msg_iovlen = 1;
    header.msg_controllen = fill(controls[i], departure);
    header.msg_control = header.msg_controllen == 0 ? nullptr : controls[i].bytes.data();
  }
  return hand_over(fd(), std::span(messages).first(departures.size()), errors);
}

Result<void> IcmpSocket::receive(std::vector<IcmpArrival>& arrivals) {
  if (access_ == IcmpAccess::datagram) TRY_VOID(receive_errors(arrivals));
  std::array<mmsghdr, kReadAtOnce> messages{};
  std::array<iovec, kReadAtOnce> vectors{};
  std::array<Address, kReadAtOnce> addresses;
  std::array<Control, kReadAtOnce> controls;
  for (;;) {
    for (std::size_t i = 0; i < kReadAtOnce; ++i) {
      vectors[i] = {buffer_.data() + i * kRoom, kRoom};
      messages[i].msg_hdr = {
          &addresses[i], sizeof addresses[i], &vectors[i], 1, controls[i].bytes.data(), sizeof controls[i].bytes, 0};
    }
    const auto asked = steady_now();
    const int count = ::recvmmsg(fd(), messages.data(), kReadAtOnce, MSG_DONTWAIT, nullptr);
    const bool is_of_packet = access_ == IcmpAccess::datagram && tells_of_a_packet(errno);
    if (count < 0 && (errno == EINTR || is_of_packet)) continue;
    if (count < 0 && errno != EAGAIN) return std::unexpected(error_from_errno(errno, "receive ICMP"));
    const Moment now = moment_of(wall_);
    for (int i = 0; i < count; ++i) {
      auto& [header, size] = messages[static_cast<std::size_t>(i)];
      const auto& from = *static_cast<const sockaddr*>(header.msg_name);
      const std::span<const std::uint8_t> bytes(static_cast<const std::uint8_t*>(header.msg_iov->iov_base), size);
      const bool is_cut = (header.msg_flags & MSG_TRUNC) != 0;
      const bool has_ip_header = family_ == IpFamily::v4 && access_ == IcmpAccess::raw;
      auto message = has_ip_header ? read_ipv4_icmp(bytes, is_cut) : read_icmp(family_, bytes, is_cut);
      const auto address = address_of(from, header.msg_namelen);
      if (!message || !address || message->identifier != identifier_) continue;
      arrivals.push_back({*message, *address, scope_of(from), stamp_of(empty_at_, now, beside(header))});
    }
    if (count == static_cast<int>(kReadAtOnce)) continue;
    empty_at_ = asked;
    return {};
  }
}

Result<void> IcmpSocket::receive_errors(std::vector<IcmpArrival>& arrivals) {
  for (;;) {
    Address target;
    Control control;
    iovec vector{buffer_.data(), kRoom};
    msghdr header{&target, sizeof target, &vector, 1, control.bytes.data(), sizeof control.bytes, 0};
    const ssize_t size = ::recvmsg(fd(), &header, MSG_ERRQUEUE | MSG_DONTWAIT);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && errno == EAGAIN) return {};
    if (size < 0) return std::unexpected(error_from_errno(errno, "receive ICMP errors"));
    const Beside found = beside(header);
    const auto address = address_of(target.any, header.msg_namelen);
    const bool is_of_router =
        found.error && (found.error->ee_origin == SO_EE_ORIGIN_ICMP || found.error->ee_origin == SO_EE_ORIGIN_ICMP6);
    if (!address || !is_of_router || !found.offender) continue;  // our own kernel says what it refuses at sending
    const auto message = read_queued_error(*address, found.error->ee_type, found.error->ee_code, found.error->ee_info,
                                           {buffer_.data(), static_cast<std::size_t>(size)});
    if (!message || message->identifier != identifier_) continue;
    arrivals.push_back({*message, *found.offender, found.offender_scope, stamp_of(empty_at_, moment_of(wall_), found)});
  }
}

}  // namespace moenet::net
