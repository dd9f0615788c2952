#include "net/bound_ports.h"

#include <algorithm>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "base/fd.h"
#include "net/namespaces.h"

namespace moenet::net {
namespace {

constexpr std::string_view kTable =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1001 1 0 100 0 0 10 0\n"
    "   1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 1002 1 0 100 0 0 10 0\n"
    "   2: B80D0120000000000000000001000000:CA6D 00000000000000000000000000000000:0000 0A 00000000:00000000 "
    "00:00000000 00000000  1000        0 1003 1 0 100 0 0 10 0\n";

TEST(SocketTable, RowsAreReadByState) {
  const auto listening = parse_socket_table(kTable, "0A");
  ASSERT_EQ(listening.size(), 2u);
  EXPECT_EQ(listening[0].local.text(), "127.0.0.1:8080");
  EXPECT_EQ(listening[0].inode, 1001u);
  EXPECT_EQ(listening[1].local.text(), "[2001:db8::1]:51821");
  EXPECT_EQ(parse_socket_table(kTable, "").size(), 3u);
}

TEST(SocketTable, NonsenseIsPassedOver) {
  for (const char* text : {"", "\n\n", "1: 2 3 4 5 6 7 8 9 10\n", "0: 0100007F:XXXX a 0A b c d e f 1\n",
                           "0: 0100007F:1F90 a 0A b c d e f -1\n", "0: 0100007F:1F90 a 0A\n"}) {
    EXPECT_TRUE(parse_socket_table(text, "").empty()) << text;
  }
}

// The byte order of the table above is a little-endian machine's, as all that this runs on are.
TEST(BoundPorts, OursAreFoundWithThisProcess) {
  const UniqueFd udp(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const UniqueFd tcp(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(udp.get() >= 0 && tcp.get() >= 0);
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_port = htons(51830);
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_port = htons(24368);
  four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(::bind(udp.get(), reinterpret_cast<const sockaddr*>(&six), sizeof six), 0);
  ASSERT_EQ(::bind(tcp.get(), reinterpret_cast<const sockaddr*>(&four), sizeof four), 0);
  ASSERT_EQ(::listen(tcp.get(), 1), 0);

  // /proc/net is of the main thread's network namespace, which is this program's own.
  const auto find = [](const std::vector<BoundSocket>& sockets, const std::string& local) {
    const auto found = std::ranges::find_if(sockets, [&](const BoundSocket& s) { return s.local.text() == local; });
    return found == sockets.end() ? 0 : found->inode;
  };
  const auto udp_inode = find(bound_udp_sockets(), "[::]:51830");
  const auto tcp_inode = find(listening_tcp_sockets(), "127.0.0.1:24368");
  ASSERT_NE(udp_inode, 0u);
  ASSERT_NE(tcp_inode, 0u);
  const auto owners = owners_of({udp_inode, tcp_inode, 1});
  ASSERT_EQ(owners.size(), 2u);
  EXPECT_EQ(owners.at(udp_inode).pid, ::getpid());
  EXPECT_EQ(owners.at(tcp_inode).name(), "net_test");
}

TEST(SocketOwner, NameIsPrintable) {
  EXPECT_EQ((SocketOwner{1, {"/usr/bin/evil\n\x1b[31m", "x"}}.name()), "evil\\n\\x1b[31m");
  EXPECT_EQ(SocketOwner{}.name(), "?");
}

}  // namespace
}  // namespace moenet::net
