// The page's files as HTTP: which path gets which, and the headers that keep it safe and cheap; then over real sockets.
#include "controlplane/web_page.h"

#include <algorithm>
#include <array>
#include <string>

#include "controlplane/service_fixture.h"

namespace moenet::controlplane {
namespace {

constexpr std::array<WebFile, 3> kFiles = {{{"/assets/index-a1.js", "let plain", "packed", "11"},
                                            {"/assets/icon-b2.svg", "<svg/>", "", "22"},
                                            {"/index.html", "<!doctype html>", "packed html", "33"}}};

http::Request get(std::string target, HeaderList headers = {}) {
  http::Request request;
  request.target = std::move(target);
  for (const auto& [name, value] : headers) request.headers.set(name, value);
  return request;
}

http::Response must_answer(const http::Request& request) {
  auto answer = web_answer(kFiles, request);
  EXPECT_TRUE(answer) << request.target;
  return answer.value_or(http::Response{});
}

TEST(WebPage, EachPlaceOfThePageIsItsIndex) {
  for (const char* place : {"/", "/nodes", "/nodes/jp1", "/nodes/jp1.example", "/sessions/x/edit", "/looking-glass"}) {
    const auto answer = must_answer(get(place));
    EXPECT_EQ(answer.body, "<!doctype html>") << place;
    EXPECT_EQ(answer.headers.find("Content-Type"), "text/html; charset=utf-8");
    EXPECT_EQ(answer.headers.find("Cache-Control"), "no-cache") << "a new version must be seen";
  }
}

TEST(WebPage, WhatIsNoPlaceIsNotAnswered) {
  for (const char* path :
       {"", "nodes", "//", "/nodes/", "/node", "/nodesx", "/a", "/api/v1/admin/nodes", "/health", "/bootstrap/t",
        "/assets", "/assets/", "/assets/none.js", "/sessions/a/b/c", "/../etc/passwd", "/assets/../index.html", "*"}) {
    EXPECT_FALSE(web_answer(kFiles, get(path))) << path;
  }
  http::Request post = get("/");
  post.method = "POST";
  EXPECT_FALSE(web_answer(kFiles, post));
  post.method = "HEAD";
  EXPECT_TRUE(web_answer(kFiles, post));
}

TEST(WebPage, AFileNamedByItsContentIsKeptForAYear) {
  const auto script = must_answer(get("/assets/index-a1.js"));
  EXPECT_EQ(script.body, "let plain");
  EXPECT_EQ(script.headers.find("Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(script.headers.find("Cache-Control"), "public, max-age=31536000, immutable");
  EXPECT_EQ(must_answer(get("/assets/icon-b2.svg")).headers.find("Content-Type"), "image/svg+xml");
}

TEST(WebPage, IsPackedForThoseWhoTakeIt) {
  const auto body = [](const std::string& accepted) {
    return must_answer(get("/assets/index-a1.js", {{"Accept-Encoding", accepted}})).body;
  };
  for (const char* yes : {"gzip", "br, gzip", "deflate,gzip;q=0.5", "gzip; q=1", "gzip;q=0.001"})
    EXPECT_EQ(body(yes), "packed") << yes;
  for (const char* no : {"", "br", "gzip;q=0", "gzip; q=0.000", "x-gzipped", "*"})
    EXPECT_EQ(body(no), "let plain") << no;
  const auto packed = must_answer(get("/assets/index-a1.js", {{"Accept-Encoding", "gzip"}}));
  EXPECT_EQ(packed.headers.find("Content-Encoding"), "gzip");
  EXPECT_EQ(packed.headers.find("Vary"), "Accept-Encoding");
  const auto small = must_answer(get("/assets/icon-b2.svg", {{"Accept-Encoding", "gzip"}}));
  EXPECT_FALSE(small.headers.find("Content-Encoding")) << "packing saved nothing";
}

TEST(WebPage, AHeldFileIsNotSentAgain) {
  const std::string tag(*must_answer(get("/")).headers.find("ETag"));
  const std::string packed_tag(*must_answer(get("/", {{"Accept-Encoding", "gzip"}})).headers.find("ETag"));
  EXPECT_NE(tag, packed_tag) << "another representation";
  for (const std::string& held : {tag, "W/" + tag, "\"x\", " + tag, std::string("*")}) {
    const auto answer = must_answer(get("/", {{"If-None-Match", held}}));
    EXPECT_EQ(answer.status, 304) << held;
    EXPECT_EQ(answer.body, "");
    EXPECT_EQ(answer.headers.find("ETag"), tag);
  }
  for (const std::string& other : {std::string("\"x\""), packed_tag, std::string("33")}) {
    EXPECT_EQ(must_answer(get("/", {{"If-None-Match", other}})).status, 200) << other;
  }
}

TEST(WebPage, ForbidsWhatThePageDoesNotNeed) {
  for (const char* path : {"/", "/assets/index-a1.js"}) {
    const http::Headers headers = must_answer(get(path)).headers;
    EXPECT_EQ(headers.find("Content-Security-Policy"),
              "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
              "base-uri 'none'; form-action 'self'; frame-ancestors 'none'");
    EXPECT_EQ(headers.find("X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(headers.find("X-Frame-Options"), "DENY");
    EXPECT_EQ(headers.find("Referrer-Policy"), "no-referrer");
    EXPECT_TRUE(headers.find("Permissions-Policy"));
  }
}

// The page that was built: whole, and without a script or a style that its own policy would refuse.
TEST(WebPage, TheBuiltIndexNamesOnlyFilesOfTheProgram) {
  const auto index = web_answer(web_files(), get("/"));
  ASSERT_TRUE(index);
  const std::string& html = index->body;
  std::size_t named = 0;
  for (std::size_t at = html.find("\"/"); at != std::string::npos; at = html.find("\"/", at + 1)) {
    const std::string path = html.substr(at + 1, html.find('"', at + 1) - at - 1);
    EXPECT_TRUE(web_answer(web_files(), get(path))) << path;
    ++named;
  }
  EXPECT_GE(named, 3u) << "script, sheet, icon";
  EXPECT_EQ(html.find("<style"), std::string::npos);
  EXPECT_EQ(html.find(" style="), std::string::npos);
  EXPECT_EQ(html.find("://"), std::string::npos) << "nobody else's host";
  for (std::size_t at = html.find("<script"); at != std::string::npos; at = html.find("<script", at + 1)) {
    const std::size_t end = html.find('>', at);
    EXPECT_NE(html.substr(at, end - at).find("src=\"/assets/"), std::string::npos);
    EXPECT_EQ(html.substr(end + 1, 9), "</script>");
  }
}

TEST_F(ServiceTest, ServesThePageToAnybody) {
  const auto page = moenet::testing::exchange(service_->port(), "GET", "/nodes/jp1", {}, "");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.headers.find("Cache-Control"), "no-cache");
  EXPECT_EQ(page.body, std::ranges::find(web_files(), "/index.html", &WebFile::path)->plain);
  const std::string tag(*page.headers.find("ETag"));
  const auto again = moenet::testing::exchange(service_->port(), "GET", "/", {{"If-None-Match", tag}}, "");
  EXPECT_EQ(again.status, 304);
  for (const WebFile& file : web_files()) {
    if (file.path == "/index.html") continue;
    const std::string path(file.path);
    const auto packed = moenet::testing::exchange(service_->port(), "GET", path, {{"Accept-Encoding", "gzip"}}, "");
    EXPECT_EQ(packed.body, file.gzip.empty() ? file.plain : file.gzip) << path;
    EXPECT_NE(packed.headers.find("Content-Type"), "application/octet-stream") << path;
  }
  EXPECT_EQ(moenet::testing::exchange(service_->port(), "GET", "/none", {}, "").status, 404);
  EXPECT_EQ(moenet::testing::exchange(service_->port(), "POST", "/", {}, "").status, 404);
}

TEST_F(ServiceTest, AnAnswerOfTheApiIsStillKeptByNobody) {
  EXPECT_EQ(admin("GET", "nodes").headers.find("Cache-Control"), "no-store");
}

}  // namespace
}  // namespace moenet::controlplane
