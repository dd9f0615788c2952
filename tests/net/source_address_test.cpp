#include "net/source_address.h"

#include <gtest/gtest.h>

#include "net/namespaces.h"

namespace moenet::net {
namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

TEST(SourceAddress, IsTheOneThatTheRouteGives) {
  testing::Namespaces a, b;
  testing::Namespaces::connect(a, "va", b, "vb");
  a.run([] {
    auto socket = NetlinkSocket::open(NetlinkFamily::route).value();
    LinkChange up;
    up.no_generated_address = true;
    for (const char* own : {"198.51.100.1/24", "2001:db8::1/64"})
      up.add_addresses.push_back({IpPrefix::parse(own).value(), std::nullopt});
    up.up = true;
    ASSERT_TRUE(change_link(socket, index_of(socket, "va", testing::soon()).value(), "va", up, testing::soon()));
    EXPECT_EQ(source_towards(ip("198.51.100.7")), ip("198.51.100.1"));
    EXPECT_EQ(source_towards(ip("2001:db8::7")), ip("2001:db8::1"));
    EXPECT_EQ(source_towards(ip("192.0.2.1")), std::nullopt) << "no route";
    EXPECT_EQ(source_towards(ip("2001:db8:1::1")), std::nullopt);
  });
}

}  // namespace
}  // namespace moenet::net
