// BirdPool: see client.h. One mutex guards the counts and the idle list; no system call is made under it but one recv()
// per idle connection that is looked at.
#include <condition_variable>
#include <mutex>

#include "bird/client.h"

namespace moenet::bird {

struct BirdPool::State {
  std::string socket_path;
  PoolLimits limits;
  Access access = Access::full;
  std::mutex mutex;
  std::condition_variable_any freed;
  std::vector<std::unique_ptr<BirdClient>> idle;
  std::size_t open = 0;  // idle, leased and connecting: never above limits.most
  std::optional<Version> version;

  // An idle connection that is still open, or null, which is the right to open one more.
  Result<std::unique_ptr<BirdClient>> reserve(Deadline deadline, const std::stop_token& stop) {
    std::unique_lock lock(mutex);
    const auto is_free = [&] { return !idle.empty() || open < limits.most; };
    if (!freed.wait_until(lock, stop, deadline.at(), is_free)) {
      if (stop.stop_requested()) return fail(Errc::cancelled, "wait for a connection to BIRD");
      return fail(Errc::timeout, "all " + std::to_string(limits.most) + " connections to BIRD are in use");
    }
    while (!idle.empty()) {
      std::unique_ptr<BirdClient> client = std::move(idle.back());
      idle.pop_back();
      if (!client->is_closed_by_bird()) return client;
      --open;
      freed.notify_one();
    }
    ++open;
    return nullptr;
  }

  // `client` is null when it could not be connected.
  void give_back(std::unique_ptr<BirdClient> client) {
    {
      const std::lock_guard lock(mutex);
      if (client && !client->is_broken() && idle.size() < limits.kept) {
        idle.push_back(std::move(client));
      } else {
        client.reset();  // closed before it stops counting
        --open;
      }
    }
    freed.notify_one();
  }
};

BirdPool::BirdPool(std::string socket_path, PoolLimits limits, Access access) : state_(std::make_shared<State>()) {
  state_->socket_path = std::move(socket_path);
  state_->limits = {limits.kept, std::max<std::size_t>(1, limits.most)};
  state_->access = access;
}
BirdPool::~BirdPool() = default;

BirdPool::Lease& BirdPool::Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    if (pool_) pool_->give_back(std::move(client_));
    pool_ = std::move(other.pool_);
    client_ = std::move(other.client_);
  }
  return *this;
}

BirdPool::Lease::~Lease() {
  if (pool_) pool_->give_back(std::move(client_));
}

Result<BirdPool::Lease> BirdPool::take(Deadline deadline, const std::stop_token& stop) {
  TRY(std::unique_ptr<BirdClient> client, state_->reserve(deadline, stop));
  if (client) return Lease(state_, std::move(client));
  auto connected = BirdClient::connect(state_->socket_path, deadline, stop, state_->access);
  if (!connected) {
    state_->give_back(nullptr);
    return std::unexpected(std::move(connected).error());
  }
  {
    const std::lock_guard lock(state_->mutex);
    state_->version = connected->version();
  }
  return Lease(state_, std::make_unique<BirdClient>(std::move(*connected)));
}

Result<Reply> BirdPool::ask(std::string_view command, Deadline deadline, const std::stop_token& stop) {
  for (bool repeated = false;; repeated = true) {
    TRY(Lease lease, take(deadline, stop));
    auto reply = lease->ask(command, deadline, stop);
    if (reply || repeated || reply.error().code != Errc::unavailable) return reply;
  }
}

std::optional<Version> BirdPool::version() const {
  const std::lock_guard lock(state_->mutex);
  return state_->version;
}

}  // namespace moenet::bird
