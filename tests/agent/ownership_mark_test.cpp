#include "agent/ownership_mark.h"

#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

TEST(OwnershipMark, ReadsWhatItWrites) {
  for (const OwnershipMark& mark : {OwnershipMark{"session/3f7002fb-4d90-45bb-a646-6f30be403c9e", ""},
                                    OwnershipMark{"session/x", "peer.example.net:51820"}, OwnershipMark{"mesh/7", "[2001:db8::1]:1"}}) {
    EXPECT_EQ(read_mark(write_mark(mark)), mark) << write_mark(mark);
  }
}

TEST(OwnershipMark, IsNotSeenInForeignAliases) {
  for (const char* alias : {"", "uplink", "moenet-agent", "moenet-agent ", "moenet-agentsession/x", "my moenet-agent session/x"}) {
    EXPECT_FALSE(read_mark(alias)) << alias;
  }
}

TEST(OwnershipMark, FitsTheKernelsLimit) {
  const std::string longest_host(253, 'h');  // RFC 1035 section 2.3.4
  EXPECT_LT(write_mark({"session/3f7002fb-4d90-45bb-a646-6f30be403c9e", "[2001:db8:1111:2222:3333:4444:5555:6666]:51820"}).size(), 256u);
  EXPECT_LT(write_mark({"session/3f7002fb-4d90-45bb-a646-6f30be403c9e", longest_host + ":51820"}).size(), 256u);
}

}  // namespace
}  // namespace moenet::agent
