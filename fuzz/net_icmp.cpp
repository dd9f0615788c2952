// ICMP packets as raw and datagram sockets hand them over: whatever the bytes are, they are read or refused, and what
// nobody sealed is never taken for ours.
#include <cstdlib>

#include "net/icmp_codec.h"

namespace {

using namespace moenet;

// A key for each packet, known to nobody outside: one that is accepted has broken SipHash, or the check is void. With
// one key for all, libFuzzer learns the cookie that is wanted from the comparison, and puts it into a later packet
// (seen).
void judge(const Result<net::IcmpMessage>& message, const IpAddress& target) {
  const net::EchoKey key = net::EchoKey::random();
  if (message && net::is_sealed(*message, message->quoted_target.value_or(target), key)) std::abort();
  if (message) (void)net::words_for(target.family(), *message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const IpAddress ipv4 = IpAddress::v4({192, 0, 2, 1});
  const IpAddress ipv6 = IpAddress::v6({0x20, 1, 0x0d, 0xb8});
  const std::span packet(bytes, size);
  for (const bool is_cut : {false, true}) {
    judge(net::read_ipv4_icmp(packet, is_cut), ipv4);
    judge(net::read_icmp(IpFamily::v4, packet, is_cut), ipv4);
    judge(net::read_icmp(IpFamily::v6, packet, is_cut), ipv6);
  }
  if (size < 2) return 0;
  for (const auto& target : {ipv4, ipv6})
    judge(net::read_queued_error(target, bytes[0], bytes[1], 1280, packet.subspan(2)), target);
  return 0;
}
