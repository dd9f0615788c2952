#include "bird/config_text.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace moenet::bird {
namespace {

std::vector<std::string> includes(std::string_view text) {
  std::vector<std::string> patterns;
  for (const ConfigItem& item : items_of(text)) {
    if (const auto* include = std::get_if<IncludeStatement>(&item)) {
      patterns.push_back(std::to_string(include->line) + " " + include->pattern);
    }
  }
  return patterns;
}

std::vector<std::string> definitions(std::string_view text) {
  std::vector<std::string> names;
  for (const ConfigItem& item : items_of(text)) {
    const auto* definition = std::get_if<Definition>(&item);
    if (definition == nullptr) continue;
    constexpr const char* kKinds[] = {"template ", "filter ", "protocol "};
    names.push_back(kKinds[static_cast<int>(definition->kind)] + definition->name);
  }
  return names;
}

using Names = std::vector<std::string>;

// What BIRD 2.0.12 and 3.1.8 do with each was tried.
TEST(ConfigText, KnowsIncludesOnlyAtTheStartOfALine) {
  EXPECT_EQ(includes("include \"a\";"), Names{"1 a"});
  EXPECT_EQ(includes("\n \tinclude\t\"a b/*.conf\" \t ;x"), Names{"2 a b/*.conf"});
  EXPECT_EQ(includes("include \"a\"; include \"b\";"), Names{"1 a"});
  EXPECT_EQ(includes("protocol static s {\ninclude \"r\";\n}"), Names{"2 r"});
  EXPECT_EQ(includes("x include \"a\";"), Names{});
  EXPECT_EQ(includes("/* x */ include \"a\";"), Names{});
  EXPECT_EQ(includes("/* x\n*/include \"a\";\ninclude \"b\";"), Names{"3 b"});
  EXPECT_EQ(includes("include\n\"a\";"), Names{});
  EXPECT_EQ(includes("include \"a\"\n;"), Names{});
  EXPECT_EQ(includes("include \"a\" # ;\n;"), Names{});
  EXPECT_EQ(includes("include \"\";"), Names{});
  EXPECT_EQ(includes("include \"a"), Names{});
}

TEST(ConfigText, PassesOverCommentsAndStrings) {
  EXPECT_EQ(includes("# include \"a\";\n//\ninclude \"b\";"), Names{"3 b"});
  EXPECT_EQ(includes("/*\ninclude \"a\";\n*/\ninclude \"b\";"), Names{"4 b"});
  EXPECT_EQ(includes("# /*\ninclude \"b\";"), Names{"2 b"});
  EXPECT_EQ(includes("log \"/* # \" all;\ninclude \"b\";"), Names{"2 b"});
  EXPECT_EQ(includes("/* \" */\ninclude \"b\";"), Names{"2 b"});
  EXPECT_EQ(includes("/* never closed\ninclude \"b\";"), Names{});
}

TEST(ConfigText, FindsDefinitionsWhereStatementsBegin) {
  EXPECT_EQ(definitions("filter a { accept; }\nfilter 'b-c'\n{ reject; }"), (Names{"filter a", "filter b-c"}));
  EXPECT_EQ(definitions("template bgp dn42_peer { local as 1; }\ntemplate ospf x {}"), Names{"template dn42_peer"});
  EXPECT_EQ(definitions("protocol bgp p from t { ipv4 { import filter f; export filter g; }; }"), Names{"protocol p"});
  EXPECT_EQ(definitions("protocol device { }\nprotocol bgp from t {}\nprotocol static s4 {}"), Names{"protocol s4"});
  EXPECT_EQ(definitions("/* filter a {} */ # filter b {}\nfilter /* x */ c # y\n{ }"), Names{"filter c"});
  EXPECT_EQ(definitions("log \"; filter a {\" all;"), Names{});
  EXPECT_EQ(definitions("define x = 1; filter f { }"), Names{"filter f"});
  EXPECT_EQ(definitions("include \"a\";filter f { }"), Names{"filter f"});
}

TEST(ConfigText, CountsLines) {
  const auto items = items_of("/*\n\n*/\nfilter\n a {}");
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(std::get<Definition>(items[0]).line, 5);
}

RC_GTEST_PROP(ConfigText, FindsAnIncludeAfterAnyCompleteLineWithoutCommentsAndQuotes, ()) {
  const auto letters = rc::gen::elementOf(std::string("ab {};=\n\t!*#"));
  const std::string before = *rc::gen::container<std::string>(letters);
  const auto found = includes(before + "\ninclude \"x\";\n");
  RC_ASSERT(found.size() == 1);
}

}  // namespace
}  // namespace moenet::bird
