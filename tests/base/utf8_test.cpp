#include "base/utf8.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace moenet {
namespace {

TEST(Utf8, RefusesWhatRfc3629Forbids) {
  for (const std::string_view bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf0\x80\x80\x80",
                                     "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xc3", "\xff"}) {
    EXPECT_FALSE(first_utf8_character(bad).valid);
    EXPECT_EQ(first_utf8_character(bad).bytes, 1u);
  }
}

RC_GTEST_PROP(Utf8, ReadsWhatItAppends, ()) {
  const auto code = *rc::gen::suchThat(rc::gen::inRange<std::uint32_t>(0, 0x110000),
                                       [](std::uint32_t c) { return c < 0xD800 || c > 0xDFFF; });
  std::string text;
  append_utf8(text, code);
  const Utf8Character read = first_utf8_character(text);
  RC_ASSERT(read.valid && read.code == code && read.bytes == text.size());
}

TEST(Utf8, CutsAfterAWholeCharacter) {
  EXPECT_EQ(valid_utf8("aü", 2), "a");
  EXPECT_EQ(valid_utf8("aü", 3), "aü");
  EXPECT_EQ(valid_utf8("a\xff"
                       "b",
                       10),
            "a\xEF\xBF\xBD"
            "b");
}

}  // namespace
}  // namespace moenet
