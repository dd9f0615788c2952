#include "reconcile/name_table.h"

#include <string>

#include <gtest/gtest.h>

namespace moenet::reconcile {
namespace {

TEST(NameTable, NumbersNamesInTheOrderOfTheirFirstAppearance) {
  NameTable table(2);
  EXPECT_EQ(table.put("a"), 0u);
  EXPECT_EQ(table.put("b"), 1u);
  EXPECT_EQ(table.put("a"), 0u);
  EXPECT_EQ(table.find("b"), 1u);
  EXPECT_EQ(table.find("c"), NameTable::kNone);
}

TEST(NameTable, HoldsAsManyNamesAsItWasMadeFor) {
  std::vector<std::string> names;
  for (int i = 0; i < 5'000; ++i) names.push_back(std::to_string(i));
  NameTable table(names.size());
  for (std::uint32_t i = 0; i < names.size(); ++i) ASSERT_EQ(table.put(names[i]), i);
  for (std::uint32_t i = 0; i < names.size(); ++i) ASSERT_EQ(table.find(names[i]), i);
  EXPECT_EQ(table.find("5000"), NameTable::kNone);
}

TEST(NameTable, FindsNothingWhenItIsEmpty) { EXPECT_EQ(NameTable(0).find(""), NameTable::kNone); }

}  // namespace
}  // namespace moenet::reconcile
