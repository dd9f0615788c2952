// Reading netlink attributes from bytes (struct nlattr, linux/netlink.h): bounds are checked, alignment does not
// matter. libmnl's own loops are macros that do not compile as C++.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <linux/netlink.h>
#include <span>
#include <string>

namespace moenet::net {

using ByteView = std::span<const std::uint8_t>;

struct Attribute {
  std::uint16_t type = 0;  // without the flags for nesting and byte order
  ByteView payload;

  // Reads a number or kernel structure of exactly the size of `value`; any other size leaves it as it was and is false.
  template <class T>
  bool read(T& value) const {
    if (payload.size() != sizeof(T)) return false;
    std::memcpy(&value, payload.data(), sizeof(T));
    return true;
  }
  // The text up to its first NUL.
  std::string text() const { return {payload.begin(), std::ranges::find(payload, std::uint8_t{0})}; }
};

// Calls `on_attribute` for each attribute in `bytes` until it returns false. True when all were read; attributes that
// are cut short end the list, as they do in the kernel.
template <class OnAttribute>
bool each_attribute(ByteView bytes, OnAttribute&& on_attribute) {
  nlattr header{};
  while (bytes.size() >= sizeof header) {
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > bytes.size()) break;
    const Attribute attribute{static_cast<std::uint16_t>(header.nla_type & NLA_TYPE_MASK),
                              bytes.subspan(sizeof header, header.nla_len - sizeof header)};
    if (!on_attribute(attribute)) return false;
    bytes = bytes.subspan(std::min<std::size_t>(bytes.size(), NLMSG_ALIGN(std::size_t{header.nla_len})));
  }
  return true;
}

// A whole message of a type that begins with a fixed structure: that structure, and the attributes behind it.
// False when the bytes are too few.
template <class Fixed>
bool read_message(ByteView message, nlmsghdr& header, Fixed& fixed, ByteView& attributes) {
  if (message.size() < sizeof header) return false;
  std::memcpy(&header, message.data(), sizeof header);
  constexpr std::size_t kStart = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(Fixed));
  if (header.nlmsg_len > message.size() || header.nlmsg_len < kStart) return false;
  std::memcpy(&fixed, message.data() + NLMSG_HDRLEN, sizeof fixed);
  attributes = message.subspan(kStart, header.nlmsg_len - kStart);
  return true;
}

}  // namespace moenet::net
