#include "model/json_reader.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace moenet::model {
namespace {

namespace json = boost::json;

TEST(ParseJson, NamesTheOffsetOfAFault) {
  const auto value = parse_json(R"({"a": x})");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code, Errc::invalid);
  EXPECT_NE(value.error().what.find("at byte 6"), std::string::npos) << value.error().what;
}

TEST(ParseJson, RefusesWhatFollowsTheText) {
  EXPECT_TRUE(parse_json("{} \n"));
  EXPECT_FALSE(parse_json("{} {}"));
  EXPECT_FALSE(parse_json(""));
  EXPECT_FALSE(parse_json(R"({"a":)"));
}

TEST(ParseJson, RefusesMoreThan32Levels) {
  EXPECT_TRUE(parse_json(std::string(32, '[') + std::string(32, ']')));
  EXPECT_FALSE(parse_json(std::string(33, '[') + std::string(33, ']')));
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')));
}

TEST(ParseJson, RefusesMoreThan64Megabytes) {
  const std::string text = "\"" + std::string(kJsonBytesMax, 'x') + "\"";
  EXPECT_FALSE(parse_json(text));
}

TEST(ParseJson, LetsInvalidUtf8Through) { EXPECT_TRUE(parse_json("{\"a\":\"\xFF\xC0\x80\"}")); }

