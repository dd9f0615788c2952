#include "controlplane/registry.h"

#include <sys/stat.h>

#include <gtest/gtest.h>

#include "controlplane/registry_folder.h"

namespace moenet::controlplane {
namespace {

namespace fs = std::filesystem;

constexpr const char* kEd25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";
constexpr const char* kFingerprint = "0123456789ABCDEF0123456789ABCDEF01234567";

class RegistryTest : public ::testing::Test {
 protected:
  RegistryTest() {
    folder_.put_as("4242420101", "EXAMPLE-MNT", "admin-c:            SOMEONE-DN42\n");
    folder_.put_maintainer("EXAMPLE-MNT", std::string("auth: ssh-ed25519 ") + kEd25519 + " me@home\n");
  }
  Registry registry() const { return Registry(folder_.path()); }
  Errc fault(model::Asn asn = 4'242'420'101) const {
    const auto found = registry().find(asn);
    return found ? Errc::internal : found.error().code;
  }

  testing::RegistryFolder folder_;
};

TEST_F(RegistryTest, SaysWhoseAnAsnIs) {
  folder_.put("person", "SOMEONE-DN42", "person: Some One\nnic-hdl: SOMEONE-DN42\n");
  const auto found = registry().find(4'242'420'101);
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(found->as_name, "AS-EXAMPLE");
  EXPECT_EQ(found->contact, "Some One");
  ASSERT_EQ(found->maintainers.size(), 1u);
  EXPECT_EQ(found->maintainers[0].name, "EXAMPLE-MNT");
  EXPECT_EQ(found->maintainers[0].ssh_keys, (std::vector<SshKey>{{"ssh-ed25519", kEd25519}}));
}

TEST_F(RegistryTest, APersonIsOptional) { EXPECT_EQ(registry().find(4'242'420'101)->contact, "AS-EXAMPLE"); }

TEST_F(RegistryTest, ObjectsMayLieInTheFolderItself) {
  const auto found = Registry(folder_.path() / "data").find(4'242'420'101);
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(found->maintainers.size(), 1u);
}

TEST_F(RegistryTest, TakesTheKeysThatItKnowsAndNoOthers) {
  const std::string dsa = "ssh-dss AAAAB3NzaC1kc3MAAAAA";
  folder_.put_maintainer("EXAMPLE-MNT",
                         "auth: pgp-fingerprint 0123 4567 89ab cdef 0123  4567 89ab cdef 0123 4567\n"
                         "auth: pgp-fingerprint 89ABCDEF\n"  // a short id can be made at will
                         "auth: PGPKEY-89abcdef\n"
                         "auth: PGPKEY-../../x\n"
                         "auth: ssh-ed25519 bm8ga2V5\n"  // base64 of something else
                         "auth: ssh-ed25519 AAAA\" namespaces=\"x\n"
                         "auth: ssh-rsa " +
                             std::string(kEd25519) +
                             "\n"  // of another type than it says
                             "auth: from=\"10.0.0.1\" ssh-ed25519 " +
                             kEd25519 +
                             "\n"
                             "auth: sk-ssh-ed25519@openssh.com " +
                             kEd25519 +
                             "\n"
                             "auth: " +
                             dsa +
                             "\n"
                             "auth: CRYPT-PW abc\n"
                             "auth:\n");
  folder_.put("key-cert", "PGPKEY-89ABCDEF", "key-cert: PGPKEY-89ABCDEF\ncertif: -----BEGIN\ncertif:\ncertif: x=\n");
  const auto found = registry().find(4'242'420'101);
  ASSERT_TRUE(found) << found.error().what;
  const Maintainer& maintainer = found->maintainers.at(0);
  EXPECT_TRUE(maintainer.ssh_keys.empty());
  EXPECT_EQ(maintainer.pgp_fingerprints, std::vector<std::string>{kFingerprint});
  EXPECT_EQ(maintainer.certificates, std::vector<std::string>{"-----BEGIN\n\nx=\n"});
}

TEST_F(RegistryTest, ABrokenMaintainerIsItsOwnFaultAlone) {
  folder_.put_as("4242420101", "BROKEN-MNT, EXAMPLE-MNT GONE-MNT ../MNT", "mnt-by: SECOND-MNT\n");
  folder_.put("mntner", "BROKEN-MNT", "this is no object");
  folder_.put_maintainer("SECOND-MNT", "");
  const auto found = registry().find(4'242'420'101);
  ASSERT_TRUE(found) << found.error().what;
  ASSERT_EQ(found->maintainers.size(), 2u);
  EXPECT_EQ(found->maintainers[0].name, "SECOND-MNT");
  EXPECT_EQ(found->maintainers[1].name, "EXAMPLE-MNT");
}

TEST_F(RegistryTest, AChangeIsSeenAtOnce) {
  const Registry registry(folder_.path());
  EXPECT_EQ(registry.find(4'242'420'101)->maintainers[0].ssh_keys.size(), 1u);
  folder_.put_maintainer("EXAMPLE-MNT", "");
  EXPECT_EQ(registry.find(4'242'420'101)->maintainers[0].ssh_keys.size(), 0u);
}

TEST_F(RegistryTest, FollowsNoLinkAndOpensNoPipe) {
  const fs::path object = folder_.file("aut-num", "AS4242420101");
  fs::rename(object, folder_.path() / "elsewhere");
  EXPECT_EQ(fault(), Errc::not_found);
  fs::create_symlink(folder_.path() / "elsewhere", object);
  EXPECT_EQ(fault(), Errc::invalid);
  fs::remove(object);
  ASSERT_EQ(::mkfifo(object.c_str(), 0600), 0);
  EXPECT_EQ(fault(), Errc::invalid);
  fs::remove(object);
  fs::create_directory(object);
  EXPECT_EQ(fault(), Errc::invalid);

  fs::remove(object);
  fs::rename(folder_.path() / "elsewhere", object);
  EXPECT_TRUE(registry().find(4'242'420'101));
  fs::rename(folder_.path() / "data" / "mntner", folder_.path() / "mntner");
  fs::create_symlink(folder_.path() / "mntner", folder_.path() / "data" / "mntner");
  EXPECT_TRUE(registry().find(4'242'420'101)->maintainers.empty());
}

TEST_F(RegistryTest, AnObjectIsTheOneThatItsFileNames) {
  folder_.put("aut-num", "AS7", "aut-num: AS8\n");
  EXPECT_EQ(fault(7), Errc::invalid);
  folder_.put("aut-num", "AS7", "mntner: AS7\n");
  EXPECT_EQ(fault(7), Errc::invalid);
  folder_.put("aut-num", "AS7", "aut-num: AS7\ndescr: " + std::string(kMostObjectBytes, 'x'));
  EXPECT_EQ(fault(7), Errc::invalid);
}

TEST_F(RegistryTest, AMissingRegistryIsNotAMissingAsn) {
  EXPECT_EQ(fault(9), Errc::not_found);
  EXPECT_EQ(Registry("/nonexistent").find(9).error().code, Errc::unavailable);
  const support::TemporaryFolder empty;
  EXPECT_EQ(Registry(empty.path()).find(9).error().code, Errc::unavailable);
}

}  // namespace
}  // namespace moenet::controlplane
