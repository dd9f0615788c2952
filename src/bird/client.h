// BirdClient: one connection to BIRD's control socket. BirdPool: a bounded number of them, healthy ones reused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "bird/reply.h"

namespace moenet::bird {

enum class Access : std::uint8_t {
  full,
  // For questions that come from outside: BIRD refuses every command that changes something (`restrict`), and a reply
  // longer than kMostRead comes cut, which breaks the connection.
  reading,
};
// Chosen: some thousand lines, which is all routes of a network to 200 neighbors.
inline constexpr std::size_t kMostRead = 256 * 1024;

// Not thread-safe. After any error but invalid the connection is broken and every further call fails at once.
class BirdClient {
 public:
  // Connects and reads the greeting. Errors: unavailable (no BIRD), denied, timeout, cancelled.
  static Result<BirdClient> connect(const std::string& socket_path, Deadline deadline, const std::stop_token& stop,
                                    Access access = Access::full);
  BirdClient(BirdClient&&) noexcept;
  BirdClient& operator=(BirdClient&&) noexcept;
  ~BirdClient();

  const Version& version() const;
  bool is_broken() const;
  // Has BIRD closed this idle connection? Costs one system call, never blocks.
  bool is_closed_by_bird() const;

  // One command, one reply; an error reply is a Reply, not an Error. Errors: invalid (a command with a newline or NUL),
  // unavailable (BIRD closed), timeout, cancelled.
  Result<Reply> ask(std::string_view command, Deadline deadline, const std::stop_token& stop);
  // Many commands pipelined within BIRD's limit of 1,023 unread bytes; replies in order.
  Result<std::vector<Reply>> ask_all(std::span<const std::string> commands, Deadline deadline,
                                     const std::stop_token& stop);

 private:
  struct State;
  explicit BirdClient(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

struct PoolLimits {
  std::size_t kept = 5;   // poolSize: idle connections kept open
  std::size_t most = 64;  // poolSizeMax: connections in use and idle together, never more
};

// Thread-safe.
class BirdPool {
 public:
  BirdPool(std::string socket_path, PoolLimits limits, Access access = Access::full);
  ~BirdPool();

  // A connection for the caller alone, given back when the lease dies; a broken one is not kept. Waits when `most` are
  // in use. Errors: as BirdClient::connect; timeout when none came free.
  class Lease;
  Result<Lease> take(Deadline deadline, const std::stop_token& stop);

  // take + ask. A connection that BIRD had closed while it lay idle is replaced once, silently.
  Result<Reply> ask(std::string_view command, Deadline deadline, const std::stop_token& stop);
  // Version of the BIRD that answered last. Absent before.
  std::optional<Version> version() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

class BirdPool::Lease {
 public:
  Lease(Lease&&) noexcept = default;
  Lease& operator=(Lease&&) noexcept;
  ~Lease();
  BirdClient* operator->() { return client_.get(); }
  BirdClient& operator*() { return *client_; }

 private:
  friend class BirdPool;
  Lease(std::shared_ptr<State> pool, std::unique_ptr<BirdClient> client)
      : pool_(std::move(pool)), client_(std::move(client)) {}
  std::shared_ptr<State> pool_;
  std::unique_ptr<BirdClient> client_;
};

}  // namespace moenet::bird
