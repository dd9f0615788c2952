#include "reconcile/content.h"

#include <concepts>
#include <functional>
#include <string_view>

namespace moenet::reconcile {
namespace {

class ContentHash {
 public:
  void add(std::string_view text) { mix(std::hash<std::string_view>()(text)); }
  void add(std::unsigned_integral auto number) { mix(static_cast<std::size_t>(number)); }
  void add(const Key& key) { add(std::string_view(reinterpret_cast<const char*>(key.bytes().data()), Key::kBytes)); }
  void add(const IpPrefix& prefix) {
    add(prefix.address.bytes());
    add(prefix.length);
  }
  std::size_t value() const { return value_; }

 private:
  // The golden ratio spreads neighboring values over all bits (Knuth, TAOCP 3, section 6.4).
  void mix(std::size_t part) { value_ = (value_ ^ part) * 0x9E37'79B9'7F4A'7C15u + 1; }

  std::size_t value_ = 0;
};

void add_tunnel(ContentHash& hash, const model::Tunnel& tunnel) {
  hash.add(tunnel.name);
  hash.add(static_cast<std::uint8_t>(tunnel.type));
  hash.add(tunnel.mtu_bytes);
  hash.add(tunnel.listen_port);
  hash.add(tunnel.private_key);
  hash.add(tunnel.configured_endpoint);
  for (const model::InterfaceAddress& address : tunnel.addresses) {
    hash.add(address.local);
    hash.add(address.peer ? address.peer->bytes() : std::string_view());
  }
  for (const model::TunnelPeer& peer : tunnel.peers) {
    hash.add(peer.public_key);
    hash.add(peer.preshared_key.value_or(Key()));
    hash.add(static_cast<std::uint64_t>(peer.keepalive.count()));
    for (const IpPrefix& prefix : peer.allowed_ips) hash.add(prefix);
  }
  if (!tunnel.gre) return;
  hash.add(tunnel.gre->remote ? tunnel.gre->remote->bytes() : std::string_view());
  hash.add(tunnel.gre->key ? std::uint64_t{*tunnel.gre->key} + 1 : std::uint64_t{0});
}

void add_file(ContentHash& hash, const model::BirdFile& file) {
  hash.add(file.name);
  hash.add(file.text);
}

}  // namespace

std::size_t content_of(const model::DesiredPeering& peering) {
  ContentHash hash;
  hash.add(static_cast<std::uint8_t>(peering.intent));
  if (peering.tunnel) add_tunnel(hash, *peering.tunnel);
  if (peering.bird_file) add_file(hash, *peering.bird_file);
  return hash.value();
}

std::size_t content_of(const std::vector<std::shared_ptr<const model::BirdFile>>& policy) {
  ContentHash hash;
  for (const auto& file : policy) add_file(hash, *file);
  return hash.value();
}

std::size_t content_of(const model::Firewall& firewall) {
  ContentHash hash;
  for (const std::uint16_t port : firewall.udp_ports) hash.add(port);
  for (const std::string& name : firewall.tunnel_interfaces) hash.add(name);
  for (const IpAddress& peer : firewall.gre_peers) hash.add(peer.bytes());
  return hash.value();
}

std::size_t content_of(const BirdAction& action) {
  ContentHash hash;
  for (const model::BirdFile& file : action.put) add_file(hash, file);
  for (const std::string& name : action.remove) hash.add(name);
  hash.add(static_cast<std::uint8_t>(action.reload));
  hash.add(static_cast<std::uint8_t>(action.judge_again));
  for (const SessionOrder& order : action.orders) {
    hash.add(order.protocol);
    hash.add(static_cast<std::uint8_t>(order.kind));
  }
  return hash.value();
}

}  // namespace moenet::reconcile
