#include "http/client.h"

#include <algorithm>
#include <condition_variable>

#include <gtest/gtest.h>

#include "fake_server.h"

namespace moenet::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

ClientSettings quick(unsigned max_retries = 0) {
  ClientSettings settings;
  settings.retry = {max_retries, {milliseconds(1), milliseconds(50)}};
  settings.user_agent = "moenet-agent/test";
  return settings;
}

Request to(std::string url, std::string method = "GET", std::string body = "") {
  Request request;
  request.method = std::move(method);
  request.target = std::move(url);
  request.body = std::move(body);
  return request;
}

Result<Response> send(HttpClient& client, const Request& request, milliseconds attempt = seconds(10)) {
  return client.send(request, Secret("s3cret"), attempt, Deadline::after(seconds(20)), {});
}

FakeServer::Script answering(std::string text, std::string* seen = nullptr) {
  return [=](Line& line) {
    for (std::string request = line.read_message(); !request.empty(); request = line.read_message()) {
      if (seen != nullptr) *seen += request;
      line.send(text);
    }
  };
}

TEST(HttpClient, SendsTokenBodyAndHeadersAndReadsTheAnswer) {
  std::string seen;
  {
    const FakeServer server({answering(reply("200 OK", "{}", "ETag: \"a\"\r\nX-Empty:\r\n"), &seen)});
    HttpClient client(quick());
    Request request = to(server.url("/api/v1/agent/heartbeat?a=b"), "POST", "{\"x\":1}");
    request.headers.set("Content-Type", "application/json");
    const auto response = send(client, request);
    ASSERT_TRUE(response) << response.error().what;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "{}");
    EXPECT_EQ(response->headers.find("etag"), "\"a\"");
    EXPECT_EQ(response->headers.find("x-empty"), "");
  }
  EXPECT_TRUE(seen.starts_with("POST /api/v1/agent/heartbeat?a=b HTTP/1.1\r\n")) << seen;
  EXPECT_NE(seen.find("Authorization: Bearer s3cret\r\n"), std::string::npos);
  EXPECT_NE(seen.find("Content-Type: application/json\r\n"), std::string::npos);
  EXPECT_NE(seen.find("User-Agent: moenet-agent/test\r\n"), std::string::npos);
  EXPECT_EQ(seen.find("Expect:"), std::string::npos);
  EXPECT_TRUE(seen.ends_with("{\"x\":1}"));
}

TEST(HttpClient, ReusesItsConnection) {
  const FakeServer server({answering(reply("200 OK", "x"))});
  HttpClient client(quick());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(send(client, to(server.url())));
  EXPECT_EQ(server.connections(), 1u);
}

// The control planes in the field close idle connections after about 9 s.
TEST(HttpClient, RepeatsAtNoCostWhenAKeptConnectionIsDead) {
  for (const std::string method : {"GET", "POST"}) {
    const FakeServer server({[](Line& line) {
                               line.read_message();
                               line.send(reply("200 OK", "first"));
                               line.read_message();  // the second request comes and nothing goes back
                             },
                             answering(reply("200 OK", "second"))});
    HttpClient client(quick(0));
    const std::string body = method == "POST" ? "{}" : "";
    ASSERT_TRUE(send(client, to(server.url(), method, body)));
    const auto second = send(client, to(server.url(), method, body));
    ASSERT_TRUE(second) << method << ": " << second.error().what;
    EXPECT_EQ(second->body, "second");
    EXPECT_EQ(client.counters().retries, 0u);
    EXPECT_EQ(client.counters().failures, 0u);
  }
}

TEST(HttpClient, RepeatsServerErrorsAndNetworkErrorsUntilOneWorks) {
  const FakeServer server({[](Line& line) { line.read_message(); },  // closes without a word
                           [](Line& line) {
                             line.read_message();
                             line.send(reply("500 Internal Server Error", "no", "Connection: close\r\n"));
                           },
                           answering(reply("200 OK", "yes"))});
  HttpClient client(quick(3));
  const auto response = send(client, to(server.url()));
  ASSERT_TRUE(response) << response.error().what;
  EXPECT_EQ(response->body, "yes");
  EXPECT_EQ(client.counters().requests, 3u);
  EXPECT_EQ(client.counters().retries, 2u);
  EXPECT_EQ(client.counters().failures, 2u);
}

