#include "net/wireguard_genl_codec.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstring>
#include <linux/genetlink.h>
#include <linux/wireguard.h>
#include <netinet/in.h>
#include <string>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "base/secret.h"
#include "net/netlink_attributes.h"

namespace moenet::net {

namespace {

constexpr std::size_t kMaxNameBytes = 15;  // IFNAMSIZ - 1

nlmsghdr* begin_message(std::vector<std::uint8_t>& bytes, std::uint16_t type, std::uint16_t flags, std::uint8_t command,
                        std::uint8_t version) {
  nlmsghdr* header = mnl_nlmsg_put_header(bytes.data());
  header->nlmsg_type = type;
  header->nlmsg_flags = flags;
  auto* generic = static_cast<genlmsghdr*>(mnl_nlmsg_put_extra_header(header, sizeof(genlmsghdr)));
  generic->cmd = command;
  generic->version = version;
  return header;
}

// Writes a change into messages of bounded size: a message is closed when the next thing does not fit.
class SetWriter {
 public:
  SetWriter(std::uint16_t family, std::string_view name, std::size_t limit)
      : family_(family), name_(name.substr(0, kMaxNameBytes)), limit_(limit) {
    open_message();
  }

  void device(const WgChange& change) {
    if (change.private_key) put_key(WGDEVICE_A_PRIVATE_KEY, *change.private_key);
    if (change.listen_port) mnl_attr_put_u16(header_, WGDEVICE_A_LISTEN_PORT, *change.listen_port);
    if (change.replace_peers) mnl_attr_put_u32(header_, WGDEVICE_A_FLAGS, WGDEVICE_F_REPLACE_PEERS);
  }

  void peer(const WgPeerChange& change) {
    if (!fits(kPeerBytes)) next_message();
    open_peer(change, false);
    if (change.allowed_ips && !change.remove) {
      for (const auto& prefix : *change.allowed_ips) {
        if (!fits(kAllowedIpBytes)) {
          close_peer();
          next_message();
          open_peer(change, true);
        }
        put_allowed_ip(prefix);
      }
    }
    close_peer();
  }

  std::vector<std::vector<std::uint8_t>> finish() {
    close_message();
    return std::move(messages_);
  }

 private:
  // Upper bounds with all attribute headers: a peer without allowed IPs (two keys, an IPv6 endpoint), and one allowed
  // IP.
  static constexpr std::size_t kPeerBytes = 192;
  static constexpr std::size_t kAllowedIpBytes = 48;

  bool fits(std::size_t bytes) const { return header_->nlmsg_len + bytes <= limit_; }

  void open_message() {
    messages_.emplace_back(limit_);
    header_ = begin_message(messages_.back(), family_, 0, WG_CMD_SET_DEVICE, WG_GENL_VERSION);
    mnl_attr_put_strz(header_, WGDEVICE_A_IFNAME, name_.c_str());
    peers_ = nullptr;
  }
  void close_message() {
    if (peers_ != nullptr) mnl_attr_nest_end(header_, peers_);
    messages_.back().resize(header_->nlmsg_len);
  }
  void next_message() {
    close_message();
    open_message();
  }

  void open_peer(const WgPeerChange& change, bool continued) {
    if (peers_ == nullptr) peers_ = mnl_attr_nest_start(header_, WGDEVICE_A_PEERS);
    peer_ = mnl_attr_nest_start(header_, 0);
    allowed_ips_ = nullptr;
    put_key(WGPEER_A_PUBLIC_KEY, change.public_key);
    std::uint32_t flags = 0;
    if (change.remove) flags |= WGPEER_F_REMOVE_ME;
    if (change.only_if_present) flags |= WGPEER_F_UPDATE_ONLY;
    if (change.allowed_ips && !change.remove && !continued) flags |= WGPEER_F_REPLACE_ALLOWEDIPS;
    if (flags != 0) mnl_attr_put_u32(header_, WGPEER_A_FLAGS, flags);
    if (continued || change.remove) return;
    if (change.preshared_key) put_key(WGPEER_A_PRESHARED_KEY, *change.preshared_key);
    if (change.endpoint) put_endpoint(*change.endpoint);
    if (change.keepalive) {
      mnl_attr_put_u16(header_, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL,
                       static_cast<std::uint16_t>(std::clamp<std::int64_t>(change.keepalive->count(), 0, 65535)));
    }
  }
  void close_peer() {
    if (allowed_ips_ != nullptr) mnl_attr_nest_end(header_, allowed_ips_);
    mnl_attr_nest_end(header_, peer_);
  }

  void put_key(std::uint16_t type, const Key& key) { mnl_attr_put(header_, type, Key::kBytes, key.bytes().data()); }

