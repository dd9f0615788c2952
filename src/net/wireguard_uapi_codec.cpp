#include "net/wireguard_uapi_codec.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>

#include "base/secret.h"

namespace moenet::net {

namespace {

// A line of a peer is at most this long (two keys, an endpoint and the small ones are some 400 bytes); an allowed IP is
// shorter than 64. Reserving keeps keys from being copied about in memory that nobody wipes.
std::size_t size_hint(const WgChange& change) {
  std::size_t bytes = 256;
  for (const auto& peer : change.peers) bytes += 512 + (peer.allowed_ips ? 64 * peer.allowed_ips->size() : 0);
  return bytes;
}

class Writer {
 public:
  explicit Writer(std::size_t size) { text_.reserve(size); }
  void line(std::string_view name, std::string_view value) {
    text_.append(name).append("=").append(value).append("\n");
  }
  void key(std::string_view name, const Key& key) {
    std::string hex = key.hex();
    line(name, hex);
    wipe(hex.data(), hex.size());
  }
  std::string finish() {
    text_.append("\n");
    return std::move(text_);
  }

 private:
  std::string text_;
};

void write_peer(Writer& writer, const WgPeerChange& peer) {
  writer.key("public_key", peer.public_key);
  if (peer.only_if_present) writer.line("update_only", "true");
  if (peer.remove) {
    writer.line("remove", "true");
    return;
  }
  if (peer.preshared_key) writer.key("preshared_key", *peer.preshared_key);
  if (peer.endpoint) writer.line("endpoint", peer.endpoint->text());
  if (peer.keepalive) {
    const auto seconds = std::clamp<std::int64_t>(peer.keepalive->count(), 0, 65535);
    writer.line("persistent_keepalive_interval", fmt::format("{}", seconds));
  }
  if (peer.allowed_ips) {
    writer.line("replace_allowed_ips", "true");
    for (const auto& prefix : *peer.allowed_ips) writer.line("allowed_ip", prefix.text());
  }
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool read_key(std::string_view text, Key& key) {
  auto read = Key::from_hex(text);
  if (!read) return false;
  key = *read;
  return true;
}

bool read_endpoint(std::string_view text, std::optional<Endpoint>& endpoint) {
  std::string without_zone(text);  // a link-local peer comes as [fe80::1%eth0]:51820
  if (const auto zone = without_zone.find('%'); zone != std::string::npos) {
    const auto end = without_zone.find(']', zone);
    if (end == std::string::npos) return false;
    without_zone.erase(zone, end - zone);
  }
  const auto parsed = HostPort::parse(without_zone);
  const auto address = parsed ? parsed->address() : std::nullopt;
  if (!address) return false;
  endpoint = Endpoint{*address, parsed->port};
  return true;
}

class Reader {
 public:
  explicit Reader(std::string_view name) { device_.name = name; }

  // False when the line makes no sense.
  bool line(std::string_view key, std::string_view value) {
    if (key == "errno") return true;  // decode_uapi_errno() has read it
    if (key == "public_key") {
      device_.peers.emplace_back();
      seconds_ = 0;
      return read_key(value, device_.peers.back().public_key);
    }
    return device_.peers.empty() ? device_line(key, value) : peer_line(device_.peers.back(), key, value);
  }

  WgDevice finish() {
    sort_wg_device(device_);
    return std::move(device_);
  }

 private:
  bool device_line(std::string_view key, std::string_view value) {
    if (key == "private_key") return read_key(value, device_.private_key);
    if (key == "listen_port") return read_number(value, device_.listen_port);
    return true;
  }

  bool peer_line(WgPeer& peer, std::string_view key, std::string_view value) {
    if (key == "preshared_key") {
      Key psk;
      if (!read_key(value, psk)) return false;
      if (!psk.is_zero()) peer.preshared_key = psk;
      return true;
    }
    if (key == "endpoint") return read_endpoint(value, peer.endpoint);
    if (key == "allowed_ip") {
      auto prefix = IpPrefix::parse(value);
      if (prefix) peer.allowed_ips.push_back(*prefix);
      return prefix.has_value();
    }
    return counter_line(peer, key, value);
  }

  bool counter_line(WgPeer& peer, std::string_view key, std::string_view value) {
    if (key == "rx_bytes") return read_number(value, peer.rx_bytes);
    if (key == "tx_bytes") return read_number(value, peer.tx_bytes);
    if (key == "last_handshake_time_sec") {
      if (!read_number(value, seconds_)) return false;
      peer.last_handshake = wg_handshake_time(seconds_, 0);
      return true;
    }
    if (key == "last_handshake_time_nsec") {
      std::int64_t nanoseconds = 0;
      if (!read_number(value, nanoseconds)) return false;
      peer.last_handshake = wg_handshake_time(seconds_, nanoseconds);
      return true;
    }
    if (key == "persistent_keepalive_interval") {
      std::uint16_t seconds = 0;
      const bool right = read_number(value, seconds);
      peer.keepalive = std::chrono::seconds(seconds);
      return right;
    }
    return true;
  }

  WgDevice device_;
  std::int64_t seconds_ = 0;
};

// Calls `on_line(key, value)` for each line up to the empty one, until it returns false. False when a line is none, or
// that did.
template <class OnLine>
bool each_line(std::string_view text, OnLine&& on_line) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    if (line.empty()) return true;
    const std::size_t equals = line.find('=');
    if (end == std::string_view::npos || equals == std::string_view::npos) return false;
    if (!on_line(line.substr(0, equals), line.substr(equals + 1))) return false;
    text.remove_prefix(end + 1);
  }
  return true;
}

}  // namespace

std::string encode_uapi_set(const WgChange& change) {
  Writer writer(size_hint(change));
  writer.line("set", "1");
  if (change.private_key) writer.key("private_key", *change.private_key);
  if (change.listen_port) writer.line("listen_port", fmt::format("{}", *change.listen_port));
  if (change.replace_peers) writer.line("replace_peers", "true");
  for (const auto& peer : change.peers) write_peer(writer, peer);
  return writer.finish();
}

bool is_whole_uapi_reply(std::string_view reply) { return reply.ends_with("\n\n") || reply == "\n"; }

Result<int> decode_uapi_errno(std::string_view reply) {
  int number = 0;
  bool found = false;
  const bool right = each_line(reply, [&](std::string_view key, std::string_view value) {
    if (key != "errno") return true;
    found = true;
    return read_number(value, number) && number > std::numeric_limits<int>::min();
  });
  if (!right || !found) return fail(Errc::internal, "the WireGuard daemon's reply makes no sense");
  return std::abs(number);  // wireguard-go sends Linux's numbers, some versions with a minus
}

Result<WgDevice> decode_uapi_get(std::string_view name, std::string_view reply) {
  TRY(const int number, decode_uapi_errno(reply));
  if (number != 0) return std::unexpected(error_from_errno(number, "WireGuard daemon"));
  Reader reader(name);
  if (!each_line(reply, [&](std::string_view key, std::string_view value) { return reader.line(key, value); })) {
    return fail(Errc::internal, "the WireGuard daemon's reply makes no sense");
  }
  return reader.finish();
}

}  // namespace moenet::net
