#include "model/session_text.h"

#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace moenet::model {
namespace {

bool same(const std::string& a, const std::string& b) {
  const auto x = SessionText::of(a);
  const auto y = SessionText::of(b);
  return x && y && *x == *y;
}

std::string body_of(const std::string& rows) {
  return R"({"code":0,"data":{"bgpSessions":[)" + rows + R"(]},"message":"ok"})";
}

TEST(SessionText, OrderOfRowsDoesNotCount) {
  EXPECT_TRUE(same(body_of(R"({"uuid":"a"},{"uuid":"b","data":{"x":"}"}})"),
                   body_of(R"( {"uuid":"b","data":{"x":"}"}} ,{"uuid":"a"} )")));
}

TEST(SessionText, AnyOtherByteCounts) {
  const std::string body = body_of(R"({"uuid":"a","n":1},{"uuid":"b"})");
  EXPECT_FALSE(same(body, body_of(R"({"uuid":"a","n":2},{"uuid":"b"})")));
  EXPECT_FALSE(same(body, body_of(R"({"uuid":"a","n":1})")));
  EXPECT_FALSE(same(body, body_of(R"({"uuid":"a","n":1},{"uuid":"a","n":1})")));
  std::string other_code = body;
  other_code[8] = '1';
  EXPECT_FALSE(same(body, other_code));
  EXPECT_FALSE(same(body, body + " "));
}

TEST(SessionText, QuotesAndBracesInStringsDoNotEndARow) {
  EXPECT_TRUE(same(body_of(R"({"n":"\"}],{\\"},{"n":"2"})"), body_of(R"({"n":"2"},{"n":"\"}],{\\"})")));
}

TEST(SessionText, WhatIsNoListOfObjectsIsNotCut) {
  for (const char* rows : {"", "1", "{\"a\":1", "{}{}", "{},", "{\"a\":\"}", "[]", "{} x"})
    EXPECT_FALSE(SessionText::of(body_of(rows))) << rows;
  for (const char* body : {"", "{}", "\"bgpSessions\"", "\"bgpSessions\":", "\"bgpSessions\":[", "\"bgpSessions\":{",
                           "\"bgpSessions\":[{}"}) {
    EXPECT_FALSE(SessionText::of(body)) << body;
  }
}

RC_GTEST_PROP(SessionText, AnyBytesAreCutOrNot, (const std::string& bytes)) {
  const std::string body = body_of(bytes);
  RC_ASSERT(SessionText::of(body) == SessionText::of(body));
}

}  // namespace
}  // namespace moenet::model
