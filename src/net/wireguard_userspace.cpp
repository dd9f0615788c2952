// Userspace WireGuard: a persistent tun per device, a daemon attached to it, and its UAPI socket.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/latest.h"
#include "base/secret.h"
#include "net/daemon.h"
#include "net/link.h"
#include "net/netlink.h"
#include "net/uapi_socket.h"
#include "net/wireguard.h"
#include "net/wireguard_uapi_codec.h"

namespace moenet::net {

namespace {

// A connection made in a daemon's first instants may never be answered; another one is. Measured: a daemon answers
// within 1 ms when idle, and within 100 ms while 50 start on 2 cores. Each attempt waits twice as long as the one
// before.
constexpr std::chrono::milliseconds kFirstAttempt{250};
constexpr std::chrono::milliseconds kPause{10};
// The same for an operation that sets: 2,000 peers take 0.2 s (measured).
constexpr std::chrono::seconds kFirstSet{2};
// How long a daemon whose link is gone may take to end (measured: 5 ms); then it hangs, and is killed.
constexpr std::chrono::seconds kEndsWithin{2};

// Text with keys in it, wiped at the end of its scope.
struct WipedText {
  std::string text;

  explicit WipedText(std::string made) : text(std::move(made)) {}
  WipedText(const WipedText&) = delete;
  WipedText& operator=(const WipedText&) = delete;
  ~WipedText() { wipe(text.data(), text.size()); }
};

// A daemon that cannot watch its socket by inotify ends after its starter has reported success, and says so to nobody.
Error daemon_ended(std::string_view name) {
  const UniqueFd probe(::inotify_init1(IN_CLOEXEC));
  if (!probe && errno == EMFILE) {
    return {Errc::unavailable,
            fmt::format("the daemon of {} ended at once: this user's inotify instances are used up; raise "
                        "fs.inotify.max_user_instances (sysctl) above the number of tunnels",
                        name)};
  }
  return {Errc::unavailable, fmt::format("the daemon of {} ended at once", name)};
}

class UapiWireGuard final : public WireGuard {
 public:
  explicit UapiWireGuard(UserspaceWireGuard settings) : settings_(std::move(settings)) {}

  Result<std::vector<std::string>> list(Deadline) override {
    std::vector<std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(settings_.socket_folder, error), end; !error && entry != end;
         entry.increment(error)) {
      if (entry->path().extension() != ".sock") continue;
      if (std::error_code status_error; entry->is_socket(status_error)) names.push_back(entry->path().stem().string());
    }
    // No folder: no daemon ever ran here.
    if (error && error != std::errc::no_such_file_or_directory) {
      return std::unexpected(error_from_errno(error.value(), fmt::format("list {}", settings_.socket_folder)));
    }
    std::ranges::sort(names);
    return names;
  }

  Result<WgDevice> get(std::string_view name, Deadline deadline) override {
    auto device = get_served(name, deadline);
    if (!device && device.error().code == Errc::not_found && is_tun(name, deadline))
      return WgDevice{std::string(name), {}, 0, {}};
    if (!device) return std::unexpected(with_context(std::move(device).error(), fmt::format("get wg device {}", name)));
    return device;
  }

  Result<void> set(std::string_view name, const WgChange& change, Deadline deadline) override {
    auto done = set_served(name, change, deadline);
    if (!done && done.error().code == Errc::not_found && is_tun(name, deadline)) {
      done = start_daemons(settings_.program, {std::string(name)}, deadline).front();
      if (done) done = wait_until_it_answers(name, deadline);
      if (done) done = set_served(name, change, deadline);
    }
    if (!done) return std::unexpected(with_context(std::move(done).error(), fmt::format("set wg device {}", name)));
    return done;
  }

  std::vector<Result<void>> create(const std::vector<NewDevice>& devices, Deadline deadline) override {
    std::vector<Result<void>> results;
    std::vector<std::string> names;
    for (const auto& device : devices) {
      results.push_back(make_tun(device, deadline));
      if (results.back()) names.push_back(device.name);
    }
    const auto started = start_daemons(settings_.program, names, deadline);
    std::size_t next = 0;
    for (std::size_t i = 0; i < devices.size(); ++i) {
      if (!results[i]) continue;
      results[i] = started[next++];
      if (results[i]) results[i] = wait_until_it_answers(devices[i].name, deadline);
      // Even when the time is up: what is half made must go.
      if (!results[i]) (void)remove(devices[i].name, Deadline::after(std::chrono::seconds(2)));
    }
    for (std::size_t i = 0; i < devices.size(); ++i) {
      if (!results[i])
        results[i] = std::unexpected(with_context(results[i].error(), "create wg device " + devices[i].name));
    }
    return results;
  }

  Result<void> remove(std::string_view name, Deadline deadline) override {
    const auto connection = connect_uapi(socket_path(name), deadline);  // its end will tell of the daemon's end
    TRY_VOID(delete_tun(name, deadline));
    // The daemon ends because its tun is gone, or else because its socket is.
    if (::unlink(socket_path(name).c_str()) != 0 && errno != ENOENT) {
      return std::unexpected(error_from_errno(errno, "remove " + socket_path(name)));
    }
    if (!connection || wait_for_hangup(*connection, deadline.or_sooner(kEndsWithin))) return {};
    kill_daemons(settings_.program, std::string(name));
    if (auto ended = wait_for_hangup(*connection, deadline); !ended) {
      return std::unexpected(with_context(std::move(ended).error(), fmt::format("remove wg device {}", name)));
    }
    return {};
  }

