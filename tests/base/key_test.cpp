#include "base/key.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace moenet {
namespace {

constexpr std::string_view kText = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";  // bytes 0 to 31

TEST(Key, ReadsAndPrintsBase64AndHex) {
  const auto key = Key::from_base64(kText);
  ASSERT_TRUE(key);
  for (std::size_t i = 0; i < Key::kBytes; ++i) EXPECT_EQ(key->bytes()[i], i);
  EXPECT_EQ(key->base64(), kText);
  EXPECT_EQ(key->hex(), "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
  EXPECT_EQ(*Key::from_hex("000102030405060708090A0B0C0D0E0F101112131415161718191a1b1c1d1e1f"), *key);
}

RC_GTEST_PROP(Key, ReadsWhatItPrints, (const Key::Bytes& bytes)) {
  const Key key(bytes);
  RC_ASSERT(*Key::from_base64(key.base64()) == key);
  RC_ASSERT(*Key::from_hex(key.hex()) == key);
}

TEST(Key, RefusesEverySpellingButTheCanonicalOne) {
  const std::string good(kText);
  std::vector<std::string> bad{"",
                               "=",
                               good + "\n",
                               " " + good,
                               good.substr(1),
                               good.substr(0, 43),
                               good + "=",
                               std::string(44, '='),
                               std::string(43, '\0') + "="};
  // 43 characters carry two bits too many: with them set, other text would mean the same key.
  for (const char last : {'9', '+', '/'}) bad.push_back(good.substr(0, 42) + last + "=");
  for (const char wrong : {'-', '_', '=', ' ', '\n', '@', '[', '`', '{', ':', '.', ',', '\x80', '\xff'}) {
    std::string text = good;
    text[10] = wrong;
    bad.push_back(text);
  }
  for (const std::string& text : bad) {
    const auto key = Key::from_base64(text);
    ASSERT_FALSE(key) << text;
    EXPECT_EQ(key.error().code, Errc::invalid);
  }
}

TEST(Key, NeverShowsTheRefusedTextInItsError) {
  const std::string secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZW*=";
  EXPECT_EQ(Key::from_base64(secret).error().what.find("MDEy"), std::string::npos);
}

TEST(Key, RefusesHexOfAnotherLengthOrAlphabet) {
  EXPECT_FALSE(Key::from_hex(std::string(63, '0')));
  EXPECT_FALSE(Key::from_hex(std::string(66, '0')));
  for (const char wrong : {'g', 'G', '/', ':', '@', '`', ' ', '\0'}) {
    std::string text(64, '0');
    text[63] = wrong;
    EXPECT_FALSE(Key::from_hex(text)) << wrong;
  }
}

TEST(Key, IsZeroOnlyWhenEveryByteIs) {
  EXPECT_TRUE(Key().is_zero());
  Key::Bytes bytes{};
  bytes[31] = 0x80;
  EXPECT_FALSE(Key(bytes).is_zero());
  EXPECT_NE(Key(bytes), Key());
}

}  // namespace
}  // namespace moenet
