#include "crowd.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>

#include "agent/ownership_mark.h"
#include "base/clock.h"
#include "base/fd.h"
#include "net/link.h"

namespace moenet::bench {
namespace {

// A key of its own for each session. Any 32 bytes but zero are a public key.
Key key_of(unsigned n) {
  Key::Bytes bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>((n >> (8 * (i % 4))) + 7 * i + 1);
  return Key(bytes);
}

std::string row_of(unsigned n) {
  const std::string credential =
      n % 2 == 0 ? key_of(n).base64()
                 : fmt::format(R"({{\"public_key\":\"{}\",\"preshared_key\":\"{}\",\"listen_port\":{},\"mtu\":1420}})",
                               key_of(n).base64(), key_of(n + 1'000'000).base64(), 30000 + n);
  const std::string routed = n % 4 == 0 ? fmt::format(R"("172.20.{}.{}")", n / 256, n % 256) : "null";
  return fmt::format(
      R"({{"uuid":"{:08x}-0000-4000-8000-{:012x}","asn":{},"name":"NETWORK-{}","description":"A peer in the lab, number {}","status":2,)"
      R"("ipv4":{},"ipv6":null,"ipv6LinkLocal":"fe80::{:x}","type":"wireguard","extensions":["mp-bgp","extended-nexthop"],)"
      R"("interface":"dn42_{}","endpoint":"198.51.100.{}:{}","credential":"{}","data":null,"mtu":1420,"port":{},)"
      R"("policy":0,"lastError":null,"createdAt":"2026-01-01T00:00:00Z","updatedAt":"2026-01-02T00:00:00Z"}})",
      n * 2654435761u, n, 4242430000u + n, n, n, routed, n + 1, 4242430000u + n, 1 + n % 254, 51820 + n % 1000,
      credential, 30000 + n);
}

Error errno_error(std::string what) { return error_from_errno(errno, std::move(what)); }

Result<void> make_tun(const std::string& name) {
  const UniqueFd tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  if (!tun) return std::unexpected(errno_error("open /dev/net/tun"));
  ifreq request{};
  std::memcpy(request.ifr_name, name.data(), std::min(name.size(), sizeof request.ifr_name - 1));
  request.ifr_flags = static_cast<short>(IFF_TUN | IFF_TUN_EXCL);
  if (::ioctl(tun.get(), TUNSETIFF, &request) != 0) return std::unexpected(errno_error("make tun " + name));
  if (::ioctl(tun.get(), TUNSETPERSIST, 1UL) != 0) return std::unexpected(errno_error("keep tun " + name));
  return {};
}

Result<void> make_link(net::NetlinkSocket& socket, const model::Tunnel& tunnel, Deadline deadline) {
  TRY_VOID(make_tun(tunnel.name));
  TRY(const int index, net::index_of(socket, tunnel.name, deadline));
  net::LinkChange change;
  change.alias = agent::write_mark({tunnel.owner, tunnel.configured_endpoint});
  change.mtu_bytes = tunnel.mtu_bytes;
  change.no_generated_address = true;
  for (const auto& address : tunnel.addresses) change.add_addresses.push_back({address.local, address.peer});
  change.up = true;
  return net::change_link(socket, index, tunnel.name, change, deadline);
}

// What a daemon answers to get=1, but for the handshake's time.
std::string reply_of(const model::Tunnel& tunnel) {
  std::string text = fmt::format("private_key={}\nlisten_port={}\n", tunnel.private_key.hex(), tunnel.listen_port);
  for (const auto& peer : tunnel.peers) {
    text += fmt::format("public_key={}\npreshared_key={}\nprotocol_version=1\n", peer.public_key.hex(),
                        peer.preshared_key.value_or(Key()).hex());
    if (peer.endpoint) text += fmt::format("endpoint={}\n", peer.endpoint->text());
    text += fmt::format("tx_bytes=1000\nrx_bytes=1000\npersistent_keepalive_interval={}\n", peer.keepalive.count());
    for (const auto& prefix : peer.allowed_ips) text += fmt::format("allowed_ip={}\n", prefix.text());
  }
  return text;
}

Result<UniqueFd> listen_on(const std::string& path) {
  UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return std::unexpected(errno_error("open a unix socket"));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), std::min(path.size(), sizeof address.sun_path - 1));
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), 8) != 0) {
    return std::unexpected(errno_error("listen on " + path));
  }
  return socket;
}

}  // namespace

