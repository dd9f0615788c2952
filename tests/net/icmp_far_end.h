// IcmpFarEnd: the network behind a tun link, which a test plays packet by packet: what comes of an echo that went out,
// and when. A thread reads and writes until the object goes.
#pragma once

#include <atomic>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <functional>
#include <linux/if_tun.h>
#include <map>
#include <net/if.h>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <thread>
#include <vector>

#include "net/echo_exchange.h"
#include "net/icmp_bytes.h"
#include "net/namespaces.h"

namespace moenet::net::testing {

inline EchoProbe probe_to(const char* text) {
  EchoProbe probe;
  probe.target = address(text);
  return probe;
}

// One echo as it left us.
struct SeenEcho {
  IpAddress from;
  IpAddress target;
  unsigned hop_limit = 0;
  std::size_t bytes = 0;    // of the whole IP packet
  std::size_t ordinal = 0;  // how many came before, of all targets
  bool may_be_fragmented = true;
  Packet icmp;
};

// What the network does with it, after a while.
struct Doing {
  IpAddress from;  // who says it
  Packet icmp;     // of IPv6 without its checksum
  std::chrono::microseconds after{0};
};
using Doings = std::vector<Doing>;

inline Doing reply_after(const SeenEcho& echo, std::chrono::microseconds after) {
  return {echo.target, reply_to(echo.icmp), after};
}
inline Doing error_from(const SeenEcho& echo, const char* router, std::uint8_t type, std::uint8_t code,
                        std::uint32_t mtu_bytes = 0) {
  return {address(router), quoting(echo.icmp, echo.target, type, code, mtu_bytes), {}};
}

// With the pseudo-header of RFC 8200 section 8.1.
inline std::uint16_t checksum_of_ipv6(const IpAddress& from, const IpAddress& to, const Packet& icmp) {
  Packet pseudo;
  pseudo.insert(pseudo.end(), from.bytes().begin(), from.bytes().end());
  pseudo.insert(pseudo.end(), to.bytes().begin(), to.bytes().end());
  pseudo.insert(pseudo.end(), {0, 0, static_cast<std::uint8_t>(icmp.size() >> 8),
                               static_cast<std::uint8_t>(icmp.size()), 0, 0, 0, 58});
  pseudo.insert(pseudo.end(), icmp.begin(), icmp.end());
  return internet_checksum(pseudo);
}

class IcmpFarEnd {
 public:
  using Play = std::function<Doings(const SeenEcho&)>;

  // 192.0.2.0/24 and 2001:db8::/64 lie behind it, and fe80::/64 by its index.
  explicit IcmpFarEnd(Play play, const std::string& name = "far0", const char* ipv4 = "192.0.2.254/24",
                      const char* ipv6 = "2001:db8::ffff/64")
      : play_(std::move(play)), tun_(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)) {
    require_made_network();
    require(static_cast<bool>(tun_), "open /dev/net/tun");
    ifreq request{};
    std::memcpy(request.ifr_name, name.data(), std::min(name.size(), sizeof request.ifr_name - 1));
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    require(::ioctl(tun_.get(), TUNSETIFF, &request) == 0, "make a tun");
    auto socket = NetlinkSocket::open(NetlinkFamily::route).value();
    index_ = index_of(socket, name, soon()).value();
    LinkChange change;
    change.mtu_bytes = 9000;
    change.up = true;
    for (const auto* text : {ipv4, ipv6, "fe80::fffe/64"})
      change.add_addresses.push_back({IpPrefix::parse(text).value(), std::nullopt});
    const auto changed = change_link(socket, index_, name, change, soon());
    if (!changed) throw std::runtime_error(changed.error().what);
    // An IPv6 address is there at once, but takes packets only once a worker of the kernel has made its route.
    for (const auto& added : change.add_addresses)
      require(added.local.address.is_v4() || eventually([&] { return is_routed_here(added.local.address, name); }),
              "wait for a local route");
    stop_ = UniqueFd(::eventfd(0, EFD_CLOEXEC));
    thread_ = std::thread([this] { serve(); });
  }
  IcmpFarEnd(const IcmpFarEnd&) = delete;
  IcmpFarEnd& operator=(const IcmpFarEnd&) = delete;
  ~IcmpFarEnd() {
    (void)::eventfd_write(stop_.get(), 1);
    thread_.join();
  }

