#include "net/echo_exchange.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>

#include <fmt/format.h>

#include "base/fd.h"

namespace moenet::net {
namespace {

using Fate = EchoOutcome::Fate;
using Kind = IcmpMessage::Kind;
using std::chrono::milliseconds;

// While packets leave, answers lie in the socket for so long, or until there are so many: the kernel has stamped them,
// and to be woken for each would double the system calls (measured: bench/net_ping_bench).
constexpr milliseconds kReadEvery{10};
constexpr unsigned kReadAfter = 64;
// Chosen: until the kernel is asked again when its queues were full.
constexpr milliseconds kNoRoomPause{1};

Error denial(const Error& raw, const Error& datagram) {
  return {Errc::denied, fmt::format("ICMP echo is not allowed: no CAP_NET_RAW ({}), and net.ipv4.ping_group_range does "
                                    "not name a group of this process ({})",
                                    raw.what, datagram.what)};
}

}  // namespace

class EchoExchange::Run {
 public:
  Run(EchoExchange& exchange, std::span<const EchoProbe> probes, const ExchangePlan& plan)
      : exchange_(exchange),
        probes_(probes),
        plan_(plan),
        outcomes_(probes.size() * plan.count),
        sent_(outcomes_.size()),
        last_silent_(outcomes_.size()),
        run_(++exchange.run_),
        first_sequence_(exchange.sequence_) {
    exchange.sequence_ = static_cast<std::uint16_t>(exchange.sequence_ + outcomes_.size());
    for (const auto& probe : probes) packet_bytes_ = std::max(packet_bytes_, packet_bytes_of(probe));
    for (const auto family : {IpFamily::v4, IpFamily::v6}) {
      const bool is_asked =
          std::ranges::any_of(probes, [&](const auto& probe) { return probe.target.family() == family; });
      if (auto* socket = exchange.socket_of(family); is_asked && socket != nullptr) sockets_.push_back(socket);
    }
    packets_.resize(packet_bytes_ * IcmpSocket::kMostAtOnce);
  }

  Result<std::vector<EchoOutcome>> carry_out(const std::stop_token& stop) {
    const UniqueFd stopped(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!stopped) return std::unexpected(error_from_errno(errno, "open an eventfd"));
    const std::stop_callback on_stop(stop, [fd = stopped.get()] { (void)::eventfd_write(fd, 1); });
    TRY_VOID(set_never_fragment());
    for (;;) {
      if (stop.stop_requested()) return fail(Errc::cancelled, "stopped while echoes were under way");
      send_due();
      const bool is_time_to_read = sent_since_read_ >= kReadAfter || steady_now() >= read_at_ + kReadEvery;
      if (reads_sockets_ || is_time_to_read) TRY_VOID(receive());
      if (is_done()) return std::move(outcomes_);
      TRY_VOID(wait(stopped.get()));
    }
  }

 private:
  static std::size_t packet_bytes_of(const EchoProbe& probe) {
    return kIcmpHeaderBytes + std::max<std::size_t>(probe.payload_bytes, kSealBytes);
  }
  const EchoProbe& probe_of(std::size_t number) const { return probes_[number % probes_.size()]; }
  std::uint16_t sequence_of(std::size_t number) const { return static_cast<std::uint16_t>(first_sequence_ + number); }
  EchoStamp stamp_of(std::size_t number) const {
    return {run_, static_cast<std::uint32_t>(number), sent_[number] - exchange_.epoch_};
  }
  bool all_left() const { return next_ == outcomes_.size(); }

  Result<void> set_never_fragment() {
    for (auto* socket : sockets_) TRY_VOID(socket->set_never_fragment(plan_.never_fragment));
    return {};
  }

  // When the next echo may leave.
  SteadyTime next_at() const {
    if (next_ < probes_.size()) return pace_at_;
    return std::max(pace_at_, sent_[next_ - probes_.size()] + plan_.interval);
  }

  // What may leave by now, as far as one system call takes it.
  void send_due() {
    const auto now = steady_now();
    const std::size_t first = next_;
    for (; next_ - first < IcmpSocket::kMostAtOnce && !all_left() && next_at() <= now; ++next_) {
      if (probe_of(next_).target.family() != probe_of(first).target.family()) break;
      sent_[next_] = now;
      // A thread that got no turn for long does not make up for it by a burst.
      pace_at_ = std::max(pace_at_ + plan_.pace, now - kReadEvery);
    }
    const std::size_t done = first == next_ ? 0 : send(first, next_ - first);
    const bool has_room = done == next_ - first;
    if (has_room || done > 0) no_room_since_.reset();
    if (has_room) return;
    next_ = first + done;
    pace_at_ = now + kNoRoomPause;
    if (!no_room_since_) no_room_since_ = now;
    if (now - *no_room_since_ > plan_.timeout) outcomes_[next_++].send_error = ENOBUFS;
  }

