#include "agent/ownership_mark.h"

#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

TEST(OwnershipMark, ReadsWhatItWrites) {
  for (const OwnershipMark& mark :
       {OwnershipMark{"session/3f7002fb-4d90-45bb-a646-6f30be403c9e", ""},
        OwnershipMark{"session/x", "peer.example.net:51820"}, OwnershipMark{"mesh/7", "[2001:db8::1]:1"}}) {
    EXPECT_EQ(read_mark(write_mark(mark)), mark) << write_mark(mark);
  }
}

TEST(OwnershipMark, IsNotSeenInForeignAliases) {
  for (const char* alias :
       {"", "uplink", "moenet-agent", "moenet-agent ", "moenet-agentsession/x", "my moenet-agent session/x"}) {
    EXPECT_FALSE(read_mark(alias)) << alias;
  }
}

TEST(OwnershipMark, FitsTheKernelsLimitWhateverTheEndpoint) {
  const std::string session = "session/3f7002fb-4d90-45bb-a646-6f30be403c9e";
  for (const std::size_t length : {1u, 170u, 180u, 253u}) {  // RFC 1035 section 2.3.4: 253 at most
    const HostPort endpoint{std::string(length, 'h'), 51820};
    const OwnershipMark mark{session, endpoint_label(endpoint)};
    EXPECT_LT(write_mark(mark).size(), 256u) << length;
    EXPECT_EQ(read_mark(write_mark(mark)), mark) << length;
  }
}

TEST(OwnershipMark, LabelsOfLongEndpointsDifferWhenTheyDo) {
  const std::string host(253, 'h');
  EXPECT_NE(endpoint_label({host, 1}), endpoint_label({host, 2}));
  EXPECT_EQ(endpoint_label({"peer.example", 1}), "peer.example:1");
}

}  // namespace
}  // namespace moenet::agent
