// Connections: which connections a server has, what each is doing and since when. Whoever takes too long is cut; when
// there are too many, or too much is being sent, whoever is at it longest makes room, so that a newcomer is served. Who
// waits for a pending answer is left alone: that one the handler has let in.
// It only shuts sockets down; the library then closes them on its own thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/clock.h"
#include "http/parking.h"

namespace moenet::http {

struct ConnectionLimits {
  std::size_t most = 0;               // that the library takes; room is made before they are all in use
  std::size_t most_answer_bytes = 0;  // of all answers that are being sent
  std::chrono::milliseconds idle{};   // until the first line of a request is there; 0: no limit
  std::chrono::milliseconds reading{};
};

// Thread-safe. A socket is known from opened() to closed(), and each is told of from one thread.
class Connections {
 public:
  Connections(ConnectionLimits limits, std::shared_ptr<Parking> parking)
      : limits_(limits), parking_(std::move(parking)) {}

  void opened(int socket);
  void reads(int socket);  // the first line of a request is there
  void waits(int socket);  // for a pending answer
  // An answer of so many bytes is ready. False, and nothing has changed, when there is no room for it.
  bool sends(int socket, std::size_t bytes);
  void rests(int socket);   // the answer is sent
  void closed(int socket);  // before the socket is

  std::size_t count() const;
  // Nothing more is read from any.
  void end_reading();
  void wait_until_none(std::chrono::milliseconds span);

 private:
  enum class Doing { resting, reading, waiting, sending };
  struct Connection {
    Doing doing = Doing::resting;
    SteadyTime since;
    std::uint64_t ticket = 0;  // in the parking: when it is cut
    std::size_t answer_bytes = 0;
    bool is_cut = false;
  };

  void turn(int socket, Doing doing, std::chrono::milliseconds limit);
  void leave(int socket, Connection& connection);
  void cut(int socket, Connection& connection);
  bool cut_oldest(std::optional<Doing> doing, SteadyTime before);

  const ConnectionLimits limits_;
  const std::shared_ptr<Parking> parking_;
  mutable std::mutex mutex_;  // guards all below; it is taken before the parking's
  std::condition_variable one_left_;
  std::map<int, Connection> connections_;
  std::set<std::pair<SteadyTime, int>> by_age_;  // who may have to make room: neither waits nor is cut
  std::size_t uncut_ = 0;                        // of connections_
  std::size_t answer_bytes_ = 0;                 // of those that are not cut
};

}  // namespace moenet::http
