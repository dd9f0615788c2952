// A control plane on loopback whose answers a test sets, and the agent's client of it.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "agent/control_plane.h"
#include "http/server.h"

namespace moenet::agent {

inline constexpr std::string_view kEmptyList = R"({"code":0,"message":"Success","data":{"bgpSessions":[]}})";

// It keeps what it was asked.
class ControlPlaneTest : public testing::Test {
 protected:
  ControlPlaneTest() {
    http::ServerSettings settings;
    settings.listen = {IpAddress::v4({127, 0, 0, 1}), 0};
    auto started = http::HttpServer::start(settings, [this](const http::Request& request) { return handle(request); });
    if (!started) throw std::runtime_error(started.error().what);
    server_ = std::move(*started);
    ControlPlaneSettings client;
    client.url = base_url();
    client.token = Secret("t0k3n");
    client.max_retries = 0;
    client.request_timeout = std::chrono::seconds(5);
    control_plane_ = std::make_unique<ControlPlane>(client, "jp1", "test");
  }

  void answer_with(std::function<http::Answer(const http::Request&)> handler) {
    const std::lock_guard lock(mutex_);
    handler_ = std::move(handler);
  }
  void answer_with(http::Response response) {
    answer_with([response](const http::Request&) -> http::Answer { return response; });
  }
  // For who has a handler that must not outlive it: the one under way has ended, and no other begins.
  void answer_no_more() { answer_with(std::function<http::Answer(const http::Request&)>()); }
  std::vector<http::Request> requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  std::string base_url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }

  std::unique_ptr<ControlPlane> control_plane_;
  std::stop_token never_;

 private:
  http::Answer handle(const http::Request& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    return handler_ ? handler_(request) : http::Response::json(200, std::string(kEmptyList));
  }

  mutable std::mutex mutex_;
  std::function<http::Answer(const http::Request&)> handler_;
  std::vector<http::Request> requests_;
  std::unique_ptr<http::HttpServer> server_;
};

}  // namespace moenet::agent