  void put_endpoint(const Endpoint& endpoint) {
    const std::string_view bytes = endpoint.address.bytes();
    if (endpoint.address.is_v4()) {
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(endpoint.port);
      std::memcpy(&address.sin_addr, bytes.data(), bytes.size());
      mnl_attr_put(header_, WGPEER_A_ENDPOINT, sizeof address, &address);
    } else {
      sockaddr_in6 address{};
      address.sin6_family = AF_INET6;
      address.sin6_port = htons(endpoint.port);
      std::memcpy(&address.sin6_addr, bytes.data(), bytes.size());
      mnl_attr_put(header_, WGPEER_A_ENDPOINT, sizeof address, &address);
    }
  }

  void put_allowed_ip(const IpPrefix& prefix) {
    if (allowed_ips_ == nullptr) allowed_ips_ = mnl_attr_nest_start(header_, WGPEER_A_ALLOWEDIPS);
    nlattr* entry = mnl_attr_nest_start(header_, 0);
    mnl_attr_put_u16(header_, WGALLOWEDIP_A_FAMILY, prefix.address.is_v4() ? AF_INET : AF_INET6);
    mnl_attr_put(header_, WGALLOWEDIP_A_IPADDR, prefix.address.bytes().size(), prefix.address.bytes().data());
    mnl_attr_put_u8(header_, WGALLOWEDIP_A_CIDR_MASK, prefix.length);
    mnl_attr_nest_end(header_, entry);
  }