  // How many of them are dealt with.
  std::size_t send(std::size_t first, std::size_t count) {
    IcmpSocket* socket = exchange_.socket_of(probe_of(first).target.family());
    if (socket == nullptr) {
      for (std::size_t i = 0; i < count; ++i) outcomes_[first + i].send_error = EAFNOSUPPORT;
      return count;
    }
    std::array<IcmpDeparture, IcmpSocket::kMostAtOnce> departures;
    std::array<int, IcmpSocket::kMostAtOnce> errors{};
    for (std::size_t i = 0; i < count; ++i) {
      const auto& probe = probe_of(first + i);
      const std::span packet(packets_.data() + i * packet_bytes_, packet_bytes_of(probe));
      write_echo({probe.target, socket->identifier(), sequence_of(first + i), stamp_of(first + i)}, exchange_.key_,
                 packet);
      departures[i] = {packet, probe.target, probe.interface_index, probe.source, probe.hop_limit};
    }
    const std::size_t done = socket->send(std::span(departures).first(count), errors);
    for (std::size_t i = 0; i < done; ++i) {
      auto& outcome = outcomes_[first + i];
      outcome.send_error = errors[i];
      outcome.fate = errors[i] == 0 ? Fate::silent : Fate::unsent;
    }
    sent_since_read_ += static_cast<unsigned>(done);
    return done;
  }

  Result<void> receive() {
    arrivals_.clear();
    read_at_ = steady_now();
    for (auto* socket : sockets_) TRY_VOID(socket->receive(arrivals_));
    for (const auto& arrival : arrivals_) deliver(arrival);
    sent_since_read_ = 0;
    return {};
  }

  void deliver(const IcmpArrival& arrival) {
    const IcmpMessage& message = arrival.message;
    const IpAddress& target = message.quoted_target ? *message.quoted_target : arrival.from;
    if (message.stamp && is_sealed(message, target, exchange_.key_)) {
      const EchoStamp& stamp = *message.stamp;
      if (stamp.run != run_) {
        ++exchange_.strays_.stale;
      } else if (is_through_another_link(arrival, stamp.number)) {
        ++exchange_.strays_.forged;
      } else {
        settle(arrival, stamp.number);
      }
      return;
    }
    const auto number = message.stamp ? std::nullopt : number_by_checksum(message, target);
    if (number)
      settle(arrival, *number);
    else
      ++exchange_.strays_.forged;
  }

  bool is_through_another_link(const IcmpArrival& arrival, std::size_t number) const {
    const auto wanted = static_cast<std::uint32_t>(probe_of(number).interface_index);
    const bool has_scope = !arrival.message.quoted_target && arrival.from.is_v6() && arrival.from.is_link_local();
    return has_scope && wanted != 0 && arrival.interface_index != wanted;
  }

  // Of an error that quotes no more of the request than its header: the checksum there depends on the cookie, so that
  // whoever did not see the request guesses it in one of 65,536 tries.
  std::optional<std::size_t> number_by_checksum(const IcmpMessage& message, const IpAddress& target) const {
    const auto back = static_cast<std::uint16_t>(sequence_of(next_) - 1 - message.sequence);
    const bool is_ipv4_error = message.quoted_target && target.is_v4();  // IPv6 quotes enough (RFC 4443 section 2.4 c)
    if (!is_ipv4_error || back >= next_) return std::nullopt;
    const std::size_t number = next_ - 1 - back;
    if (probe_of(number).target != target) return std::nullopt;
    std::vector<std::uint8_t> packet(packet_bytes_of(probe_of(number)));
    write_echo({target, message.identifier, message.sequence, stamp_of(number)}, exchange_.key_, packet);
    if (message.checksum != (packet[2] << 8 | packet[3])) return std::nullopt;
    return number;
  }

