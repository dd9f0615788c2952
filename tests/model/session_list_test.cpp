#include <gtest/gtest.h>

#include "model/session_json.h"
#include "model/session_rows.h"

namespace moenet::model {
namespace {

TEST(Sessions, OneBadRowStopsNoOther) {
  json::object other = good_row();
  other["uuid"] = "00000000-0000-0000-0000-000000000001";
  const json::value data = {{"bgpSessions", {good_row(), nullptr, 5, {{"uuid", "x"}}, other}}};
  const auto rows = read_sessions(data);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 5u);
  EXPECT_EQ(std::count_if(rows->begin(), rows->end(), [](const SessionRow& row) { return row.session.has_value(); }),
            2);
  EXPECT_EQ((*rows)[3].uuid, "00000000-0000-0000-0000-000000000001");
  EXPECT_EQ((*rows)[4].uuid, kUuid);
}

TEST(Sessions, CountsTheFirstOfEqualUuids) {
  json::object second = good_row();
  second["mtu"] = 1300;
  const auto rows = read_sessions({{"bgpSessions", {good_row(), second, second}}});
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_EQ((*rows)[0].session->mtu_bytes, 1420u);
  EXPECT_EQ(fault_of((*rows)[1]), "uuid: listed more than once: the first row counts");
  EXPECT_FALSE((*rows)[2].session);
}

TEST(Sessions, RefusesAnAnswerWithoutAList) {
  for (const char* text :
       {"null", "[]", "{}", R"({"bgpSessions":null})", R"({"bgpSessions":{}})", R"({"bgpSessions":5})"}) {
    const auto rows = read_sessions(json::parse(text));
    ASSERT_FALSE(rows) << text;
    EXPECT_EQ(rows.error().code, Errc::invalid);
  }
  EXPECT_TRUE(read_sessions(json::parse(R"({"bgpSessions":[]})"))->empty());
}

TEST(Envelope, RefusesWhatIsNone) {
  for (const char* text : {"", "null", "[]", "{}", "<html>", "Internal Server Error", R"({"code":"x"})",
                           R"({"data":{}})", R"({"code":0,"data":)", R"({"code":null})"}) {
    const auto data = read_envelope(text);
    ASSERT_FALSE(data) << text;
    EXPECT_EQ(data.error().code, Errc::invalid) << text;
  }
}

TEST(Envelope, TellsWhatTheCallerMayDo) {
  const std::pair<int, Errc> codes[] = {{401, Errc::denied},      {403, Errc::denied},      {404, Errc::not_found},
                                        {422, Errc::invalid},     {429, Errc::unavailable}, {500, Errc::unavailable},
                                        {503, Errc::unavailable}, {-1, Errc::invalid}};
  for (const auto& [code, expected] : codes) {
    const auto data = read_envelope("{\"code\":" + std::to_string(code) + ",\"message\":\"no\\nway\"}");
    ASSERT_FALSE(data);
    EXPECT_EQ(data.error().code, expected) << code;
    EXPECT_EQ(data.error().what.find('\n'), std::string::npos);
  }
  EXPECT_TRUE(read_envelope(R"({"code":0})")->is_null());
  EXPECT_EQ(read_envelope(R"({"code":0,"message":"","data":7,"new":1})")->as_int64(), 7);
}

}  // namespace
}  // namespace moenet::model