TEST(HttpClient, ReturnsTheLastOutcomeWhenRepetitionsAreUsedUp) {
  const FakeServer server({answering(reply("503 Service Unavailable", "busy"))});
  HttpClient client(quick(2));
  const auto response = send(client, to(server.url()));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 503);
  EXPECT_EQ(client.counters().requests, 3u);
}

TEST(HttpClient, WaitsAtLeastAsLongAsRetryAfterSays) {
  const FakeServer server({[](Line& line) {
                             line.read_message();
                             line.send(reply("429 Too Many Requests", "", "Retry-After: 1\r\nConnection: close\r\n"));
                           },
                           answering(reply("200 OK", "x"))});
  ClientSettings settings = quick(1);
  settings.retry.backoff.cap = seconds(30);
  HttpClient client(settings);
  const SteadyTime begin = steady_now();
  ASSERT_EQ(send(client, to(server.url()))->status, 200);
  EXPECT_GE(steady_now() - begin, seconds(1));
  EXPECT_EQ(client.counters().failures, 0u);
}

TEST(HttpClient, DoesNotStartAWaitThatPassesTheDeadline) {
  const FakeServer server({answering(reply("429 Too Many Requests", "", "Retry-After: 20\r\n"))});
  ClientSettings settings = quick(1);
  settings.retry.backoff.cap = seconds(30);
  HttpClient client(settings);
  const auto response = client.send(to(server.url()), Secret(), seconds(5), Deadline::after(seconds(5)), {});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 429);
}

TEST(HttpClient, GivesUpAHungServerAtTheDeadline) {
  const FakeServer server({[](Line& line) { line.read_all(); }});
  HttpClient client(quick());
  const auto response = send(client, to(server.url()), milliseconds(50));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::timeout);
}

TEST(HttpClient, StopsAHungRequestAtOnce) {
  std::mutex mutex;
  std::condition_variable condition;
  bool is_received = false;
  const FakeServer server({[&](Line& line) {
    line.read_message();
    {
      const std::lock_guard lock(mutex);
      is_received = true;
    }
    condition.notify_one();
    line.read_all();
  }});
  HttpClient client(quick(3));
  Result<Response> outcome = Response{};
  SteadyTime ended{};
  std::jthread sender([&](const std::stop_token& stop) {
    outcome = client.send(to(server.url()), Secret(), seconds(60), Deadline::after(seconds(60)), stop);
    ended = steady_now();
  });
  std::unique_lock lock(mutex);
  condition.wait(lock, [&] { return is_received; });
  const SteadyTime asked = steady_now();
  sender.request_stop();
  sender.join();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::cancelled);
  EXPECT_LT(ended - asked, seconds(1));
  EXPECT_EQ(client.breaker().failures_in_a_row, 0u);
}

TEST(HttpClient, StopsDuringTheWaitBetweenTwoAttempts) {
  std::stop_source stop;
  const FakeServer server({[&](Line& line) {
    line.read_message();
    line.send(reply("429 Too Many Requests", "", "Retry-After: 50\r\n"));
    stop.request_stop();
    line.read_all();
  }});
  ClientSettings settings = quick(3);
  settings.retry.backoff.cap = seconds(60);
  HttpClient client(settings);
  const auto outcome =
      client.send(to(server.url()), Secret(), seconds(60), Deadline::after(seconds(90)), stop.get_token());
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, Errc::cancelled);
}

TEST(HttpClient, RefusesHalfABody) {
  const FakeServer server({[](Line& line) {
    line.read_message();
    line.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":");
  }});
  HttpClient client(quick());
  const auto response = send(client, to(server.url()));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Errc::unavailable);
}

TEST(HttpClient, RefusesABodyOverTheLimitAnnouncedOrNot) {
  const std::string body(1001, 'x');
  for (const std::string& text :
       {reply("200 OK", body), "HTTP/1.1 200 OK\r\n\r\n" + body,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + body + "\r\n0\r\n\r\n"}) {
    const FakeServer server({[&](Line& line) {
      line.read_message();
      line.send(text);
    }});
    ClientSettings settings = quick(3);
    settings.body_limit_bytes = 1000;
    HttpClient client(settings);
    const auto response = send(client, to(server.url()));
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, Errc::invalid);
    EXPECT_EQ(client.counters().requests, 1u);
  }
}

