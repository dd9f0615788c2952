#include "net/icmp_filter.h"

#include "net/icmp_codec.h"

namespace moenet::net {
namespace {

constexpr std::uint32_t kAll = 0xffffffff;

sock_filter statement(unsigned code, std::uint32_t k) { return BPF_STMT(static_cast<std::uint16_t>(code), k); }
// Goes on when the accumulator is `k`, else skips `otherwise` instructions.
sock_filter unless_equal(std::uint32_t k, std::uint8_t otherwise) {
  return BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | BPF_JEQ | BPF_K), k, 0, otherwise);
}
// Skips `then` instructions when it is, else goes on.
sock_filter if_equal(std::uint32_t k, std::uint8_t then) {
  return BPF_JUMP(static_cast<std::uint16_t>(BPF_JMP | BPF_JEQ | BPF_K), k, then, 0);
}

// Raw sockets of IPv4 see the IP header, whose length goes to X; its quotation in an error has no options, because we
// send none. A load behind the end drops the packet.
std::vector<sock_filter> ipv4_filter(std::uint16_t identifier) {
  constexpr unsigned kByte = BPF_LD | BPF_B | BPF_IND;
  constexpr unsigned kHalf = BPF_LD | BPF_H | BPF_IND;
  return {
      statement(BPF_LDX | BPF_B | BPF_MSH, 0),
      statement(kByte, 0),
      if_equal(0, 3),   // echo reply
      if_equal(3, 5),   // destination unreachable
      if_equal(11, 4),  // time exceeded
      statement(BPF_RET | BPF_K, 0),
      statement(kHalf, 4),
      if_equal(identifier, 8),
      statement(BPF_RET | BPF_K, 0),
      statement(kByte, 8),
      unless_equal(0x45, 4),
      statement(kByte, 8 + 20),
      unless_equal(8, 2),  // echo request
      statement(kHalf, 8 + 20 + 4),
      if_equal(identifier, 1),
      statement(BPF_RET | BPF_K, 0),
      statement(BPF_RET | BPF_K, kAll),
  };
}

// Those of IPv6 begin with the ICMPv6 header.
std::vector<sock_filter> ipv6_filter(std::uint16_t identifier) {
  constexpr unsigned kByte = BPF_LD | BPF_B | BPF_ABS;
  constexpr unsigned kHalf = BPF_LD | BPF_H | BPF_ABS;
  return {
      statement(kByte, 0),
      if_equal(129, 4),  // echo reply
      if_equal(1, 6),    // destination unreachable
      if_equal(2, 5),    // packet too big
      if_equal(3, 4),    // time exceeded
      statement(BPF_RET | BPF_K, 0),
      statement(kHalf, 4),
      if_equal(identifier, 8),
      statement(BPF_RET | BPF_K, 0),
      statement(kByte, 8 + 6),
      unless_equal(58, 4),  // next header ICMPv6
      statement(kByte, 8 + 40),
      unless_equal(128, 2),  // echo request
      statement(kHalf, 8 + 40 + 4),
      if_equal(identifier, 1),
      statement(BPF_RET | BPF_K, 0),
      statement(BPF_RET | BPF_K, kAll),
  };
}

}  // namespace

std::vector<sock_filter> echo_filter(IpFamily family, std::uint16_t identifier) {
  return family == IpFamily::v4 ? ipv4_filter(identifier) : ipv6_filter(identifier);
}

}  // namespace moenet::net
