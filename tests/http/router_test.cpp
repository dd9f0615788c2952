#include "http/router.h"

#include <gtest/gtest.h>

#include "http/target.h"

namespace moenet::http {
namespace {

std::string routed(std::string_view method, std::string_view path) {
  Router router;
  const auto named = [](std::string name) {
    return [name](const Request&, const PathBindings& bindings) -> Answer {
      std::string text = name;
      for (const auto& [key, value] : bindings) text += " " + key + "=" + value;
      return Response::text(200, text);
    };
  };
  router.add("GET", "/", named("root"));
  router.add("GET", "/health", named("health"));
  router.add("POST", "/agent/heartbeat", named("heartbeat"));
  router.add("*", "/agent/{node}/{action}", named("action"));
  Request request;
  request.method = method;
  request.target = path;
  const Answer answer = router.dispatch(request);
  const auto& response = std::get<Response>(answer);
  return response.status == 200 ? response.body : std::to_string(response.status);
}

TEST(Router, FindsTheFirstRouteThatFits) {
  struct Case {
    std::string_view method;
    std::string_view path;
    std::string_view expected;
  };
  for (const Case& c : std::vector<Case>{{"GET", "/", "root"},
                                         {"GET", "/health", "health"},
                                         {"HEAD", "/health", "health"},
                                         {"POST", "/health", "404"},
                                         {"GET", "/Health", "404"},
                                         {"GET", "/health/", "404"},
                                         {"GET", "//health", "404"},
                                         {"POST", "/agent/heartbeat", "heartbeat"},
                                         {"POST", "/agent/jp1/heartbeat", "action action=heartbeat node=jp1"},
                                         {"PUT", "/agent/jp1/modify", "action action=modify node=jp1"},
                                         {"GET", "/agent/jp1", "404"},
                                         {"GET", "/agent/jp1/", "404"},
                                         {"GET", "/agent//config", "404"},
                                         {"GET", "/agent/jp1/config/", "404"},
                                         {"GET", "/agent/%6ap1/config", "action action=config node=jp1"},
                                         {"GET", "/agent/a%2Fb/config", "action action=config node=a/b"},
                                         {"GET", "/agent/a%2/config", "404"},
                                         {"GET", "/agent/%zz/config", "404"},
                                         {"GET", "/agent/../config", "action action=config node=.."},
                                         {"GET", "", "404"},
                                         {"OPTIONS", "*", "404"}}) {
    EXPECT_EQ(routed(c.method, c.path), c.expected) << c.method << ' ' << c.path;
  }
}

TEST(Router, SaysNotFoundAsDeployedServersDo) {
  Request request;
  const Answer answer = Router().dispatch(request);
  EXPECT_EQ(std::get<Response>(answer).body, "404 Not Found");
  EXPECT_EQ(std::get<Response>(answer).headers.find("content-type"), "text/plain; charset=UTF-8");
}

TEST(Target, SplitsPathAndQuery) {
  const Target target = parse_target("/a%20b?x=1&&y=a+b%26&z&x=2&bad=%zz");
  EXPECT_EQ(target.path, "/a%20b");
  const std::vector<std::pair<std::string, std::string>> expected{
      {"x", "1"}, {"y", "a b&"}, {"z", ""}, {"x", "2"}, {"bad", "%zz"}};
  EXPECT_EQ(target.query, expected);
  EXPECT_EQ(parse_target("http://host:80/p?q=1").path, "/p");
  EXPECT_EQ(parse_target("http://host").path, "/");
  EXPECT_EQ(parse_target("?x").path, "/");
  EXPECT_EQ(parse_target("*").path, "*");
}

TEST(Headers, CompareNamesWithoutCaseAndKeepTheirSpelling) {
  Headers headers;
  headers.set("X-MoeNet-Features", "a");
  headers.set("x-moenet-features", "b");
  ASSERT_EQ(headers.all().size(), 1u);
  EXPECT_EQ(headers.all()[0].first, "X-MoeNet-Features");
  EXPECT_EQ(headers.find("X-MOENET-FEATURES"), "b");
  EXPECT_EQ(headers.find("X-MoeNet"), std::nullopt);
}

}  // namespace
}  // namespace moenet::http