  int index() const { return index_; }

 private:
  static bool is_routed_here(const IpAddress& ipv6, const std::string& link) {
    std::string digits;
    for (const char byte : ipv6.bytes()) digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
    std::ifstream routes("/proc/thread-self/net/ipv6_route");
    for (std::string line; std::getline(routes, line);)
      if (line.starts_with(digits + " 80 ") && line.ends_with(" " + link)) return true;
    return false;
  }

  void serve() {
    std::multimap<SteadyTime, Packet> later;
    for (;;) {
      while (!later.empty() && later.begin()->first <= steady_now()) {
        const auto& packet = later.begin()->second;
        require(::write(tun_.get(), packet.data(), packet.size()) == static_cast<ssize_t>(packet.size()),
                "write to tun");
        later.erase(later.begin());
      }
      pollfd entries[] = {{tun_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
      timespec limit{1, 0};
      if (!later.empty())
        limit = {0, std::max<long>(0, std::chrono::nanoseconds(later.begin()->first - steady_now()).count())};
      (void)::ppoll(entries, 2, &limit, nullptr);
      if (entries[1].revents != 0) return;
      Packet packet(16384);
      const ssize_t size = ::read(tun_.get(), packet.data(), packet.size());
      if (size <= 0) continue;
      packet.resize(static_cast<std::size_t>(size));
      const auto echo = seen(packet);
      if (!echo) continue;
      for (auto& doing : play_(*echo))
        later.emplace(steady_now() + doing.after, ip_packet(doing.from, echo->from, std::move(doing.icmp)));
    }
  }

  std::optional<SeenEcho> seen(const Packet& packet) {
    SeenEcho echo;
    const bool is_v4 = packet[0] >> 4 == 4;
    const std::size_t header = is_v4 ? (packet[0] & 0x0fu) * 4u : 40;
    const std::size_t width = is_v4 ? 4 : 16;
    if (packet.size() < header + 8 || packet[is_v4 ? 9 : 6] != (is_v4 ? 1 : 58)) return std::nullopt;
    echo.from = address_at(packet, is_v4 ? 12 : 8, width);
    echo.target = address_at(packet, (is_v4 ? 12 : 8) + width, width);
    echo.hop_limit = packet[is_v4 ? 8 : 7];
    echo.may_be_fragmented = is_v4 && (packet[6] & 0x40) == 0;
    echo.bytes = packet.size();
    echo.icmp.assign(packet.begin() + static_cast<std::ptrdiff_t>(header), packet.end());
    if (echo.icmp[0] != request_type(is_v4 ? IpFamily::v4 : IpFamily::v6)) return std::nullopt;
    echo.ordinal = count_++;
    return echo;
  }

  static IpAddress address_at(const Packet& packet, std::size_t at, std::size_t width) {
    std::array<std::uint8_t, 4> v4{};
    std::array<std::uint8_t, 16> v6{};
    std::memcpy(width == 4 ? v4.data() : v6.data(), packet.data() + at, width);
    return width == 4 ? IpAddress::v4(v4) : IpAddress::v6(v6);
  }

  // With lengths and checksums as a kernel demands them.
  static Packet ip_packet(const IpAddress& from, const IpAddress& to, Packet icmp) {
    const auto put = [](Packet& packet, std::size_t at, std::size_t value) {
      packet[at] = static_cast<std::uint8_t>(value >> 8);
      packet[at + 1] = static_cast<std::uint8_t>(value);
    };
    if (to.is_v6()) {
      icmp[2] = icmp[3] = 0;
      put(icmp, 2, checksum_of_ipv6(from, to, icmp));
    }
    Packet packet = with_ip_header(icmp, to);
    if (to.is_v6()) {
      put(packet, 4, icmp.size());
      packet[7] = 64;
      std::memcpy(packet.data() + 8, from.bytes().data(), 16);
    } else {
      put(packet, 2, packet.size());
      packet[8] = 64;
      std::memcpy(packet.data() + 12, from.bytes().data(), 4);
      put(packet, 10, internet_checksum(std::span(packet).first(20)));
    }
    return packet;
  }

  Play play_;
  UniqueFd tun_;
  UniqueFd stop_;
  int index_ = 0;
  std::size_t count_ = 0;
  std::thread thread_;
};

}  // namespace moenet::net::testing
