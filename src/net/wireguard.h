// WireGuard devices: one data model, three functions (list, get, set), two backends: the kernel by generic netlink
// (linux/wireguard.h) and a userspace implementation by its UAPI socket (wireguard.com/xplatform).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "base/key.h"
#include "base/result.h"
#include "net/link.h"

namespace moenet::net {

struct WgPeer {
  Key public_key;
  std::optional<Key> preshared_key;
  std::optional<Endpoint> endpoint;
  std::chrono::seconds keepalive{0};
  std::vector<IpPrefix> allowed_ips;                                    // sorted on get
  std::optional<std::chrono::system_clock::time_point> last_handshake;  // absent = never
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_bytes = 0;

  friend bool operator==(const WgPeer&, const WgPeer&) = default;
};

struct WgDevice {
  std::string name;
  Key private_key;                // zero when unset
  std::uint16_t listen_port = 0;  // the actual port
  std::vector<WgPeer> peers;      // sorted by public key

  friend bool operator==(const WgDevice&, const WgDevice&) = default;
};

// The order that WgDevice promises.
void sort_wg_device(WgDevice& device);
// A handshake's time as both protocols give it: zero means never, and so does what no clock can say.
std::optional<std::chrono::system_clock::time_point> wg_handshake_time(std::int64_t seconds, std::int64_t nanoseconds);

// What to change; absent fields stay as they are, so a peer whose endpoint roamed is not reset by a change of its
// keepalive.
struct WgPeerChange {
  Key public_key;
  bool remove = false;
  bool only_if_present = false;      // never create (WGPEER_F_UPDATE_ONLY, update_only=true)
  std::optional<Key> preshared_key;  // a zero key removes it
  std::optional<Endpoint> endpoint;
  std::optional<std::chrono::seconds> keepalive;
  std::optional<std::vector<IpPrefix>> allowed_ips;  // replaces the list
};
struct WgChange {
  std::optional<Key> private_key;
  std::optional<std::uint16_t> listen_port;
  bool replace_peers = false;  // first removes all peers
  std::vector<WgPeerChange> peers;
};

// The door that tests fake. Not thread-safe: one per thread.
class WireGuard {
 public:
  virtual ~WireGuard() = default;

  // Names of the devices that this backend serves.
  virtual Result<std::vector<std::string>> list(Deadline deadline) = 0;
  // Errors: not_found; timeout. A link whose daemon died is a device with its name only: no key, no port, no peers; so
  // the caller sees what is missing, and `set` starts the daemon again.
  virtual Result<WgDevice> get(std::string_view name, Deadline deadline) = 0;
  // Errors: conflict ("listen port 31080 is in use"), not_found, invalid, denied. A change larger than one message is
  // sent in several; when one fails, the earlier ones stay: the caller looks again.
  virtual Result<void> set(std::string_view name, const WgChange& change, Deadline deadline) = 0;
  // Creates the devices with their links' aliases set to `alias`, all of them at once where that saves time; result i
  // is name i's. Errors: conflict (name taken), unavailable (the daemon does not start), not_found (its program is not
  // there). Whatever instant the agent dies at, there is no link without its alias.
  using NewDevice = NewLink;
  virtual std::vector<Result<void>> create(const std::vector<NewDevice>& devices, Deadline deadline) = 0;
  // Removes the link and all that serves it, and returns when they are gone. That it was gone already is no error.
  virtual Result<void> remove(std::string_view name, Deadline deadline) = 0;
  // What IFLA_INFO_KIND says of such a link: "wireguard" or "tun".
  virtual std::string_view link_kind() const = 0;
};

// Errors: invalid when this kernel has no WireGuard (the generic netlink family is absent and cannot be loaded).
Result<std::unique_ptr<WireGuard>> open_kernel_wireguard();

// A daemon per device, which outlives the agent: own session, no inherited descriptor, /dev/null for stdin, stdout and
// stderr. The agent makes the tun, marks its alias and makes it persistent before the daemon attaches to it. An agent
// killed before that last step leaves nothing (the tun goes with its descriptor); one killed after it leaves a link
// that says whose it is.
struct UserspaceWireGuard {
  std::string program = "wireguard-go";          // found in PATH, run as `PROGRAM NAME`: the only exec in the agent
  std::string socket_folder = "/run/wireguard";  // NAME.sock; another folder only in tests
};
// Errors: not_found when the program is not there (devices that already run can still be used: then `create` fails).
std::unique_ptr<WireGuard> open_userspace_wireguard(UserspaceWireGuard settings);

// Can this UDP port be bound on both families now? Errors: conflict ("listen port 31080 is in use"). Port 0 is always
// free.
Result<void> check_udp_port_free(std::uint16_t port);

}  // namespace moenet::net