  void settle(const IcmpArrival& arrival, std::size_t number) {
    auto& outcome = outcomes_[number];
    const auto time = arrival_of(arrival.stamp, sent_[number]) - sent_[number];
    const IcmpMessage& message = arrival.message;
    if (message.kind != Kind::reply) {
      if (outcome.fate != Fate::silent || time > plan_.timeout) return;
      outcome.fate = Fate::refused;
      outcome.time = time;
      outcome.refusal = EchoRefusal{arrival.from, message.kind, message.code, message.mtu_bytes};
    } else if (outcome.fate == Fate::answered) {
      ++outcome.duplicates;
    } else if (time > plan_.timeout) {
      ++outcome.late;
    } else {  // also after a refusal: a route that changed meanwhile
      outcome.fate = Fate::answered;
      outcome.time = time;
      outcome.refusal.reset();
    }
  }

  // An answer in time that nobody has read yet came after read_at_.
  bool is_done() {
    if (!all_left()) return false;
    while (last_silent_ > 0 && outcomes_[last_silent_ - 1].fate != Fate::silent) --last_silent_;
    return last_silent_ == 0 || read_at_ > sent_[last_silent_ - 1] + plan_.timeout;
  }

  // Until the next echo may leave, or may be given up; on sockets only where nothing is sent for a while.
  Result<void> wait(int stopped) {
    const auto now = steady_now();
    const auto until = all_left() ? sent_[last_silent_ - 1] + plan_.timeout + milliseconds(1) : next_at();
    const auto left = std::max(until - now, SteadyTime::duration(0));
    reads_sockets_ = all_left() || left > kReadEvery;
    if (!reads_sockets_ && left == SteadyTime::duration(0)) return {};
    std::array<pollfd, 3> entries{pollfd{stopped, POLLIN, 0}};
    nfds_t count = 1;
    if (reads_sockets_)
      for (const auto* socket : sockets_) entries[count++] = {socket->fd(), POLLIN, 0};
    const auto seconds = std::chrono::floor<std::chrono::seconds>(left);
    const timespec limit{seconds.count(), std::chrono::nanoseconds(left - seconds).count()};
    if (::ppoll(entries.data(), count, &limit, nullptr) < 0 && errno != EINTR)
      return std::unexpected(error_from_errno(errno, "poll ICMP"));
    return {};
  }

  EchoExchange& exchange_;
  std::span<const EchoProbe> probes_;
  std::vector<IcmpSocket*> sockets_;  // of the families asked for
  const ExchangePlan& plan_;
  std::vector<EchoOutcome> outcomes_;
  std::vector<SteadyTime> sent_;
  std::size_t next_ = 0;         // the first that has not left
  std::size_t last_silent_ = 0;  // none behind this one still waits, once all have left
  std::uint32_t run_;
  std::uint16_t first_sequence_;
  SteadyTime pace_at_ = steady_now();
  SteadyTime read_at_ = steady_now();
  std::optional<SteadyTime> no_room_since_;
  bool reads_sockets_ = false;
  unsigned sent_since_read_ = 0;
  std::size_t packet_bytes_ = 0;
  std::vector<std::uint8_t> packets_;
  std::vector<IcmpArrival> arrivals_;
};

Result<std::unique_ptr<EchoExchange>> EchoExchange::open(const ExchangeSettings& settings) {
  std::array<Error, 2> errors;
  for (const auto access : {IcmpAccess::raw, IcmpAccess::datagram}) {
    if (settings.access && *settings.access != access) continue;
    std::unique_ptr<EchoExchange> exchange(new EchoExchange(access));
    const auto identifier = static_cast<std::uint16_t>(exchange->key_.cookie({}, 0, {}));
    for (const auto family : {IpFamily::v4, IpFamily::v6}) {
      auto socket = IcmpSocket::open(family, access, identifier, settings.wall);
      auto& error = errors[static_cast<std::size_t>(access)];
      if (socket)
        (family == IpFamily::v4 ? exchange->ipv4_ : exchange->ipv6_) = std::move(*socket);
      else if (error.what.empty())
        error = socket.error();
    }
    if (exchange->ipv4_ || exchange->ipv6_) return exchange;
  }
  for (const auto& error : errors)
    if (!error.what.empty() && error.code != Errc::denied) return std::unexpected(error);
  return std::unexpected(denial(errors[0], errors[1]));
}

IcmpSocket* EchoExchange::socket_of(IpFamily family) {
  auto& socket = family == IpFamily::v4 ? ipv4_ : ipv6_;
  return socket ? &*socket : nullptr;
}

Result<std::vector<EchoOutcome>> EchoExchange::run(std::span<const EchoProbe> probes, const ExchangePlan& plan,
                                                   const std::stop_token& stop) {
  if (probes.empty() || plan.count == 0) return std::vector<EchoOutcome>{};
  return Run(*this, probes, plan).carry_out(stop);
}

}  // namespace moenet::net
