#include "http/connections.h"

#include <sys/socket.h>
#include <utility>

namespace moenet::http {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kForEver{0};

// Room is made when this part of all connections is left. The library takes ten before it looks at those it has
// (MHD_epoll() in its daemon.c), and none at all while all are in use.
constexpr std::size_t kPartKeptFree = 8;
// An answer may take as long as a request, and this much more for each byte: 32 KiB/s. Chosen: as the largest body.
constexpr std::size_t kSlowestBytesPerMillisecond = 32;
// These always have room: what says that there is none is one. Chosen: 4,096 of them are 16 MiB.
constexpr std::size_t kSmallAnswer = 4u << 10;
// Whoever reads an answer may have this long before it makes room for another. Chosen: 1 MiB/s for what is 1 MiB.
constexpr std::chrono::seconds kUndisturbed{1};

}  // namespace

void Connections::opened(int socket) {
  const std::lock_guard lock(mutex_);
  const auto [place, is_new] = connections_.try_emplace(socket);
  if (!is_new) return;
  ++uncut_;
  turn(socket, Doing::resting, limits_.idle);
  if (uncut_ > limits_.most - limits_.most / kPartKeptFree) cut_oldest(std::nullopt, place->second.since);
}

void Connections::reads(int socket) {
  const std::lock_guard lock(mutex_);
  turn(socket, Doing::reading, limits_.reading);
}

void Connections::waits(int socket) {
  const std::lock_guard lock(mutex_);
  turn(socket, Doing::waiting, kForEver);
}

bool Connections::sends(int socket, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  const auto has_room = [&] { return answer_bytes_ == 0 || answer_bytes_ + bytes <= limits_.most_answer_bytes; };
  if (bytes > kSmallAnswer) {
    const SteadyTime before = steady_now() - kUndisturbed;
    while (!has_room() && cut_oldest(Doing::sending, before)) {
    }
    if (!has_room()) return false;
  }
  turn(socket, Doing::sending, limits_.reading + milliseconds(bytes / kSlowestBytesPerMillisecond));
  if (const auto place = connections_.find(socket); place != connections_.end() && !place->second.is_cut)
    answer_bytes_ += place->second.answer_bytes = bytes;
  return true;
}

void Connections::rests(int socket) {
  const std::lock_guard lock(mutex_);
  turn(socket, Doing::resting, limits_.idle);
}

void Connections::closed(int socket) {
  const std::lock_guard lock(mutex_);
  const auto place = connections_.find(socket);
  if (place == connections_.end()) return;
  leave(socket, place->second);
  if (!place->second.is_cut) --uncut_;
  connections_.erase(place);
  one_left_.notify_all();
}

std::size_t Connections::count() const {
  const std::lock_guard lock(mutex_);
  return connections_.size();
}

void Connections::end_reading() {
  const std::lock_guard lock(mutex_);
  for (const auto& [socket, connection] : connections_) ::shutdown(socket, SHUT_RD);
}

void Connections::wait_until_none(milliseconds span) {
  std::unique_lock lock(mutex_);
  one_left_.wait_for(lock, span, [this] { return connections_.empty(); });
}

// With the time that the new doing may take. The parking calls back with its own lock held: what it calls takes none.
void Connections::turn(int socket, Doing doing, milliseconds limit) {
  const auto place = connections_.find(socket);
  if (place == connections_.end()) return;
  Connection& connection = place->second;
  leave(socket, connection);
  connection.doing = doing;
  connection.since = steady_now();
  if (connection.is_cut) return;
  if (doing != Doing::waiting) by_age_.emplace(connection.since, socket);
  if (limit == kForEver) return;
  Parking::Place timed;
  timed.suspend = [] {};
  // The ticket leaves before the socket is closed.
  timed.resume = [socket](Leave why) {
    if (why == Leave::timed_out) ::shutdown(socket, SHUT_RDWR);
  };
  connection.ticket = parking_->park(std::move(timed), connection.since + limit);
}

// What it did so far.
void Connections::leave(int socket, Connection& connection) {
  by_age_.erase({connection.since, socket});
  parking_->leave(std::exchange(connection.ticket, 0), Leave::answered);
  answer_bytes_ -= std::exchange(connection.answer_bytes, 0);
}

void Connections::cut(int socket, Connection& connection) {
  leave(socket, connection);
  connection.is_cut = true;
  --uncut_;
  ::shutdown(socket, SHUT_RDWR);
}

// Of those that do this, or anything but wait. False: there is none.
bool Connections::cut_oldest(std::optional<Doing> doing, SteadyTime before) {
  for (const auto& [since, socket] : by_age_) {
    if (since >= before) return false;
    Connection& connection = connections_.at(socket);
    if (doing && connection.doing != *doing) continue;
    cut(socket, connection);
    return true;
  }
  return false;
}

}  // namespace moenet::http
