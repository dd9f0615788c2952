#include "base/shared_text.h"

#include <map>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

namespace moenet {
namespace {

const void* place_of(const SharedText& text) { return text.view().data(); }

TEST(SharedText, HoldsTheTextItWasMadeOf) {
  std::string source(100, 'x');
  const SharedText text{source};
  source.assign("other");
  EXPECT_EQ(text, std::string(100, 'x'));
  EXPECT_EQ(text.size(), 100u);
  EXPECT_TRUE(SharedText().empty());
  EXPECT_TRUE(SharedText("").empty());
  EXPECT_EQ(SharedText(), "");
  EXPECT_EQ(SharedText(std::string_view("a\0b", 3)).size(), 3u);
}

TEST(SharedText, CopiesShareAndOutliveTheFirst) {
  SharedText copy;
  const void* place = nullptr;
  {
    const SharedText first("session/1");
    place = place_of(first);
    copy = first;
  }
  EXPECT_EQ(copy, "session/1");
  EXPECT_EQ(place_of(copy), place);
  const SharedText moved = std::move(copy);
  EXPECT_EQ(place_of(moved), place);
  EXPECT_TRUE(copy.empty());  // NOLINT: what is left of it is defined
}

TEST(SharedText, IsAssignedToItself) {
  SharedText text("a");
  const SharedText& same = text;
  text = same;
  EXPECT_EQ(text, "a");
}

TEST(SharedText, ComparesByTextWhereverItIs) {
  const SharedText a("a");
  EXPECT_EQ(a, SharedText("a"));
  EXPECT_NE(a, SharedText("b"));
  EXPECT_LT(a, SharedText("b"));
  EXPECT_GT(a, SharedText());
  EXPECT_EQ(a, std::string_view("a"));
  EXPECT_EQ("a", a);
  EXPECT_LT(a, std::string("b"));
  const std::map<SharedText, int, std::less<>> map{{"b", 2}, {"a", 1}};
  EXPECT_EQ(map.begin()->second, 1);
  EXPECT_TRUE(map.contains(std::string_view("b")));
  EXPECT_TRUE(std::unordered_set<SharedText>{a}.contains(SharedText("a")));
  EXPECT_EQ(fmt::format("{:>3}", a), "  a");
}

TEST(SharedText, IsTheKnownOneWhereThatSaysTheSame) {
  const SharedText known("up");
  EXPECT_EQ(place_of(shared_with(known, std::string("up"))), place_of(known));
  EXPECT_EQ(shared_with(known, "down"), "down");
}

TEST(SharedText, MayBeCopiedByManyThreads) {
  const SharedText text("shared");
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([copy = text] {
        for (int n = 0; n < 10'000; ++n) {
          SharedText other = copy;
          other = SharedText("own");
        }
      });
    }
  }
  EXPECT_EQ(text, "shared");
}

}  // namespace
}  // namespace moenet
