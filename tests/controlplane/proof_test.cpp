// Proofs of an ASN, with keys and signatures of the real ssh-keygen and gpg.
#include "controlplane/proof.h"

#include <gtest/gtest.h>

#include "controlplane/registry_folder.h"
#include "controlplane/signing_keys.h"

namespace moenet::controlplane {
namespace {

using std::chrono::seconds;

constexpr model::Asn kAsn = 4'242'420'101;

class ProofTest : public ::testing::Test {
 protected:
  ProofTest() { registry_.put_as("4242420101", "FIRST-MNT"); }

  // What a check says: the key's words, or why not.
  std::string check(const std::string& signature, const std::string& public_key = {}, const std::string& text = {}) {
    const auto registrant = Registry(registry_.path()).find(kAsn);
    if (!registrant) return registrant.error().what;
    const auto checked =
        check_proof(&*registrant, text.empty() ? text_ : text, {signature, public_key}, Deadline::after(seconds(30)));
    return checked ? *checked : std::string(name_of(checked.error().code));
  }
  void certify(const std::string& key_name, const std::string& certificate = "PGPKEY-01234567") {
    registry_.put_maintainer("FIRST-MNT", "auth: " + certificate + "\n");
    registry_.put("key-cert", certificate, testing::key_cert(certificate, keys_.pgp_public(key_name)));
  }
  static bool is_ssh(const std::string& said) { return said.starts_with("ssh key SHA256:"); }

  const std::string text_ =
      challenge_text({4'242'421'080, "https://moenet.example", kAsn, "nonce", WallTime(seconds(1'700'000'000))});
  testing::RegistryFolder registry_;
  testing::SigningKeys keys_;
};

TEST_F(ProofTest, TheTextNamesAllThatItIsGoodFor) {
  EXPECT_EQ(text_,
            "I am AS4242420101 and sign in to the DN42 network AS4242421080 at https://moenet.example, once, "
            "before 2023-11-14T22:13:20Z: nonce");
}

TEST_F(ProofTest, EveryKindOfSshKeyProves) {
  const std::string kinds[] = {"-t ed25519", "-t rsa -b 2048", "-t ecdsa -b 256", "-t ecdsa -b 384", "-t ecdsa -b 521"};
  for (int number = 0; const std::string& kind : kinds) {
    const std::string name = "key" + std::to_string(++number);
    registry_.put_maintainer("FIRST-MNT", "auth: " + keys_.ssh_key(name, kind));
    EXPECT_TRUE(is_ssh(check(keys_.ssh_sign(name, text_)))) << kind;
    EXPECT_TRUE(is_ssh(check(keys_.ssh_sign(name, text_ + "\n")))) << kind;
  }
}

TEST_F(ProofTest, WhatIsNotTheMaintainersWordIsRefused) {
  registry_.put_maintainer("FIRST-MNT", "auth: " + keys_.ssh_key("right"));
  keys_.ssh_key("other");
  const std::string good = keys_.ssh_sign("right", text_);
  EXPECT_TRUE(is_ssh(check(good)));
  EXPECT_EQ(check(keys_.ssh_sign("other", text_)), "denied") << "another key";
  EXPECT_EQ(check(keys_.ssh_sign("right", text_, "git")), "denied") << "another namespace";
  EXPECT_EQ(check(keys_.ssh_sign("right", text_ + "!")), "denied") << "another text";
  EXPECT_EQ(check(good, {}, text_ + "!"), "denied");
  EXPECT_EQ(check(good.substr(0, good.size() / 2)), "denied") << "cut";
  EXPECT_EQ(check("-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n"), "denied");
  EXPECT_EQ(check("garbage"), "invalid");
  EXPECT_EQ(check(""), "invalid");
  EXPECT_EQ(check(good + std::string(kMostSignatureBytes, '\n')), "invalid") << "too large";
  std::string changed = good;
  changed[good.size() / 2] = changed[good.size() / 2] == 'A' ? 'B' : 'A';
  EXPECT_EQ(check(changed), "denied") << "one letter of the signature";
}

TEST_F(ProofTest, NobodysAsnIsRefusedAfterTheSameWork) {
  keys_.ssh_key("key");
  keys_.pgp_key("pgp");
  for (const std::string& signature : {keys_.ssh_sign("key", text_), keys_.pgp_sign("pgp", text_)}) {
    const auto checked = check_proof(nullptr, text_, {signature, {}}, Deadline::after(seconds(30)));
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, Errc::denied);
  }
  const auto with_key = check_proof(nullptr, text_, {keys_.pgp_sign("pgp", text_), keys_.pgp_public("pgp")},
                                    Deadline::after(seconds(30)));
  EXPECT_EQ(with_key.error().code, Errc::denied);
}