  std::uint16_t family_;
  std::string name_;
  std::size_t limit_;
  std::vector<std::vector<std::uint8_t>> messages_;
  nlmsghdr* header_ = nullptr;
  nlattr* peers_ = nullptr;
  nlattr* peer_ = nullptr;
  nlattr* allowed_ips_ = nullptr;
};

bool read_key(const Attribute& attribute, Key& key) {
  Key::Bytes bytes{};
  if (!attribute.read(bytes)) return false;
  key = Key(bytes);
  wipe(bytes.data(), bytes.size());
  return true;
}

bool read_address(const Attribute& attribute, IpAddress& address) {
  std::array<std::uint8_t, 4> v4{};
  std::array<std::uint8_t, 16> v6{};
  if (attribute.read(v4))
    address = IpAddress::v4(v4);
  else if (attribute.read(v6))
    address = IpAddress::v6(v6);
  else
    return false;
  return true;
}

bool read_endpoint(const Attribute& attribute, std::optional<Endpoint>& endpoint) {
  Endpoint read;
  if (sockaddr_in v4{}; attribute.read(v4) && v4.sin_family == AF_INET) {
    read.port = ntohs(v4.sin_port);
    read.address = IpAddress::v4(std::bit_cast<std::array<std::uint8_t, 4>>(v4.sin_addr));
  } else if (sockaddr_in6 v6{}; attribute.read(v6) && v6.sin6_family == AF_INET6) {
    read.port = ntohs(v6.sin6_port);
    read.address = IpAddress::v6(std::bit_cast<std::array<std::uint8_t, 16>>(v6.sin6_addr));
  } else {
    return false;
  }
  endpoint = read;
  return true;
}

bool read_handshake(const Attribute& attribute, WgPeer& peer) {
  struct KernelTimespec {  // struct __kernel_timespec, linux/time_types.h
    std::int64_t seconds = 0;
    std::int64_t nanoseconds = 0;
  } time;
  if (!attribute.read(time)) return false;
  peer.last_handshake = wg_handshake_time(time.seconds, time.nanoseconds);
  return true;
}

bool read_allowed_ip(const Attribute& entry, WgPeer& peer) {
  IpPrefix prefix;
  bool has_address = false;
  const bool right = each_attribute(entry.payload, [&](const Attribute& attribute) {
    if (attribute.type == WGALLOWEDIP_A_IPADDR) return has_address = read_address(attribute, prefix.address);
    return attribute.type != WGALLOWEDIP_A_CIDR_MASK || attribute.read(prefix.length);
  });
  if (!right || !has_address || prefix.length > prefix.address.bits()) return false;
  peer.allowed_ips.push_back(prefix);
  return true;
}

bool read_peer_attribute(const Attribute& attribute, WgPeer& peer) {
  switch (attribute.type) {
    case WGPEER_A_PUBLIC_KEY: return read_key(attribute, peer.public_key);
    case WGPEER_A_PRESHARED_KEY: {
      Key key;
      if (!read_key(attribute, key)) return false;
      if (!key.is_zero()) peer.preshared_key = key;
      return true;
    }
    case WGPEER_A_ENDPOINT: return read_endpoint(attribute, peer.endpoint);
    case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL: {
      std::uint16_t seconds = 0;
      const bool right = attribute.read(seconds);
      peer.keepalive = std::chrono::seconds(seconds);
      return right;
    }
    case WGPEER_A_LAST_HANDSHAKE_TIME: return read_handshake(attribute, peer);
    case WGPEER_A_RX_BYTES: return attribute.read(peer.rx_bytes);
    case WGPEER_A_TX_BYTES: return attribute.read(peer.tx_bytes);
    case WGPEER_A_ALLOWEDIPS:
      return each_attribute(attribute.payload, [&](const Attribute& entry) { return read_allowed_ip(entry, peer); });
    default: return true;  // protocol version, flags, and what newer kernels add
  }
}

bool read_peer(const Attribute& entry, WgDevice& device) {
  WgPeer peer;
  const auto read = [&](const Attribute& attribute) { return read_peer_attribute(attribute, peer); };
  if (!each_attribute(entry.payload, read) || peer.public_key.is_zero()) return false;
  if (!device.peers.empty() && device.peers.back().public_key == peer.public_key) {
    // The rest of a peer that did not fit: the kernel repeats its key and goes on with its allowed IPs.
    auto& into = device.peers.back().allowed_ips;
    into.insert(into.end(), peer.allowed_ips.begin(), peer.allowed_ips.end());
  } else {
    device.peers.push_back(std::move(peer));
  }
  return true;
}

bool read_device_attribute(const Attribute& attribute, WgDevice& device) {
  switch (attribute.type) {
    case WGDEVICE_A_IFNAME: device.name = attribute.text(); return true;
    case WGDEVICE_A_PRIVATE_KEY: return read_key(attribute, device.private_key);
    case WGDEVICE_A_LISTEN_PORT: return attribute.read(device.listen_port);
    case WGDEVICE_A_PEERS:
      return each_attribute(attribute.payload, [&](const Attribute& entry) { return read_peer(entry, device); });
    default: return true;  // index, public key, fwmark, and what newer kernels add
  }
}

}  // namespace

std::vector<std::uint8_t> encode_family_query(std::string_view family_name) {
  std::vector<std::uint8_t> bytes(256);
  nlmsghdr* header = begin_message(bytes, GENL_ID_CTRL, 0, CTRL_CMD_GETFAMILY, 1);
  mnl_attr_put_strz(header, CTRL_ATTR_FAMILY_NAME, std::string(family_name.substr(0, GENL_NAMSIZ - 1)).c_str());
  bytes.resize(header->nlmsg_len);
  return bytes;
}

Result<std::uint16_t> decode_family(std::span<const std::uint8_t> message) {
  nlmsghdr header{};
  genlmsghdr generic{};
  ByteView attributes;
  std::uint16_t family = 0;
  if (read_message(message, header, generic, attributes)) {
    each_attribute(attributes, [&](const Attribute& attribute) {
      return attribute.type != CTRL_ATTR_FAMILY_ID || attribute.read(family);
    });
  }
  if (family != 0) return family;
  return fail(Errc::internal, "a generic netlink family without a number");
}

std::vector<std::uint8_t> encode_wg_get(std::uint16_t family, std::string_view name) {
  std::vector<std::uint8_t> bytes(128);
  nlmsghdr* header = begin_message(bytes, family, NLM_F_DUMP, WG_CMD_GET_DEVICE, WG_GENL_VERSION);
  mnl_attr_put_strz(header, WGDEVICE_A_IFNAME, std::string(name.substr(0, kMaxNameBytes)).c_str());
  bytes.resize(header->nlmsg_len);
  return bytes;
}

std::vector<std::vector<std::uint8_t>> encode_wg_set(std::uint16_t family, std::string_view name,
                                                     const WgChange& change, std::size_t limit_bytes) {
  assert(limit_bytes >= 1024 && limit_bytes <= 65000);
  SetWriter writer(family, name, limit_bytes);
  writer.device(change);
  for (const auto& peer : change.peers) writer.peer(peer);
  return writer.finish();
}

Result<void> decode_wg_device(std::span<const std::uint8_t> message, WgDevice& device) {
  nlmsghdr header{};
  genlmsghdr generic{};
  ByteView attributes;
  if (!read_message(message, header, generic, attributes))
    return fail(Errc::internal, "a WireGuard message that is cut short");
  const auto read = [&](const Attribute& attribute) { return read_device_attribute(attribute, device); };
  if (!each_attribute(attributes, read)) return fail(Errc::internal, "a WireGuard message that makes no sense");
  return {};
}

}  // namespace moenet::net
