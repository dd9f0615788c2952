#include "http/server.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <thread>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "fake_server.h"
#include "http/router.h"

namespace moenet::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Endpoint any_port() { return {IpAddress::v4({127, 0, 0, 1}), 0}; }

std::unique_ptr<HttpServer> serve(Handler handler, ServerSettings settings = {}) {
  settings.listen = any_port();
  auto server = HttpServer::start(settings, std::move(handler));
  EXPECT_TRUE(server) << server.error().what;
  return std::move(*server);
}

Answer echo_size(const Request& request) { return Response::text(200, std::to_string(request.body.size())); }

std::string ask(std::uint16_t port, std::string_view text) {
  Line line = Line::connect_to(port);
  line.send(text);
  return line.read_message();
}

std::string post(std::size_t bytes, std::string_view headers = "") {
  return fmt::format("POST / HTTP/1.1\r\nHost: x\r\n{}Content-Length: {}\r\n\r\n", headers, bytes) +
         std::string(bytes, 'x');
}

std::string post_chunked(std::size_t bytes) {
  std::string text = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (std::size_t sent = 0; sent < bytes;) {
    const std::size_t piece = std::min<std::size_t>(bytes - sent, 60'000);
    text += fmt::format("{:x}\r\n", piece) + std::string(piece, 'x') + "\r\n";
    sent += piece;
  }
  return text + "0\r\n\r\n";
}

constexpr std::string_view kGet = "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n";

// Holds what a test's handler makes, for the test's own thread.
class Waiting {
 public:
  std::shared_ptr<Pending> make(milliseconds span = seconds(60)) {
    auto pending = std::make_shared<Pending>(span, [] { return Response::text(304, ""); });
    const std::lock_guard lock(mutex_);
    held_.push_back(pending);
    condition_.notify_all();
    return pending;
  }
  std::deque<std::shared_ptr<Pending>> take(std::size_t count) {
    std::unique_lock lock(mutex_);
    condition_.wait_for(lock, seconds(20), [&] { return held_.size() >= count; });
    return std::exchange(held_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  std::deque<std::shared_ptr<Pending>> held_;
};

TEST(HttpServer, GivesTheHandlerTheRequestAsItWasSent) {
  Request seen;
  const auto server = serve([&](const Request& request) -> Answer {
    seen = request;
    Response response = Response::json(201, "{}");
    response.headers.set("X-MoeNet-Features", "batch-modify");
    response.headers.set("ETag", "\"1\"");
    return response;
  });
  const std::string answer = ask(server->port(),
                                 "POST /agent/%6ap1/a%2Fb?wait=1&q=a+b%26 HTTP/1.1\r\nHost: x\r\n"
                                 "authorization: Bearer t \r\nContent-Length: 3\r\n\r\nabc");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 201 Created\r\n")) << answer;
  EXPECT_NE(answer.find("\r\nX-MoeNet-Features: batch-modify\r\n"), std::string::npos);
  EXPECT_NE(answer.find("\r\nETag: \"1\"\r\n"), std::string::npos);
  EXPECT_NE(answer.find("\r\nContent-Type: application/json\r\n"), std::string::npos);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n{}"));
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.target, "/agent/%6ap1/a%2Fb");
  EXPECT_EQ(seen.parameter("wait"), "1");
  EXPECT_EQ(seen.parameter("q"), "a b&");
  EXPECT_EQ(seen.headers.find("Authorization"), "Bearer t");
  EXPECT_EQ(seen.body, "abc");
  EXPECT_EQ(seen.peer, "127.0.0.1");
}

TEST(HttpServer, TakesABodyOfExactlyTheLimitAndNotOneByteMore) {
  const auto server = serve(echo_size);
  struct Case {
    std::string request;
    std::string_view begin;
    std::string_view end;
  };
  constexpr std::size_t kLimit = 1u << 20;
  for (const Case& c : std::vector<Case>{{post(kLimit), "HTTP/1.1 200 ", "\r\n\r\n1048576"},
                                         {post_chunked(kLimit), "HTTP/1.1 200 ", "\r\n\r\n1048576"},
                                         {post(kLimit + 1), "HTTP/1.1 413 ", "\r\n\r\nPayload Too Large"},
                                         {post_chunked(kLimit + 1), "HTTP/1.1 413 ", "\r\n\r\nPayload Too Large"},
                                         {post(2 * kLimit), "HTTP/1.1 413 ", "\r\n\r\nPayload Too Large"},
                                         {post_chunked(2 * kLimit), "HTTP/1.1 413 ", "\r\n\r\nPayload Too Large"}}) {
    const std::string answer = ask(server->port(), c.request);
    EXPECT_TRUE(answer.starts_with(c.begin)) << answer;
    EXPECT_TRUE(answer.ends_with(c.end)) << answer;
  }
}

TEST(HttpServer, RefusesATooLargeBodyBeforeTheHandlerSeesIt) {
  std::atomic<int> calls{0};
  ServerSettings settings;
  settings.body_limit_bytes = 10;
  const auto server = serve(
      [&](const Request& request) {
        ++calls;
        return echo_size(request);
      },
      settings);
  const std::string answer = ask(server->port(), post(11));
  EXPECT_NE(answer.find("\r\nContent-Type: application/octet-stream\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(ask(server->port(), "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n")
                  .starts_with("HTTP/1.1 413 "));
  EXPECT_TRUE(ask(server->port(), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n")
                  .starts_with("HTTP/1.1 413 "));
  EXPECT_EQ(ask(server->port(), post_chunked(500'000)).substr(0, 13), "");  // cut: it would go on for ever
  EXPECT_EQ(calls, 0);
}

TEST(HttpServer, RefusesBodiesBeyondTheSumItMayHold) {
  ServerSettings settings;
  settings.most_body_bytes_at_once = 1000;
  const auto server = serve(echo_size, settings);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(ask(server->port(), post(1000)).ends_with("\r\n\r\n1000"));
  EXPECT_TRUE(ask(server->port(), post(1001)).starts_with("HTTP/1.1 503 "));
  EXPECT_TRUE(ask(server->port(), post(1000)).ends_with("\r\n\r\n1000"));
}

TEST(HttpServer, KeepsAConnectionForSeveralRequests) {
  const auto server = serve(echo_size);
  Line line = Line::connect_to(server->port());
  for (const std::size_t bytes : {0u, 7u, 70'000u}) {
    line.send(post(bytes));
    EXPECT_TRUE(line.read_message().ends_with("\r\n\r\n" + std::to_string(bytes)));
  }
}

TEST(HttpServer, AnswersHeadWithHeadersOnly) {
  const auto server = serve([](const Request& request) -> Answer { return Response::text(200, request.method); });
  Line line = Line::connect_to(server->port());
  line.send("HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answer = line.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST(HttpServer, SendsNoBodyWithNotModified) {
  const auto server = serve([](const Request&) -> Answer {
    Response response;
    response.status = 304;
    response.headers.set("ETag", "\"1\"");
    return response;
  });
  Line line = Line::connect_to(server->port());
  line.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answer = line.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 304 ")) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST(HttpServer, TurnsAnExceptionInto500) {
  const auto server = serve([](const Request& request) -> Answer {
    if (request.target == "/odd") throw 7;
    throw std::runtime_error("secret detail");
  });
  testing::internal::CaptureStderr();
  for (const std::string_view path : {"/", "/odd"}) {
    const std::string answer = ask(server->port(), fmt::format("GET {} HTTP/1.1\r\nHost: x\r\n\r\n", path));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 500 ")) << answer;
    EXPECT_TRUE(answer.ends_with("\r\n\r\nInternal Server Error")) << answer;
  }
  EXPECT_NE(testing::internal::GetCapturedStderr().find("secret detail"), std::string::npos);
}

TEST(HttpServer, ServesOthersWhileOneIsSlow) {
  const auto server = serve(echo_size);
  Line slow = Line::connect_to(server->port());
  slow.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_TRUE(ask(server->port(), post(3)).ends_with("\r\n\r\n3"));
  slow.send("cde");
  EXPECT_TRUE(slow.read_message().ends_with("\r\n\r\n5"));
}

TEST(HttpServer, CutsWhoDoesNotGetARequestToItsEnd) {
  ServerSettings settings;
  settings.request_timeout = milliseconds(200);
  settings.most_body_bytes_at_once = 10;
  const auto server = serve(echo_size, settings);
  for (const std::string_view begin :
       {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n12345678", "GET / HTTP/1.1\r\nHost: "}) {
    Line slow = Line::connect_to(server->port());
    slow.send(begin);
    const Deadline patience = Deadline::after(seconds(8));
    std::jthread trickling([&](const std::stop_token& stop) {
      while (!stop.stop_requested() && !patience.passed()) {
        slow.send("x");
        std::this_thread::sleep_for(milliseconds(20));
      }
    });
    EXPECT_EQ(slow.read_message(), "");
    EXPECT_FALSE(patience.passed());
  }
  EXPECT_TRUE(ask(server->port(), post(10)).ends_with("\r\n\r\n10")) << "its bytes no longer count";
}

TEST(HttpServer, HoldsAnAnswerLongerThanARequestMayTake) {
  Waiting waiting;
  ServerSettings settings;
  settings.request_timeout = milliseconds(20);
  const auto server = serve([&](const Request&) -> Answer { return waiting.make(milliseconds(100)); }, settings);
  EXPECT_TRUE(ask(server->port(), kGet).starts_with("HTTP/1.1 304 "));
}

TEST(HttpServer, RefusesTooManyConnectionsOfOneAddress) {
  ServerSettings settings;
  settings.most_connections_per_address = 2;
  const auto server = serve(echo_size, settings);
  Line first = Line::connect_to(server->port());
  Line second = Line::connect_to(server->port());
  for (Line* line : {&first, &second}) {
    line->send(post(1));
    EXPECT_TRUE(line->read_message().starts_with("HTTP/1.1 200 "));
  }
  EXPECT_EQ(ask(server->port(), post(1)), "");
}

TEST(HttpServer, SendsAPendingAnswerWhenItComes) {
  Waiting waiting;
  const auto server = serve([&](const Request&) -> Answer { return waiting.make(); });
  Line line = Line::connect_to(server->port());
  for (const std::string text : {"first", "second"}) {
    line.send(kGet);
    const auto held = waiting.take(1);
    ASSERT_EQ(held.size(), 1u);
    EXPECT_FALSE(held[0]->is_answered());
    held[0]->answer(Response::text(200, text));
    held[0]->answer(Response::text(200, "too late"));
    EXPECT_TRUE(line.read_message().ends_with("\r\n\r\n" + text));
  }
}

TEST(HttpServer, SendsAnAnswerThatWasThereBeforeTheHandlerReturned) {
  Waiting waiting;
  const auto server = serve([&](const Request&) -> Answer {
    auto pending = waiting.make();
    pending->answer(Response::text(200, "at once"));
    return pending;
  });
  EXPECT_TRUE(ask(server->port(), kGet).ends_with("\r\n\r\nat once"));
}

TEST(HttpServer, SendsTheTimeoutsResponseWhenNobodyAnswers) {
  Waiting waiting;
  const auto server = serve([&](const Request&) -> Answer { return waiting.make(milliseconds(20)); });
  EXPECT_TRUE(ask(server->port(), kGet).starts_with("HTTP/1.1 304 "));
  EXPECT_TRUE(waiting.take(1)[0]->is_answered());
}

TEST(HttpServer, FreesTheConnectionOfACallerWhoHungUp) {
  Waiting waiting;
  ServerSettings settings;
  settings.most_connections = 4;  // one more than waits below; the library counts from there
  const auto server = serve([&](const Request&) -> Answer { return waiting.make(); }, settings);
  // More callers than the server has places: the later ones get in only when the earlier places are free again.
  for (int i = 0; i < 12; ++i) {
    Line line = Line::connect_to(server->port());
    line.send(kGet);
    const auto held = waiting.take(1);
    ASSERT_EQ(held.size(), 1u) << i;
    line.close();
    const Deadline patience = Deadline::after(seconds(10));
    while (!held[0]->is_answered() && !patience.passed()) std::this_thread::yield();
    EXPECT_TRUE(held[0]->is_answered());
    held[0]->answer(Response::text(200, "nobody reads this"));
  }
}

TEST(HttpServer, HoldsFiveHundredWaitingReadsAndAnswersAll) {
  Waiting waiting;
  const auto server = serve([&](const Request& request) -> Answer {
    if (request.target == "/wait") return waiting.make();
    return Response::text(200, "quick");
  });
  std::vector<Line> lines;
  for (int i = 0; i < 500; ++i) {
    lines.push_back(Line::connect_to(server->port()));
    ASSERT_TRUE(lines.back().is_open());
    lines.back().send(kGet);
  }
  const auto held = waiting.take(500);
  ASSERT_EQ(held.size(), 500u);
  EXPECT_TRUE(ask(server->port(), "GET /x HTTP/1.1\r\nHost: x\r\n\r\n").ends_with("quick"));
  std::jthread one([&] {
    for (std::size_t i = 0; i < 250; ++i) held[i]->answer(Response::text(200, "yes"));
  });
  for (std::size_t i = 250; i < 500; ++i) held[i]->answer(Response::text(200, "yes"));
  for (Line& line : lines) EXPECT_TRUE(line.read_message().ends_with("\r\n\r\nyes"));
}

TEST(HttpServer, StopsWithWaitingReadsAndTakesLateAnswersInVain) {
  Waiting waiting;
  auto server = serve([&](const Request&) -> Answer { return waiting.make(); });
  std::vector<Line> lines;
  for (int i = 0; i < 50; ++i) {
    lines.push_back(Line::connect_to(server->port()));
    lines.back().send(kGet);
  }
  const auto held = waiting.take(50);
  ASSERT_EQ(held.size(), 50u);
  {
    // Answers race with the stop.
    std::jthread answering([&] {
      for (std::size_t i = 0; i < 25; ++i) held[i]->answer(Response::text(200, "x"));
    });
    server.reset();
  }
  for (std::size_t i = 25; i < 50; ++i) held[i]->answer(Response::text(200, "late"));
  // The last one's connection may not have been parked yet: a request that comes to a server that stops.
  for (std::size_t i = 25; i < 50; ++i) {
    const std::string message = lines[i].read_message();
    EXPECT_TRUE(message.empty() || message.starts_with("HTTP/1.1 503")) << message;
  }
}

TEST(HttpServer, SaysWhoHasThePort) {
  const auto server = serve(echo_size);
  ServerSettings settings;
  settings.listen = any_port();
  settings.listen.port = server->port();
  const auto second = HttpServer::start(settings, echo_size);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
  EXPECT_EQ(second.error().what, fmt::format("listen on 127.0.0.1:{}: Address already in use", server->port()));
}

TEST(HttpServer, ShowsAnIpv4CallerOfADualStackSocketByItsIpv4Address) {
  ServerSettings settings;
  settings.listen = {*IpAddress::parse("::"), 0};
  const auto server =
      HttpServer::start(settings, [](const Request& request) -> Answer { return Response::text(200, request.peer); });
  ASSERT_TRUE(server) << server.error().what;
  EXPECT_TRUE(ask((*server)->port(), kGet).ends_with("\r\n\r\n127.0.0.1"));
}

TEST(HttpServer, FinishesRequestsBeforeItEnds) {
  Waiting waiting;
  auto server = serve([&](const Request&) -> Answer { return waiting.make(); });
  std::vector<Line> lines;
  for (int i = 0; i < 20; ++i) {
    lines.push_back(Line::connect_to(server->port()));
    lines.back().send(kGet);
  }
  const auto held = waiting.take(20);
  std::jthread finishing([&] { EXPECT_TRUE(server->finish_requests(Deadline::after(seconds(20)))); });
  const Deadline deadline = Deadline::after(seconds(20));
  while (Line::connect_to(server->port()).is_open() && !deadline.passed()) std::this_thread::yield();
  for (const auto& pending : held) pending->answer(Response::text(200, "done"));
  for (Line& line : lines) {
    const std::string answer = line.read_message();
    EXPECT_TRUE(answer.ends_with("\r\n\r\ndone")) << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
  }
}

TEST(HttpServer, AtTheDeadlineWhatWaitsGetsTheAnswerOfItsTimeout) {
  Waiting waiting;
  auto server = serve([&](const Request&) -> Answer { return waiting.make(); });
  Line line = Line::connect_to(server->port());
  line.send(kGet);
  const auto held = waiting.take(1);
  EXPECT_FALSE(server->finish_requests(Deadline::after(milliseconds(0))));
  EXPECT_TRUE(line.read_message().starts_with("HTTP/1.1 304"));
}

TEST(HttpServer, APulseIsProgressOfAnIdleServer) {
  const auto server = serve(echo_size);
  const std::uint64_t before = server->progress();
  server->pulse();
  const Deadline deadline = Deadline::after(seconds(20));
  while (server->progress() == before && !deadline.passed()) std::this_thread::yield();
  EXPECT_GT(server->progress(), before);
}

TEST(HttpServer, TellsTheClientBehindATrustedProxy) {
  const auto peer = [](const Request& request) -> Answer {
    return Response::text(200, request.peer + (request.is_secure ? " secure" : " plain"));
  };
  ServerSettings settings;
  settings.proxies.proxies = {*IpPrefix::parse("127.0.0.0/8")};
  const auto server = serve(peer, settings);
  constexpr std::string_view kSaid =
      "GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 198.51.100.1\r\n"
      "X-Forwarded-Proto: https\r\n\r\n";
  EXPECT_TRUE(ask(server->port(), kSaid).ends_with("\r\n\r\n198.51.100.1 secure"));
  server->trust({});
  EXPECT_TRUE(ask(server->port(), kSaid).ends_with("\r\n\r\n127.0.0.1 plain"));
}

TEST(HttpServer, AnswersNothingBehindABodyWhoseEndIsUnclear) {
  const auto server = serve(echo_size);
  const std::string inner = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string chunks = "0\r\n\r\n" + inner;
  for (const std::string& head : {fmt::format("Content-Length: 0\r\nContent-Length: {}\r\n", inner.size()),
                                  fmt::format("Content-Length: {}\r\nTransfer-Encoding: chunked\r\n", chunks.size()),
                                  std::string("Transfer-Encoding: xchunked\r\n"),
                                  std::string("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n"),
                                  std::string("Transfer-Encoding :chunked\r\n"), std::string("Host: y\r\n")}) {
    Line line = Line::connect_to(server->port());
    line.send("POST / HTTP/1.1\r\nHost: x\r\n" + head + "\r\n" + chunks);
    const std::string heard = line.read_all();
    EXPECT_TRUE(heard.starts_with("HTTP/1.1 400 ")) << head << heard;
    EXPECT_EQ(heard.find("HTTP/1.1 ", 1), heard.npos) << head << heard;
  }
}

TEST(HttpServer, MakesRoomForANewcomer) {
  ServerSettings settings;
  settings.most_connections = 64;
  const auto server = serve(echo_size, settings);
  std::vector<Line> crowd;
  for (std::size_t i = 0; i < 300; ++i) {
    crowd.push_back(Line::connect_to(server->port()));
    crowd.back().send(i % 3 == 0   ? ""
                      : i % 3 == 1 ? "GET /"
                                   : "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1");
    if (i % 50 == 0) {
      EXPECT_TRUE(ask(server->port(), post(3)).ends_with("\r\n\r\n3")) << i;
    }
  }
  EXPECT_TRUE(ask(server->port(), post(3)).ends_with("\r\n\r\n3"));
}

TEST(HttpServer, CutsWhoNeverGetsToTheEndOfTheFirstLine) {
  ServerSettings settings;
  settings.idle_timeout = seconds(1);
  const auto server = serve(echo_size, settings);
  Line slow = Line::connect_to(server->port());
  const Deadline patience = Deadline::after(seconds(8));
  std::jthread trickling([&](const std::stop_token& stop) {
    while (!stop.stop_requested() && !patience.passed()) {
      slow.send("x");
      std::this_thread::sleep_for(milliseconds(20));
    }
  });
  EXPECT_EQ(slow.read_message(), "");
  EXPECT_FALSE(patience.passed());
}

TEST(HttpServer, WhoDoesNotReadItsAnswerKeepsNobodyFromTheirs) {
  ServerSettings settings;
  settings.most_answer_bytes_at_once = 16u << 20;
  const auto server =
      serve([](Request&) -> Answer { return Response::text(200, std::string(8u << 20, 'x')); }, settings);
  std::vector<Line> deaf;
  for (int i = 0; i < 4; ++i) {
    deaf.push_back(Line::connect_to(server->port()));
    deaf.back().send(kGet);
  }
  const Deadline patience = Deadline::after(seconds(8));
  while (!ask(server->port(), kGet).starts_with("HTTP/1.1 200 ")) ASSERT_FALSE(patience.passed());
}

TEST(HttpServer, OutlivesGarbage) {
  const auto server = serve(echo_size);
  for (const std::string& text : {std::string("\r\n\r\n\r\n"), std::string("GET\r\n\r\n"), std::string(100'000, 'A'),
                                  std::string("GET / HTTP/1.1\r\n") + std::string(100'000, 'h') + ": x\r\n\r\n",
                                  std::string("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
                                  std::string("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
                                  std::string("GET / HTTP/1.1\r\nHost: \0x\r\n\r\n", 28)}) {
    Line line = Line::connect_to(server->port());
    line.send(text);
  }
  EXPECT_TRUE(ask(server->port(), post(3)).ends_with("\r\n\r\n3"));
}

}  // namespace
}  // namespace moenet::http