TEST_F(ProofTest, AKeyWithOptionsIsNoKey) {
  registry_.put_maintainer("FIRST-MNT", "auth: cert-authority " + keys_.ssh_key("key") + "auth: namespaces=\"git\" " +
                                            keys_.ssh_key("again"));
  EXPECT_EQ(check(keys_.ssh_sign("key", text_)), "denied");
  EXPECT_EQ(check(keys_.ssh_sign("again", text_)), "denied");
}

TEST_F(ProofTest, EachOfTwoMaintainersMaySign) {
  registry_.put_as("4242420101", "FIRST-MNT", "mnt-by: SECOND-MNT\n");
  registry_.put_maintainer("FIRST-MNT", "auth: " + keys_.ssh_key("first"));
  registry_.put_maintainer("SECOND-MNT", "auth: " + keys_.ssh_key("second"));
  const std::string first = check(keys_.ssh_sign("first", text_));
  const std::string second = check(keys_.ssh_sign("second", text_));
  EXPECT_TRUE(is_ssh(first)) << first;
  EXPECT_TRUE(is_ssh(second)) << second;
  EXPECT_NE(first, second) << "the words name the key";
}

TEST_F(ProofTest, APgpKeyOfTheRegistryProves) {
  const std::string fingerprint = keys_.pgp_key("right");
  keys_.pgp_key("other");
  certify("right");
  const std::string good = "pgp key " + fingerprint;
  EXPECT_EQ(check(keys_.pgp_sign("right", text_)), good);
  EXPECT_EQ(check(keys_.pgp_sign("right", text_ + "\n")), good);
  EXPECT_EQ(check(keys_.pgp_sign("right", text_, "--clear-sign")), good);
  EXPECT_EQ(check(keys_.pgp_sign("right", text_ + "\n", "--clear-sign")), good);
  for (const std::string how : {"--detach-sign", "--clear-sign"}) {
    EXPECT_EQ(check(keys_.pgp_sign("other", text_, how)), "denied") << how;
    EXPECT_EQ(check(keys_.pgp_sign("right", text_ + "!", how)), "denied") << how;
    const std::string signature = keys_.pgp_sign("right", text_, how);
    EXPECT_EQ(check(signature.substr(0, signature.size() * 2 / 3)), "denied") << how;
    EXPECT_EQ(check(signature, {}, "another text"), "denied") << how;
  }
  const std::string clear = keys_.pgp_sign("right", text_, "--clear-sign");
  EXPECT_EQ(check(clear + keys_.pgp_sign("right", "more", "--clear-sign")), "denied") << "two texts";
  EXPECT_EQ(check("-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----\n"), "denied");
}

TEST_F(ProofTest, AFingerprintNeedsItsKey) {
  const std::string fingerprint = keys_.pgp_key("right");
  keys_.pgp_key("other");
  registry_.put_maintainer("FIRST-MNT", "auth: pgp-fingerprint " + fingerprint + "\n");
  const std::string signature = keys_.pgp_sign("right", text_);
  EXPECT_EQ(check(signature), "denied") << "the registry has the fingerprint only";
  EXPECT_EQ(check(signature, keys_.pgp_public("right")), "pgp key " + fingerprint);
  EXPECT_EQ(check(keys_.pgp_sign("right", text_, "--clear-sign"), keys_.pgp_public("right")), "pgp key " + fingerprint);
  EXPECT_EQ(check(keys_.pgp_sign("other", text_), keys_.pgp_public("other")), "denied");
  EXPECT_EQ(check(keys_.pgp_sign("other", text_), keys_.pgp_public("right") + keys_.pgp_public("other")), "denied");
  EXPECT_EQ(check(signature, "no key"), "denied");
  EXPECT_EQ(check(signature, std::string(kMostPublicKeyBytes + 1, 'x')), "invalid");
}

TEST_F(ProofTest, ARevokedKeyProvesNothing) {
  const std::string fingerprint = keys_.pgp_key("gone");
  certify("gone");
  const std::string signature = keys_.pgp_sign("gone", text_);
  EXPECT_EQ(check(signature), "pgp key " + fingerprint);
  keys_.pgp_revoke(fingerprint);
  certify("gone");
  EXPECT_EQ(check(signature), "denied");
}

TEST_F(ProofTest, AnExpiredKeyProvesNothing) {
  keys_.pgp_key("old", "1d", "20200101T000000!");
  certify("old");
  EXPECT_EQ(check(keys_.pgp_sign("old", text_, "--detach-sign", "20200101T010000!")), "denied");
}

}  // namespace
}  // namespace moenet::controlplane
