#include "controlplane/query_body.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace moenet::controlplane {
namespace {

namespace json = boost::json;

TEST(OfferedTools, AreThoseOfTheHeartbeatThatWeKnow) {
  const auto offered = [](const char* status) {
    Node node;
    node.status_json = status;
    return offered_tools(node);
  };
  EXPECT_EQ(offered(R"({"lookingGlass":["route","ping","reboot","ping",5]})"),
            (std::vector<std::string>{"ping", "route"}));
  for (const char* status : {"", "{}", "[]", "null", R"({"lookingGlass":true})", R"({"lookingGlass":{}})", "{"})
    EXPECT_TRUE(offered(status).empty()) << status;
}

TEST(QueryDraft, TakesWhatAToolNeedsAndNothingElse) {
  const auto draft =
      read_query_draft(json::parse(R"({"tool":"dig","target":"x.dn42","type":"TXT","server":"fd42::1"})"));
  ASSERT_TRUE(draft);
  EXPECT_EQ(draft->tool, "dig");
  EXPECT_EQ(draft->target, "x.dn42");
  EXPECT_EQ(json::parse(draft->arguments), json::parse(R"({"target":"x.dn42","type":"TXT","server":"fd42::1"})"));
  EXPECT_TRUE(read_query_draft(json::parse(R"({"tool":"tcping","target":"fd42::1","port":53})")));
  const std::pair<std::string, std::string_view> table[] = {
      {R"({"target":"x"})", "tool"},
      {R"({"tool":"reboot","target":"x"})", "tool"},
      {R"({"tool":5,"target":"x"})", "tool"},
      {R"({"tool":"ping"})", "target"},
      {R"({"tool":"ping","target":""})", "target"},
      {R"({"tool":"ping","target":["x"]})", "target"},
      {R"({"tool":"ping","target":"a b"})", "target"},
      {R"({"tool":"ping","target":"a\nb"})", "target"},
      {R"({"tool":"ping","target":"\u20ac"})", "target"},
      {R"({"tool":"ping","target":")" + std::string(261, 'a') + R"("})", "target"},
      {R"({"tool":"tcping","target":"x","port":0})", "port"},
      {R"({"tool":"tcping","target":"x","port":"53"})", "port"},
      {R"({"tool":"dig","target":"x","type":5})", "type"},
      {R"({"tool":"dig","target":"x","server":"a b"})", "server"},
      {R"({"tool":"ping","target":"x","count":1000})", "count"},
  };
  for (const auto& [text, field] : table) {
    const auto refused = read_query_draft(json::parse(text));
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().field, field) << text;
  }
  EXPECT_FALSE(read_query_draft(json::parse("[]")));
}

TEST(QueryAnswer, IsAResultOrAnErrorAndText) {
  EXPECT_TRUE(read_query_answer(R"({"result":"x\n","data":{}})"));
  EXPECT_TRUE(read_query_answer(R"({"status":422,"error":"no"})"));
  for (const char* text : {"", "5", "[]", "{}", R"({"result":5})", R"({"error":null})", R"({"result":"x")"})
    EXPECT_FALSE(read_query_answer(text)) << text;
  EXPECT_FALSE(read_query_answer(R"({"result":")" + std::string(129u << 10, 'x') + R"("})"));
  const auto torn = read_query_answer("{\"result\":\"a\xff\"}");
  ASSERT_TRUE(torn);
  EXPECT_EQ(torn->find('\xff'), std::string::npos);
}

TEST(QueryAnswer, BecomesWhatWhoAskedIsTold) {
  const QueryDraft draft{"ping", "172.20.0.53", "{}"};
  const auto response = query_response("jp1", draft, R"({"result":"a\u001b[31mb\n","data":{"sent":5},"more":1})");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(
      json::parse(response.body),
      json::parse(R"({"node":"jp1","tool":"ping","target":"172.20.0.53","result":"a[31mb\n","data":{"sent":5}})"));
  EXPECT_TRUE(json::parse(query_response("jp1", draft, R"({"result":"x","data":[1]})").body).at("data").is_null());
  const std::tuple<const char*, int, std::string_view> table[] = {
      {R"({"status":422,"error":"no target"})", 422, "target"},
      {R"({"status":404,"error":"no host"})", 422, "target"},
      {R"({"status":403,"error":"not offered"})", 409, "tool"},
      {R"({"status":504,"error":"slow"})", 504, ""},
      {R"({"status":503,"error":"no BIRD"})", 503, ""},
      {R"({"status":200,"error":"?"})", 503, ""},
      {R"({"error":"?"})", 503, ""},
      {R"({"status":"x","error":5})", 503, ""}};
  for (const auto& [answer, status, field] : table) {
    const auto told = query_response("jp1", draft, answer);
    EXPECT_EQ(told.status, status) << answer;
    EXPECT_EQ(told.headers.find("Content-Type"), "application/problem+json");
    const auto body = json::parse(told.body).as_object();
    EXPECT_EQ(body.contains("field") ? std::string_view(body.at("field").as_string()) : "", field) << answer;
  }
  const auto limited = query_response("jp1", draft, R"({"status":429,"error":"slowly","retryAfter":3})");
  EXPECT_EQ(limited.status, 429);
  EXPECT_EQ(limited.headers.find("Retry-After"), "3");
  EXPECT_EQ(query_response("jp1", draft, R"({"status":429,"error":"x","retryAfter":-7})").headers.find("Retry-After"),
            "1");
}

}  // namespace
}  // namespace moenet::controlplane