  std::string_view link_kind() const override { return "tun"; }

 private:
  std::string socket_path(std::string_view name) const {
    return fmt::format("{}/{}.sock", settings_.socket_folder, name);
  }

  Result<NetlinkSocket*> route() {
    if (!route_) {
      TRY(auto opened, NetlinkSocket::open(NetlinkFamily::route));
      route_.emplace(std::move(opened));
    }
    return &*route_;
  }

  bool is_tun(std::string_view name, Deadline deadline) {
    const auto socket = route();
    if (!socket) return false;
    const auto link = find_link(**socket, name, deadline);
    return link && link->kind == link_kind();
  }

  Result<WgDevice> get_served(std::string_view name, Deadline deadline) {
    auto attempt_span = kFirstAttempt;
    for (;; attempt_span *= 2) {
      auto reply = ask_uapi(socket_path(name), kUapiGet, deadline.or_sooner(attempt_span));
      if (reply) {
        const WipedText wiped(std::move(*reply));
        return decode_uapi_get(name, wiped.text);
      }
      const Errc code = reply.error().code;
      if ((code != Errc::timeout && code != Errc::unavailable) || deadline.passed())
        return std::unexpected(reply.error());
      // A daemon that takes the connection and hangs up answers at once.
      if (code == Errc::unavailable) Wakeup().wait(deadline.or_sooner(kPause), {});
    }
  }

  Result<void> set_served(std::string_view name, const WgChange& change, Deadline deadline) {
    const WipedText operation(encode_uapi_set(change));
    auto asked = ask_uapi(socket_path(name), operation.text, deadline.or_sooner(kFirstSet));
    // Setting again what may have been set changes nothing.
    if (!asked && asked.error().code == Errc::timeout && !deadline.passed())
      asked = ask_uapi(socket_path(name), operation.text, deadline);
    TRY(const std::string reply, std::move(asked));
    TRY(const int number, decode_uapi_errno(reply));
    if (number == 0) return {};
    if (number == EADDRINUSE && change.listen_port) {
      return fail(Errc::conflict, fmt::format("listen port {} is in use", *change.listen_port));
    }
    return std::unexpected(error_from_errno(number, "WireGuard daemon"));
  }

  Result<void> wait_until_it_answers(std::string_view name, Deadline deadline) {
    const auto device = get_served(name, deadline);
    if (device) return {};
    if (device.error().code == Errc::not_found) return std::unexpected(daemon_ended(name));
    return std::unexpected(device.error());
  }

  // A tun that has its mark before it can outlive us.
  Result<void> make_tun(const NewDevice& device, Deadline deadline) {
    TRY(NetlinkSocket* const socket, route());
    const UniqueFd tun(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
    if (!tun) return std::unexpected(error_from_errno(errno, "open /dev/net/tun"));
    ifreq request{};
    if (device.name.empty() || device.name.size() >= sizeof request.ifr_name) {
      return fail(Errc::invalid, fmt::format("{} is no link name", device.name));
    }
    std::memcpy(request.ifr_name, device.name.data(), device.name.size());
    // IFF_TUN_EXCL: never attach to a tun of somebody else. boringtun attaches only to a tun of several queues,
    // wireguard-go only to one of a single queue; the other flags are the daemon's to choose (tun_set_iff() in
    // drivers/net/tun.c).
    const bool many_queues = settings_.program.contains("boringtun");
    request.ifr_flags = static_cast<short>(IFF_TUN | IFF_TUN_EXCL | (many_queues ? IFF_MULTI_QUEUE : 0));
    if (::ioctl(tun.get(), TUNSETIFF, &request) != 0) {
      if (errno == EBUSY) return fail(Errc::conflict, fmt::format("a link {} exists already", device.name));
      return std::unexpected(error_from_errno(errno, "make a tun"));
    }
    TRY(const int index, index_of(*socket, device.name, deadline));
    LinkChange mark;
    mark.alias = device.alias;
    TRY_VOID(change_link(*socket, index, device.name, mark, deadline));
    if (::ioctl(tun.get(), TUNSETPERSIST, 1UL) != 0)
      return std::unexpected(error_from_errno(errno, "make a tun persistent"));
    return {};
  }

  Result<void> delete_tun(std::string_view name, Deadline deadline) {
    TRY(NetlinkSocket* const socket, route());
    const auto link = find_link(*socket, name, deadline);
    if (!link && link.error().code == Errc::not_found) return {};
    if (!link) return std::unexpected(link.error());
    if (link->kind != link_kind())
      return fail(Errc::conflict, fmt::format("link {} is of kind '{}', no tun", name, link->kind));
    auto done = delete_link(*socket, link->index, name, deadline);
    return !done && done.error().code == Errc::not_found ? Result<void>() : done;
  }

  UserspaceWireGuard settings_;
  std::optional<NetlinkSocket> route_;
};

}  // namespace

std::unique_ptr<WireGuard> open_userspace_wireguard(UserspaceWireGuard settings) {
  return std::make_unique<UapiWireGuard>(std::move(settings));
}

}  // namespace moenet::net
