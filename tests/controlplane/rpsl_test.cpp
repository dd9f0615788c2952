#include "controlplane/rpsl.h"

#include <gtest/gtest.h>

namespace moenet::controlplane {
namespace {

TEST(Rpsl, ReadsNamesValuesCommentsAndContinuations) {
  const auto object = parse_rpsl(
      "% a server's remark\n"
      "# a comment\n"
      "\n"
      "Aut-Num:   AS4242420101   # mine\r\n"
      "descr:     one\n"
      "           two\n"
      "+\n"
      "\tthree\n"
      "remarks:\n"
      "# between\n"
      "mnt-by:    A-MNT\n"
      "mnt-by:    B-MNT\n"
      "\n\n");
  ASSERT_TRUE(object) << object.error().what;
  EXPECT_EQ(*object, (RpslObject{{"aut-num", "AS4242420101"},
                                 {"descr", "one\ntwo\n\nthree"},
                                 {"remarks", ""},
                                 {"mnt-by", "A-MNT"},
                                 {"mnt-by", "B-MNT"}}));
  EXPECT_EQ(values_of(*object, "mnt-by"), (std::vector<std::string_view>{"A-MNT", "B-MNT"}));
  EXPECT_EQ(value_of(*object, "nothing"), "");
}

TEST(Rpsl, SaysWhereItIsAtFault) {
  const auto fault = [](std::string_view text) {
    const auto object = parse_rpsl(text);
    return object ? std::string("none") : object.error().what;
  };
  EXPECT_EQ(fault(""), "no object");
  EXPECT_EQ(fault("# only this\n"), "no object");
  EXPECT_EQ(fault(" continued: x"), "line 1: continues nothing");
  EXPECT_EQ(fault("a: b\nnot an attribute"), "line 2: expected NAME: VALUE");
  EXPECT_EQ(fault("a b: c"), "line 1: expected NAME: VALUE");
  EXPECT_EQ(fault(": c"), "line 1: expected NAME: VALUE");
  EXPECT_EQ(fault("a: b\n\nc: d"), "line 3: a second object");
  EXPECT_EQ(fault(std::string_view("a: \0", 4)), "not UTF-8 text");
  EXPECT_EQ(fault("a: \xff"), "not UTF-8 text");
  EXPECT_EQ(fault("a: " + std::string(kMostObjectBytes, 'x')), "too large for an object");
  std::string lines;
  for (int i = 0; i < 20'001; ++i) lines += "a:\n";
  EXPECT_EQ(fault(lines), "line 20001: too many lines");
}

}  // namespace
}  // namespace moenet::controlplane