TEST(ParseJson, ReplacesLoneSurrogates) {
  const auto lone = parse_json(R"(["a\ud800b", "\udc00", "\ud83d\ude00", "\\ud800"])");
  ASSERT_TRUE(lone) << lone.error().what;
  EXPECT_EQ(lone->at(0).as_string(),
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(lone->at(1).as_string(), "\xEF\xBF\xBD");
  EXPECT_EQ(lone->at(2).as_string(), "\xF0\x9F\x98\x80");
  EXPECT_EQ(lone->at(3).as_string(), "\\ud800");
  EXPECT_FALSE(parse_json(R"(["\ud800", x])"));
}

TEST(ParseJson, KeepsALargeValueAfterTheTextIsGone) {
  json::value value;
  {
    const std::string text = "[\"" + std::string(100'000, 'x') + "\", 1]";
    auto parsed = parse_json(text);
    ASSERT_TRUE(parsed);
    value = *parsed;
  }
  EXPECT_EQ(value.at(0).as_string().size(), 100'000u);
}

RC_GTEST_PROP(ParseJson, NeverThrows, (const std::string& text)) { static_cast<void>(parse_json(text)); }

struct IntegerCase {
  const char* text;
  std::optional<std::int64_t> expected;
};

TEST(IntegerIn, ReadsEveryFormOfAWholeNumber) {
  const IntegerCase cases[] = {{"5", 5},
                               {"-5", -5},
                               {"5.0", 5},
                               {"\"5\"", 5},
                               {"\" 5\\n\"", 5},
                               {"5.5", {}},
                               {"\"5.5\"", {}},
                               {"\"\"", {}},
                               {"\"0x5\"", {}},
                               {"\"5 6\"", {}},
                               {"true", {}},
                               {"null", {}},
                               {"[5]", {}},
                               {"{}", {}},
                               {"1e3", 1000},
                               {"1e300", {}},
                               {"18446744073709551615", {}},
                               {"9223372036854775807", INT64_MAX},
                               {"99999999999999999999999", {}},
                               {"\"99999999999999999999\"", {}}};
  for (const IntegerCase& c : cases) EXPECT_EQ(integer_in(json::parse(c.text)), c.expected) << c.text;
}

class Reader : public ::testing::Test {
 protected:
  JsonReader read(const char* text) {
    value_ = json::parse(text);
    return JsonReader(value_, faults_);
  }
  json::value value_;
  std::vector<JsonFault> faults_;
};

TEST_F(Reader, TakesNullAndAbsentAsOne) {
  const JsonReader reader = read(R"({"a": null})");
  EXPECT_EQ(reader.find("a"), nullptr);
  EXPECT_TRUE(reader.has("a"));
  EXPECT_FALSE(reader.has("b"));
  EXPECT_EQ(reader.integer("a", 0, 9), std::nullopt);
  EXPECT_EQ(reader.text("b", 9), std::nullopt);
  EXPECT_EQ(reader.boolean("a"), std::nullopt);
  EXPECT_EQ(reader.address("a", IpFamily::v4), std::nullopt);
  EXPECT_TRUE(reader.object("a").texts("c", 9, 9).empty());
  EXPECT_TRUE(faults_.empty());
}

TEST_F(Reader, NotesEveryFaultWithItsPathAndValue) {
  const JsonReader reader = read(R"({"bird": {"poolSize": "many", "x": [1]}, "node": 7, "port": 70000})");
  const JsonReader bird = reader.object("bird");
  EXPECT_FALSE(bird.integer("poolSize", 1, 64));
  EXPECT_FALSE(bird.text("x", 10));
  EXPECT_FALSE(reader.object("node").text("name", 10));
  EXPECT_FALSE(reader.integer("port", 0, 65535));
  ASSERT_EQ(faults_.size(), 4u);
  EXPECT_EQ(faults_[0].text(), "bird.poolSize: 'many' is not a number from 1 to 64");
  EXPECT_EQ(faults_[1].text(), "bird.x: a list is not a string");
  EXPECT_EQ(faults_[2].text(), "node: 7 is not an object");
  EXPECT_EQ(faults_[3].text(), "port: 70000 is not a number from 0 to 65535");
}

TEST_F(Reader, NeverShowsASecret) {
  const JsonReader reader = read(R"({"a": "hunter2\n", "b": 12345, "c": "ok", "d": ""})");
  EXPECT_FALSE(reader.secret("a", 80));
  EXPECT_FALSE(reader.secret("b", 80));
  ASSERT_TRUE(reader.secret("c", 80));
  EXPECT_EQ(reader.secret("c", 80)->reveal(), "ok");
  EXPECT_FALSE(reader.secret("d", 80));
  EXPECT_FALSE(reader.secret("c", 1));
  ASSERT_EQ(faults_.size(), 3u);
  for (const JsonFault& fault : faults_) {
    EXPECT_TRUE(fault.value.empty());
    EXPECT_EQ(fault.text().find("hunter2"), std::string::npos);
    EXPECT_EQ(fault.text().find("12345"), std::string::npos);
  }
}

TEST_F(Reader, EscapesAndShortensWhatItShows) {
  const std::string text = R"({"a": "x\ny)" + std::string(500, 'z') + "\"}";
  EXPECT_FALSE(read(text.c_str()).boolean("a"));
  ASSERT_EQ(faults_.size(), 1u);
  EXPECT_EQ(faults_[0].value.find('\n'), std::string::npos);
  EXPECT_LT(faults_[0].value.size(), 100u);
}

TEST_F(Reader, ReadsBooleansOfEverySpelling) {
  const JsonReader reader = read(R"({"a": true, "b": 0, "c": "true", "d": "1", "e": "yes", "f": 2, "g": ""})");
  EXPECT_EQ(reader.boolean("a"), true);
  EXPECT_EQ(reader.boolean("b"), false);
  EXPECT_EQ(reader.boolean("c"), true);
  EXPECT_EQ(reader.boolean("d"), true);
  EXPECT_EQ(reader.boolean("g"), std::nullopt);
  EXPECT_TRUE(faults_.empty());
  EXPECT_EQ(reader.boolean("e"), std::nullopt);
  EXPECT_EQ(reader.boolean("f"), std::nullopt);
  EXPECT_EQ(faults_.size(), 2u);
}

TEST_F(Reader, DropsPrefixLengthAndZoneOfAnAddress) {
  const JsonReader reader =
      read(R"({"a": "fe80::1/64", "b": "172.20.0.1/32", "c": "fe80::1%eth0/64", "d": " fd00::1 "})");
  EXPECT_EQ(reader.address("a", IpFamily::v6)->text(), "fe80::1");
  EXPECT_EQ(reader.address("b", IpFamily::v4)->text(), "172.20.0.1");
  EXPECT_EQ(reader.address("c", IpFamily::v6)->text(), "fe80::1");
  EXPECT_EQ(reader.address("d", IpFamily::v6)->text(), "fd00::1");
  EXPECT_TRUE(faults_.empty());
}

TEST_F(Reader, RefusesAddressesThatNoPeerCanHave) {
  const char* bad[] = {"\"fd00::1\"", "\"0.0.0.0\"", "\"224.0.0.1\"", "\"1.2.3.4/33\"", "\"x\"", "5", "[]"};
  for (const char* text : bad) {
    faults_.clear();
    EXPECT_FALSE(read(("{\"a\":" + std::string(text) + "}").c_str()).address("a", IpFamily::v4)) << text;
    EXPECT_EQ(faults_.size(), 1u) << text;
  }
}

TEST_F(Reader, ReadsAListOfStringsOrOneAlone) {
  const JsonReader reader = read(R"({"a": ["x", "y"], "b": "x", "c": [1], "d": ["x", "y", "z"], "e": {}})");
  EXPECT_EQ(reader.texts("a", 2, 9), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(reader.texts("b", 2, 9), (std::vector<std::string>{"x"}));
  EXPECT_TRUE(faults_.empty());
  EXPECT_TRUE(reader.texts("c", 2, 9).empty());
  EXPECT_TRUE(reader.texts("d", 2, 9).empty());
  EXPECT_TRUE(reader.texts("e", 2, 9).empty());
  EXPECT_EQ(faults_.size(), 3u);
}

TEST_F(Reader, NamesUnknownKeysButNoComments) {
  const JsonReader reader = read(R"({"a": {"x": 1, "_comment": "", "_comment2": "", "y": 2}})");
  EXPECT_EQ(reader.object("a").unknown_keys({"x"}), (std::vector<std::string>{"a.y"}));
}

TEST_F(Reader, CutsFreeTextAtACharacter) {
  const JsonReader reader = read("{\"a\": \"\xC3\xA4\xC3\xA4\", \"b\": 12, \"c\": []}");
  EXPECT_EQ(reader.free_text("a", 3), "\xC3\xA4");
  EXPECT_EQ(reader.free_text("b", 3), "12");
  EXPECT_EQ(reader.free_text("c", 3), "");
  EXPECT_TRUE(faults_.empty());
}

}  // namespace
}  // namespace moenet::model
