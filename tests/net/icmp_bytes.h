// What others send in answer to an echo, as bytes: for tests that play them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "net/icmp_codec.h"

namespace moenet::net::testing {

using Packet = std::vector<std::uint8_t>;

inline IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }

// Of IPv4.
inline Packet with_checksum(Packet packet) {
  packet[2] = packet[3] = 0;
  const std::uint16_t sum = internet_checksum(packet);
  packet[2] = static_cast<std::uint8_t>(sum >> 8);
  packet[3] = static_cast<std::uint8_t>(sum);
  return packet;
}

inline Packet reply_to(Packet request) {
  const bool is_v4 = request[0] == request_type(IpFamily::v4);
  request[0] = reply_type(is_v4 ? IpFamily::v4 : IpFamily::v6);
  return is_v4 ? with_checksum(std::move(request)) : request;
}

// The header of a packet with ICMP to `target`, without its checksum, which nobody proves here; then the packet.
inline Packet with_ip_header(const Packet& packet, const IpAddress& target, std::size_t option_bytes = 0) {
  Packet whole;
  const std::string_view to = target.bytes();
  if (target.is_v4()) {
    whole.resize(20 + option_bytes, 1);  // no-operation
    std::fill_n(whole.begin(), 20, std::uint8_t{0});
    whole[0] = static_cast<std::uint8_t>(0x40 | whole.size() / 4);
    whole[9] = 1;
    std::ranges::copy(to, whole.begin() + 16);
  } else {
    whole.resize(40);
    whole[0] = 0x60;
    whole[6] = 58;
    std::ranges::copy(to, whole.begin() + 24);
  }
  whole.insert(whole.end(), packet.begin(), packet.end());
  return whole;
}

// A router's error about `request`.
inline Packet quoting(const Packet& request, const IpAddress& target, std::uint8_t type, std::uint8_t code,
                      std::uint32_t mtu_bytes) {
  Packet error(kIcmpHeaderBytes, 0);
  error[0] = type;
  error[1] = code;
  for (std::size_t i = 0; i < 4; ++i) error[4 + i] = static_cast<std::uint8_t>(mtu_bytes >> (24 - 8 * i));
  const Packet quoted = with_ip_header(request, target);
  error.insert(error.end(), quoted.begin(), quoted.end());
  return target.is_v4() ? with_checksum(std::move(error)) : error;
}

}  // namespace moenet::net::testing
