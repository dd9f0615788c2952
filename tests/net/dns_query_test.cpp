#include "net/dns_query.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>

#include <gtest/gtest.h>

#include "base/fd.h"

namespace moenet::net {
namespace {

using std::chrono::seconds;

// A name server on loopback: `answer` makes each reply of the query; an empty one is silence.
class FakeServer {
 public:
  using Replies = std::function<std::vector<std::vector<std::uint8_t>>(std::vector<std::uint8_t> query)>;

  explicit FakeServer(Replies replies) : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::jthread([this, replies = std::move(replies)] {
      for (;;) {
        std::vector<std::uint8_t> query(512);
        sockaddr_in from{};
        socklen_t length = sizeof from;
        const auto got =
            ::recvfrom(socket_.get(), query.data(), query.size(), 0, reinterpret_cast<sockaddr*>(&from), &length);
        if (got <= 1) return;
        query.resize(static_cast<std::size_t>(got));
        for (const auto& reply : replies(query))
          (void)::sendto(socket_.get(), reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), length);
      }
    });
  }
  ~FakeServer() { ::shutdown(socket_.get(), SHUT_RDWR); }
  Endpoint endpoint() const { return {IpAddress::v4({127, 0, 0, 1}), port_}; }

 private:
  UniqueFd socket_;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

std::vector<std::uint8_t> nxdomain(std::vector<std::uint8_t> query) {
  query[2] = 0x81;
  query[3] = 0x83;
  query[11] = 0;
  query.resize(query.size() - 11);
  return query;
}

TEST(DnsQuery, PassesOverWhatAnswersNobodyAndAsksAgainUntilHeard) {
  int asked = 0;
  const FakeServer server([&](auto query) -> std::vector<std::vector<std::uint8_t>> {
    if (++asked == 1) return {};
    auto forged = nxdomain(query);
    ++forged[0];
    return {forged, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, nxdomain(query)};
  });
  const auto answer = ask_name_server(server.endpoint(), {"x.dn42", DnsType::a}, Deadline::after(seconds(20)), {});
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(code_text(answer->code), "NXDOMAIN");
  EXPECT_EQ(asked, 2);
}

TEST(DnsQuery, ASilentServerAClosedPortAndAStopEnd) {
  const FakeServer silent([](const auto&) -> std::vector<std::vector<std::uint8_t>> { return {}; });
  const DnsQuestion question{"x.dn42", DnsType::a};
  const auto late = ask_name_server(silent.endpoint(), question, Deadline::after(std::chrono::milliseconds(50)), {});
  EXPECT_EQ(late.error().code, Errc::timeout);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(ask_name_server(silent.endpoint(), question, Deadline::after(seconds(20)), stop.get_token()).error().code,
            Errc::cancelled);
  Endpoint closed = silent.endpoint();
  {
    const FakeServer gone([](const auto&) -> std::vector<std::vector<std::uint8_t>> { return {}; });
    closed = gone.endpoint();
  }
  EXPECT_EQ(ask_name_server(closed, question, Deadline::after(seconds(20)), {}).error().code, Errc::unavailable);
}

TEST(DnsQuery, NameServersAreThoseOfResolvConf) {
  const auto text = [](const char* conf) {
    std::string all;
    for (const auto& server : name_servers_in(conf)) all += server.text() + " ";
    return all;
  };
  EXPECT_EQ(text("# nameserver 1.1.1.1\nsearch dn42\nnameserver 172.20.0.53\nnameserver\tfd42:d42:d42:54::1 # one\n"),
            "172.20.0.53 fd42:d42:d42:54::1 ");
  EXPECT_EQ(text("nameserver 1.0.0.1\nnameserver 1.0.0.2\nnameserver 1.0.0.3\nnameserver 1.0.0.4"),
            "1.0.0.1 1.0.0.2 1.0.0.3 ");
  EXPECT_EQ(text("nameservers 1.0.0.1\nnameserver\nnameserver x\n"), "127.0.0.1 ");
  EXPECT_EQ(text(""), "127.0.0.1 ");
}

}  // namespace
}  // namespace moenet::net
