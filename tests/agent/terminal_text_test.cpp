#include "agent/terminal_text.h"

#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

TEST(TerminalText, ColoursOnlyWhereTheyAreWanted) {
  EXPECT_TRUE(wants_colour(true, nullptr, "xterm"));
  EXPECT_TRUE(wants_colour(true, "", "xterm")) << "no-color.org: only when it is not empty";
  EXPECT_FALSE(wants_colour(true, "1", "xterm"));
  EXPECT_FALSE(wants_colour(false, nullptr, "xterm"));
  EXPECT_FALSE(wants_colour(true, nullptr, "dumb"));
  EXPECT_FALSE(wants_colour(true, nullptr, nullptr));
  EXPECT_EQ(Paint(false)(Ink::red, "x"), "x");
  EXPECT_EQ(Paint(true)(Ink::red, "x"), "\x1b[1;31mx\x1b[0m");
}

TEST(TerminalText, WidthsAreInCharacters) {
  EXPECT_EQ(left("äö", 4), "äö  ");
  EXPECT_EQ(right("äö", 4), "  äö");
  EXPECT_EQ(left("äöüß", 3), "äö…");
  EXPECT_EQ(wrapped("äöü äöü", 3), (std::vector<std::string>{"äöü", "äöü"}));
}

TEST(TerminalText, WrapsAtSpacesWhereThereAreSome) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(wrapped("", 5), Lines{""});
  EXPECT_EQ(wrapped("12345", 5), Lines{"12345"});
  EXPECT_EQ(wrapped("ab cd ef", 5), (Lines{"ab cd", "ef"}));
  EXPECT_EQ(wrapped("abcdefgh", 5), (Lines{"abcde", "fgh"}));
  EXPECT_EQ(wrapped("ab     cdefgh i", 5), (Lines{"ab   ", "cdefg", "h i"}));
  EXPECT_EQ(wrapped("      ", 3), (Lines{"   "}));
}

TEST(TerminalText, AmountsFitFiveColumns) {
  const std::pair<double, const char*> amounts[] = {{0, "0"},          {999, "999"},      {999.6, "1.0k"},
                                                    {12'345, "12.3k"}, {99'949, "99.9k"}, {99'950, "100k"},
                                                    {999'499, "999k"}, {1e6, "1.0M"},     {4e18, "4.0E"}};
  for (const auto& [value, text] : amounts) EXPECT_EQ(short_amount(value), text);
  const std::pair<std::int64_t, const char*> spans[] = {{0, "0s"},         {99, "99s"},     {100, "1m"},
                                                        {5999, "99m"},     {6000, "1h40m"}, {36'000, "10h"},
                                                        {86'400, "1d00h"}, {864'000, "10d"}};
  for (const auto& [value, text] : spans) EXPECT_EQ(short_span(value), text);
  const std::pair<double, const char*> decimals[] = {
      {0, "0.00"}, {9.99, "9.99"}, {9.996, "10.0"}, {999.94, "999.9"}, {999.96, "1000"}};
  for (const auto& [value, text] : decimals) EXPECT_EQ(short_decimal(value), text);
  EXPECT_EQ(short_amount({}) + short_span({}) + short_decimal({}), "---");
}

}  // namespace
}  // namespace moenet::agent
