#include "agent/query_list.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace moenet::agent {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

std::string list_of(const json::array& queries) {
  return json::serialize(json::object{{"code", 0}, {"message", "Success"}, {"data", {{"queries", queries}}}});
}
json::object query(std::string_view id, std::string_view tool, std::string_view target, const json::value& left = 12) {
  return {{"id", id}, {"tool", tool}, {"arguments", {{"target", target}}}, {"secondsLeft", left}};
}

TEST(QueryList, IsReadIntoQuestions) {
  const auto queries =
      read_queries(list_of({query("a-1", "ping", "172.20.0.53"), query("b", "route", "172.20.0.0/14", "7")}), {});
  ASSERT_TRUE(queries) << queries.error().what;
  ASSERT_EQ(queries->size(), 2u);
  EXPECT_EQ(queries->at(0).id, "a-1");
  EXPECT_EQ(queries->at(0).left, seconds(12));
  EXPECT_EQ(queries->at(0).question, ToolQuestion(PingQuestion{IpAddress::v4({172, 20, 0, 53})}));
  EXPECT_EQ(queries->at(1).question, ToolQuestion(RouteQuestion{IpPrefix::parse("172.20.0.0/14").value()}));
  EXPECT_EQ(queries->at(1).left, seconds(7));
  EXPECT_TRUE(read_queries(list_of({}), {})->empty());
}

TEST(QueryList, WhatIsNotOfferedOrNoTargetIsRefusedByName) {
  LookingGlassSettings settings;
  settings.tools = {Tool::path};
  const auto queries =
      read_queries(list_of({query("1", "ping", "172.20.0.53"), query("2", "reboot", "x"),
                            query("3", "path", "; reboot"), json::object{{"id", "4"}, {"tool", "path"}},
                            json::object{{"id", "5"}, {"tool", "path"}, {"arguments", "172.20.0.53"}},
                            query("6", "path", "a.dn42")}),
                   settings);
  ASSERT_TRUE(queries);
  ASSERT_EQ(queries->size(), 6u);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(queries->at(i).question.error().code, Errc::denied) << i;
  for (std::size_t i = 2; i < 5; ++i) EXPECT_EQ(queries->at(i).question.error().code, Errc::invalid) << i;
  EXPECT_TRUE(queries->at(5).question);
  EXPECT_NE(queries->at(0).question.error().what.find("ping"), std::string::npos);
  settings.enabled = false;
  EXPECT_EQ(read_queries(list_of({query("6", "path", "a.dn42")}), settings)->front().question.error().code,
            Errc::denied);
}

// An id becomes a part of a URL, and there is no end to what a hostile control plane may send.
TEST(QueryList, IsBoundedAndItsIdsAreHarmless) {
  json::array queries{query("../modify", "path", "a"),
                      query("", "path", "a"),
                      query("a b", "path", "a"),
                      query(std::string(65, 'a'), "path", "a"),
                      json::object{{"tool", "path"}},
                      nullptr,
                      5};
  EXPECT_TRUE(read_queries(list_of(queries), {})->empty());
  for (int i = 0; i < 100; ++i) queries.push_back(query("q" + std::to_string(i), "path", "a.dn42", 1'000'000));
  const auto read = read_queries(list_of(queries), {});
  ASSERT_EQ(read->size(), kMostQueries);
  EXPECT_EQ(read->front().left, seconds(60));
  EXPECT_FALSE(read_queries(list_of({query("1", "path", std::string(kQueriesBytesMax, 'a'))}), {}));
  for (const char* text : {"", "[]", "{}", R"({"code":0})", R"({"code":0,"data":[]})", R"({"code":0,"data":{}})",
                           R"({"code":0,"data":{"queries":{}}})", R"({"code":401,"message":"Unauthorized"})"})
    EXPECT_FALSE(read_queries(text, {})) << text;
}

TEST(QueryList, RefusalsSayWhatALocalCallerIsTold) {
  EXPECT_EQ(query_refusal({Errc::denied, "no"}), R"({"status":403,"error":"no"})");
  EXPECT_EQ(query_refusal({Errc::not_found, "a\nb"}), R"({"status":404,"error":"a\\nb"})");
  EXPECT_EQ(query_limit(seconds(3)), R"({"status":429,"error":"this node is asked too much","retryAfter":3})");
}

}  // namespace
}  // namespace moenet::agent
