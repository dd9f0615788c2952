#include "controlplane/readiness.h"

#include <utility>

#include <boost/json.hpp>

#include "base/log.h"

namespace moenet::controlplane {

namespace {

constexpr std::chrono::milliseconds kWithin{1'000};

http::Response is_ready() { return http::Response::json(200, R"({"status":"ready"})"); }

http::Response is_unavailable(std::string_view reason) {
  auto response = http::Response::json(
      503, boost::json::serialize(boost::json::object{{"status", "unavailable"}, {"reason", reason}}));
  response.headers.set("Retry-After", "1");
  return response;
}

}  // namespace

http::Answer Readiness::ask() {
  auto pending = std::make_shared<http::Pending>(
      kWithin, [] { return is_unavailable("the database does not answer within 1 s"); });
  {
    const std::lock_guard lock(mutex_);
    if (is_stopping_) return is_unavailable("stopping");
    std::erase_if(asking_, [](const auto& other) { return other->is_answered(); });
    asking_.push_back(pending);
    if (std::exchange(is_looking_, true)) return pending;
  }
  if (submit_([this] { look(); })) return pending;
  const std::lock_guard lock(mutex_);
  is_looking_ = false;
  std::erase(asking_, pending);
  return is_unavailable("all workers are busy");
}

void Readiness::look() {
  const auto settings = store_.settings();
  // Its words may name hosts and users: they are for the log.
  if (!settings) log::warning("the database does not answer", {{"error", settings.error().what}});
  std::vector<std::shared_ptr<http::Pending>> asking;
  bool is_stopping = false;
  {
    const std::lock_guard lock(mutex_);
    asking = std::exchange(asking_, {});
    is_looking_ = false;
    is_stopping = is_stopping_;
  }
  for (const auto& pending : asking) {
    pending->answer(is_stopping ? is_unavailable("stopping")
                    : settings  ? is_ready()
                                : is_unavailable("the database does not answer"));
  }
}

void Readiness::stop() {
  const std::lock_guard lock(mutex_);
  is_stopping_ = true;
}

}  // namespace moenet::controlplane
