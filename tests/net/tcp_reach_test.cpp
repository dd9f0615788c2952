#include "net/tcp_reach.h"

#include <cerrno>
#include <netinet/in.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "base/fd.h"
#include "net/namespaces.h"

namespace moenet::net {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

UniqueFd listen_on(std::uint16_t port, int backlog) {
  UniqueFd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  testing::require(server.get() >= 0, "make a socket");
  const sockaddr_in address = loopback(port);
  testing::require(::bind(server.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "bind");
  testing::require(::listen(server.get(), backlog) == 0, "listen");
  return server;
}

TEST(TcpReach, TellsWhoAcceptsFromWhoDoesNot) {
  const UniqueFd server = listen_on(8082, 1);
  const auto at = [](const char* host, std::uint16_t port) { return Endpoint{IpAddress::parse(host).value(), port}; };
  // No route leads anywhere from this program's namespace.
  const std::vector<Endpoint> remotes{at("127.0.0.1", 8082), at("127.0.0.1", 8083), at("::1", 8082),
                                      at("192.0.2.1", 8082)};
  const auto outcomes = reach_tcp(remotes, testing::soon());
  ASSERT_EQ(outcomes.size(), 4u);
  ASSERT_TRUE(outcomes[0]) << outcomes[0].error().what;
  EXPECT_GT(*outcomes[0], std::chrono::nanoseconds(0));
  EXPECT_LT(*outcomes[0], std::chrono::seconds(1));
  for (std::size_t i = 1; i < 4; ++i) {
    ASSERT_FALSE(outcomes[i]) << i;
    EXPECT_EQ(outcomes[i].error().code, Errc::unavailable) << outcomes[i].error().what;
    EXPECT_NE(outcomes[i].error().what.find(remotes[i].text()), std::string::npos);
  }
}

TEST(TcpReach, SilenceEndsAtTheDeadline) {
  // A listener with a full backlog answers no further SYN.
  const UniqueFd server = listen_on(8084, 0);
  std::vector<UniqueFd> waiting;
  for (int i = 0; i < 3; ++i) {
    waiting.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const sockaddr_in address = loopback(8084);
    const int begun = ::connect(waiting.back().get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    ASSERT_TRUE(begun == 0 || errno == EINPROGRESS);
  }
  const std::vector<Endpoint> remotes{{IpAddress::v4({127, 0, 0, 1}), 8084}};
  const auto began = steady_now();
  const auto outcomes = reach_tcp(remotes, Deadline::after(std::chrono::milliseconds(100)));
  ASSERT_FALSE(outcomes[0]);
  EXPECT_EQ(outcomes[0].error().code, Errc::timeout) << outcomes[0].error().what;
  EXPECT_LT(steady_now() - began, std::chrono::seconds(2));
}

TEST(TcpReach, NobodyToReachIsNoWait) { EXPECT_TRUE(reach_tcp({}, testing::soon()).empty()); }

}  // namespace
}  // namespace moenet::net
