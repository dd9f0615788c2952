#include "model/config_reader.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace moenet::model {
namespace {

namespace json = boost::json;

TEST(ConfigReader, TakesAnObjectAndNamesTheFileOfWhatIsNone) {
  EXPECT_TRUE(parse_config(R"({"a":1})", "/etc/x.json").value().is_object());
  EXPECT_EQ(parse_config("[]", "/etc/x.json").error(), (Error{Errc::invalid, "/etc/x.json: expected a JSON object"}));
  const auto broken = parse_config("{", "/etc/x.json");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Errc::invalid);
  EXPECT_TRUE(broken.error().what.starts_with("/etc/x.json: ")) << broken.error().what;
}

TEST(ConfigReader, TakesAbsolutePathsOnly) {
  const json::value value =
      json::parse(R"({"good":"/a b","relative":"a","quote":"/a\"","line":"/a\nb","nul":"/a\u0000"})");
  std::vector<JsonFault> faults;
  const JsonReader reader(value, faults);
  std::string path = "/as before";
  for (const char* key : {"relative", "quote", "line", "nul", "absent"}) read_path(reader, key, path);
  EXPECT_EQ(path, "/as before");
  ASSERT_EQ(faults.size(), 4u);
  EXPECT_EQ(faults[0].text(), "relative: 'a' is not an absolute path without quotes or line breaks");
  read_path(reader, "good", path);
  EXPECT_EQ(path, "/a b");
}

TEST(ConfigReader, WarnsOfUnknownKeys) {
  const json::value value = json::parse(R"({"a":1,"b":2,"_comment":3})");
  std::vector<JsonFault> faults;
  std::vector<std::string> warnings{"before"};
  warn_of_unknown_keys(JsonReader(value, faults, "top"), {"a"}, warnings);
  EXPECT_EQ(warnings, (std::vector<std::string>{"before", "unknown key top.b is ignored"}));
}

TEST(ConfigReader, ListensOnAddresses) {
  EXPECT_EQ(listen_endpoint(":80")->text(), "[::]:80");
  EXPECT_EQ(listen_endpoint("192.0.2.1:80")->text(), "192.0.2.1:80");
  EXPECT_EQ(listen_endpoint("[2001:db8::1]:80")->text(), "[2001:db8::1]:80");
  for (const char* text : {"", ":", "80", "a.example:80", ":65536"}) EXPECT_FALSE(listen_endpoint(text)) << text;
}

}  // namespace
}  // namespace moenet::model
