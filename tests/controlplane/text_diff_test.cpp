#include "controlplane/text_diff.h"

#include <gtest/gtest.h>

namespace moenet::controlplane {
namespace {

std::string lines(int first, int last) {
  std::string text;
  for (int i = first; i <= last; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

TEST(TextDiff, EqualTextsHaveNone) {
  EXPECT_EQ(unified_diff("x", "", ""), "");
  EXPECT_EQ(unified_diff("x", "a\nb\n", "a\nb\n"), "");
}

TEST(TextDiff, AChangedLineStandsAmongThreeOfEachSide) {
  std::string after = lines(1, 9);
  after.replace(after.find("line 5"), 6, "LINE 5");
  EXPECT_EQ(unified_diff("x", lines(1, 9), after),
            "--- a/x\n+++ b/x\n@@ -2,7 +2,7 @@\n line 2\n line 3\n line 4\n-line 5\n+LINE 5\n line 6\n line 7\n line "
            "8\n");
}

TEST(TextDiff, AFileThatComesOrGoesHasNoOtherSide) {
  EXPECT_EQ(unified_diff("x", "", "a\nb\n"), "--- /dev/null\n+++ b/x\n@@ -0,0 +1,2 @@\n+a\n+b\n");
  EXPECT_EQ(unified_diff("x", "a\n", ""), "--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n");
}

TEST(TextDiff, ChangesFarApartAreHunksOfTheirOwn) {
  std::string after = lines(1, 20);
  after.insert(0, "first\n");
  after += "last\n";
  EXPECT_EQ(unified_diff("x", lines(1, 20), after),
            "--- a/x\n+++ b/x\n@@ -1,3 +1,4 @@\n+first\n line 1\n line 2\n line 3\n@@ -18,3 +19,4 @@\n line 18\n line "
            "19\n line 20\n+last\n");
}

TEST(TextDiff, WhatIsCloseTogetherIsOneHunk) {
  EXPECT_EQ(unified_diff("x", "a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n"),
            "--- a/x\n+++ b/x\n@@ -1,8 +1,8 @@\n-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
}

TEST(TextDiff, TextsTooLargeToCompareAreOneHunk) {
  std::string before = lines(1, 3'000);
  std::string after = lines(5'001, 8'000);
  const std::string diff = unified_diff("x", before, after);
  EXPECT_TRUE(diff.starts_with("--- a/x\n+++ b/x\n@@ -1,3000 +1,3000 @@\n-line 1\n")) << diff.substr(0, 80);
  EXPECT_TRUE(diff.ends_with("+line 8000\n"));
}

}  // namespace
}  // namespace moenet::controlplane