TEST(HttpClient, RefusesEndlessHeaders) {
  const FakeServer server({[](Line& line) {
    line.read_message();
    line.send("HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 2000; ++i) line.send(fmt::format("X-{}: {}\r\n", i, std::string(90, 'x')));
    line.send("\r\n");
  }});
  HttpClient client(quick());
  EXPECT_FALSE(send(client, to(server.url())));
}

TEST(HttpClient, NeverCarriesTheTokenToAnotherOrigin) {
  std::string leaked;
  const FakeServer other({answering(reply("200 OK", "stolen"), &leaked)});
  for (const std::string status : {"301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"}) {
    const FakeServer server({answering(reply(status, "", "Location: " + other.url("/x") + "\r\n"))});
    HttpClient client(quick());
    const auto response = send(client, to(server.url()));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, std::stoi(status));
  }
  EXPECT_EQ(other.connections(), 0u);
}

TEST(HttpClient, FollowsAGetWithinTheOriginAFewTimesOnly) {
  const FakeServer server({[](Line& line) {
    for (std::string request = line.read_message(); !request.empty(); request = line.read_message()) {
      const bool is_end = request.starts_with("GET /end ");
      const std::string next = request.starts_with("GET /loop ") ? "/loop" : "/end";
      line.send(is_end ? reply("200 OK", "there") : reply("302 Found", "", "Location: " + next + "\r\n"));
    }
  }});
  HttpClient client(quick());
  EXPECT_EQ(send(client, to(server.url("/begin")))->body, "there");
  EXPECT_EQ(send(client, to(server.url("/loop")))->status, 302);
  EXPECT_EQ(send(client, to(server.url("/begin"), "POST", "{}"))->status, 302);
}

TEST(HttpClient, RefusesBadUrlsAndHeadersWithoutCountingThemAsFailures) {
  HttpClient client(quick(3));
  for (const std::string url : {"", "ftp://127.0.0.1/", "file:///etc/passwd", "http://", "http://user:pw@127.0.0.1/",
                                "http://127.0.0.1/\r\nX: y", "gopher://127.0.0.1/"}) {
    const auto response = send(client, to(url));
    ASSERT_FALSE(response) << url;
    EXPECT_EQ(response.error().code, Errc::invalid) << url << ": " << response.error().what;
  }
  Request request = to("http://127.0.0.1:1/");
  request.headers.set("X", "a\r\nY: b");
  EXPECT_EQ(send(client, request).error().code, Errc::invalid);
  EXPECT_EQ(client.counters().failures, 0u);
  EXPECT_EQ(client.counters().retries, 0u);
}

TEST(HttpClient, SendsNothingWhileTheBreakerIsOpen) {
  const FakeServer server({answering(reply("500 Internal Server Error", ""))});
  HttpClient client(quick(0));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(send(client, to(server.url()))->status, 500);
  EXPECT_EQ(client.breaker().state, CircuitBreaker::State::open);
  EXPECT_GT(client.breaker().opens_in, seconds(25));
  const auto refused = send(client, to(server.url()));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_EQ(refused.error().what, "circuit breaker open, the last failure: HTTP 500");
  EXPECT_EQ(client.counters().requests, 5u);
  EXPECT_EQ(client.counters().refused_by_breaker, 1u);
}

TEST(HttpClient, StopsRepeatingOnceTheBreakerOpens) {
  const FakeServer server({answering(reply("500 Internal Server Error", ""))});
  HttpClient client(quick(9));
  EXPECT_EQ(send(client, to(server.url()))->status, 500);
  EXPECT_EQ(client.counters().requests, 5u);
}

TEST(HttpClient, ServesSeveralThreadsAtOnce) {
  const FakeServer server({answering(reply("200 OK", "x"))});
  HttpClient client(quick());
  std::atomic<int> good{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 10; ++n) good += send(client, to(server.url())).has_value() ? 1 : 0;
      });
    }
  }
  EXPECT_EQ(good, 40);
  EXPECT_LE(server.connections(), 4u);
}

TEST(HttpClient, NeverNamesTheTokenOrTheQueryInAnError) {
  HttpClient client(quick());
  const auto response = send(client, to("http://127.0.0.1:1/path?key=hidden"));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().what.find("hidden"), std::string::npos);
  EXPECT_EQ(response.error().what.find("s3cret"), std::string::npos);
  EXPECT_TRUE(response.error().what.starts_with("GET http://127.0.0.1:1/path: ")) << response.error().what;
}

}  // namespace
}  // namespace moenet::http
