#include "agent/local_api.h"

#include <gtest/gtest.h>

#include "http/client.h"

namespace moenet::agent {
namespace {

using std::chrono::seconds;

class LocalApi : public testing::Test {
 protected:
  void serve(std::string no_sync_because = "") {
    ApiSettings settings;
    settings.listen = {IpAddress::v4({127, 0, 0, 1}), 0};
    settings.token = token_;
    server_ = serve_local_api({settings, [] { return "{}"; },
                               [](const NodeReport&) { return http::Response::json(200, "{}"); },
                               [this](bool) { return ++syncs_; }, waiters_, std::move(no_sync_because)})
                  .value();
  }
  http::Response ask(const std::string& path) {
    http::Request request;
    request.target = "http://127.0.0.1:" + std::to_string(server_->port()) + path;
    http::ClientSettings once;
    once.retry.max_retries = 0;
    http::HttpClient client(once);
    return client.send(request, token_, seconds(5), Deadline::after(seconds(5)), {}).value();
  }

  Secret token_{"t0k3n"};
  std::uint64_t syncs_ = 0;
  SyncWaiters waiters_;
  std::unique_ptr<http::HttpServer> server_;
};

TEST_F(LocalApi, SyncIsAnsweredWhenItBegan) {
  serve();
  EXPECT_EQ(ask("/sync").status, 202);
  EXPECT_EQ(syncs_, 1u);
}

TEST_F(LocalApi, ANodeThatCannotSyncYetSaysSoAtOnce) {
  serve("waiting for a reason");
  for (const char* path : {"/sync", "/sync?wait=1"}) {
    const auto response = ask(path);
    EXPECT_EQ(response.status, 503) << path;
    EXPECT_EQ(response.body, R"({"error":"waiting for a reason"})") << path;
  }
  EXPECT_EQ(syncs_, 0u);
  EXPECT_EQ(ask("/status").status, 200);
}

}  // namespace
}  // namespace moenet::agent
