#include "controlplane/mesh_keys.h"

#include <gtest/gtest.h>

namespace moenet::controlplane {
namespace {

constexpr const char* kOne = "11111111-2222-4333-8444-555555555555";
constexpr const char* kOther = "aaaaaaaa-2222-4333-8444-555555555555";
const Secret kSecret("a secret of the network, 32 bytes");

// Made with Python's hashlib.blake2b: tunnels that are up must not get another key from another version.
TEST(MeshKeys, AreTheSameInEveryVersion) {
  EXPECT_EQ(mesh_preshared_key(kSecret, kOne, kOther).base64(), "IpJOeOM3znzluWarPWAZllDGkTssnWGi4s+Vz2jB2PA=");
}

TEST(MeshKeys, AreThePairsWhoeverAsks) {
  const Key key = mesh_preshared_key(kSecret, kOne, kOther);
  EXPECT_TRUE(key == mesh_preshared_key(kSecret, kOther, kOne));
  EXPECT_TRUE(key == mesh_preshared_key(kSecret, kOne, "AAAAAAAA-2222-4333-8444-555555555555"));
  EXPECT_FALSE(key == mesh_preshared_key(kSecret, kOne, "aaaaaaaa-2222-4333-8444-555555555556"));
  EXPECT_FALSE(key == mesh_preshared_key(Secret("another secret of the network"), kOne, kOther));
}

}  // namespace
}  // namespace moenet::controlplane