std::string sessions_body(unsigned count, bool turned) {
  std::string body = R"({"code":0,"message":"Success","data":{"bgpSessions":[)";
  for (unsigned i = 0; i < count; ++i) {
    if (i > 0) body += ',';
    body += row_of(turned ? (i + count / 2) % count : i);
  }
  return body + "]}}";
}

struct Crowd::State {
  struct Device {
    UniqueFd socket;
    std::string reply;
  };
  std::vector<Device> devices;
  UniqueFd poll{::epoll_create1(EPOLL_CLOEXEC)};
  UniqueFd stopped{::eventfd(0, EFD_CLOEXEC)};
  std::jthread server;

  void watch(int fd, std::uint64_t number) const {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = number;
    ::epoll_ctl(poll.get(), EPOLL_CTL_ADD, fd, &event);
  }

  // One question, one answer: whatever is asked, the state is told. A benchmark of unchanged sessions asks nothing
  // else. Who asks nothing waits for the daemon's end, after its link is gone: that is granted.
  static void answer(const Device& device) {
    const UniqueFd client(::accept4(device.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) return;
    pollfd asked{client.get(), POLLIN, 0};
    if (::poll(&asked, 1, 200) <= 0) return;
    std::array<char, 4096> question{};
    if (::recv(client.get(), question.data(), question.size(), 0) <= 0) return;
    const std::string text = fmt::format("{}last_handshake_time_sec={}\nlast_handshake_time_nsec=0\nerrno=0\n\n",
                                         device.reply, std::time(nullptr) - 30);
    static_cast<void>(::send(client.get(), text.data(), text.size(), MSG_NOSIGNAL));
  }

  void serve() const {
    std::array<epoll_event, 64> events{};
    for (;;) {
      const int ready = ::epoll_wait(poll.get(), events.data(), static_cast<int>(events.size()), -1);
      for (int i = 0; i < ready; ++i) {
        const auto number = events[static_cast<std::size_t>(i)].data.u64;
        if (number == devices.size()) return;
        answer(devices[number]);
      }
    }
  }
};

Crowd::Crowd(std::unique_ptr<State> state) : state_(std::move(state)) {}

Crowd::~Crowd() { static_cast<void>(::eventfd_write(state_->stopped.get(), 1)); }

Result<std::unique_ptr<Crowd>> Crowd::raise(const model::DesiredState& desired, const std::string& socket_folder) {
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &files) != 0) return std::unexpected(errno_error("raise the limit of open files"));
  ::mkdir(socket_folder.c_str(), 0755);
  TRY(auto socket, net::NetlinkSocket::open(net::NetlinkFamily::route));
  const auto deadline = Deadline::after(std::chrono::minutes(5));
  auto state = std::make_unique<State>();
  for (const auto& peering : desired.peerings) {
    if (!peering.tunnel) continue;
    TRY_VOID(make_link(socket, *peering.tunnel, deadline));
    TRY(auto listener, listen_on(fmt::format("{}/{}.sock", socket_folder, peering.tunnel->name)));
    state->devices.push_back({std::move(listener), reply_of(*peering.tunnel)});
  }
  for (std::size_t i = 0; i < state->devices.size(); ++i) state->watch(state->devices[i].socket.get(), i);
  state->watch(state->stopped.get(), state->devices.size());
  state->server = std::jthread([serving = state.get()] { serving->serve(); });
  return std::unique_ptr<Crowd>(new Crowd(std::move(state)));
}

Result<void> enter_own_namespaces() {
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
    return std::unexpected(errno_error("make namespaces (root is needed)"));
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return std::unexpected(errno_error("make mounts private"));
  if (::mount("none", "/run", "tmpfs", 0, nullptr) != 0) return std::unexpected(errno_error("mount a tmpfs on /run"));
  return {};
}

}  // namespace moenet::bench
