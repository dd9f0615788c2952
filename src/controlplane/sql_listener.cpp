#include "controlplane/sql_listener.h"

#include <algorithm>
#include <charconv>
#include <poll.h>
#include <sys/eventfd.h>

#include <fmt/format.h>
#include <soci/postgresql/soci-postgresql.h>

#include "base/log.h"
#include "controlplane/sql_state.h"

namespace moenet::controlplane {

namespace {

constexpr std::size_t kMostMessageBytes = 7'900;    // NOTIFY takes less than 8,000
constexpr std::chrono::milliseconds kRetry{1'000};  // chosen: a restart of PostgreSQL takes about as long

// "12:34"
std::optional<std::pair<NodeId, std::int64_t>> read_change(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  NodeId node = 0;
  std::int64_t changes = 0;
  const auto reads_all = [](std::string_view digits, auto& number) {
    const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    return fault == std::errc() && end == digits.data() + digits.size();
  };
  if (!reads_all(text.substr(0, colon), node) || !reads_all(text.substr(colon + 1), changes)) return std::nullopt;
  return std::pair{node, changes};
}

std::string_view take_until(std::string_view& text, char end) {
  const std::string_view part = text.substr(0, text.find(end));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

}  // namespace

std::string write_change_message(const ChangeMessage& message) {
  const std::string head = fmt::format("{} {} ", message.instance, message.tokens ? 't' : '-');
  std::string list;
  for (const auto& [node, changes] : message.changes) {
    list += fmt::format("{}{}:{}", list.empty() ? "" : ",", node, changes);
  }
  return head + (message.all || head.size() + list.size() > kMostMessageBytes ? "all" : list);
}

std::optional<ChangeMessage> read_change_message(std::string_view text) {
  ChangeMessage message;
  message.instance = take_until(text, ' ');
  const std::string_view tokens = take_until(text, ' ');
  if (message.instance.empty() || (tokens != "t" && tokens != "-")) return std::nullopt;
  message.tokens = tokens == "t";
  message.all = text == "all";
  while (!message.all && !text.empty()) {
    const auto change = read_change(take_until(text, ','));
    if (!change) return std::nullopt;
    message.changes.push_back(*change);
  }
  return message;
}

std::string write_plain_message(const PlainMessage& message) {
  return fmt::format("{} m {}", message.instance, message.text);
}

std::optional<PlainMessage> read_plain_message(std::string_view text) {
  PlainMessage message;
  message.instance = take_until(text, ' ');
  if (message.instance.empty() || take_until(text, ' ') != "m") return std::nullopt;
  message.text = text;
  return message;
}

SqlListener::SqlListener(SqlStore::State& state) : state_(state), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  open();
  known_ = counters();  // nobody has read anything yet, so there is nothing to tell
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

SqlListener::~SqlListener() {
  thread_.request_stop();
  check_soon();
}

void SqlListener::check_soon() { ::eventfd_write(wake_.get(), 1); }

void SqlListener::tell(NodeId node, std::int64_t changes) {
  known_[node] = std::max(known_[node], changes);
  state_.tell(node, changes);
}

// What a message could have told: whatever differs from what was known.
void SqlListener::check() {
  state_.read_tokens_again(sql_);
  for (const auto& [node, changes] : counters()) {
    if (std::exchange(known_[node], changes) != changes) state_.tell(node, changes);
  }
}

void SqlListener::hear(const std::string& text) {
  if (const auto plain = read_plain_message(text)) {
    if (plain->instance != state_.instance) state_.hear(plain->text);
    return;
  }
  const auto message = read_change_message(text);
  if (!message) return;
  if (message->instance == state_.instance) {
    for (const auto& [node, changes] : message->changes) known_[node] = std::max(known_[node], changes);
    return;
  }
  ++state_.counters.notifications;
  if (message->tokens) state_.read_tokens_again(sql_);
  for (const auto& [node, changes] : message->changes) tell(node, changes);
  if (!message->all) return;
  for (const auto& [node, changes] : counters()) tell(node, changes);
}

void SqlListener::open() {
  connect(state_, sql_);
  const WatchedCall call(state_.watch, state_.engine->socket_of(sql_));
  sql_ << "LISTEN moenet";
}

std::map<NodeId, std::int64_t> SqlListener::counters() {
  const WatchedCall call(state_.watch, state_.engine->socket_of(sql_));
  return read_counters(sql_);
}

// Until the store ends. Exceptions: soci::soci_error, when the connection is lost.
void SqlListener::listen(const std::stop_token& stop) {
  PGconn* connection = static_cast<soci::postgresql_session_backend*>(sql_.get_backend())->conn_;
  SteadyTime next_check = steady_now() + state_.options.recheck;
  while (!stop.stop_requested()) {
    if (steady_now() >= next_check) {
      check();
      next_check = steady_now() + state_.options.recheck;
    }
    while (PGnotify* notification = PQnotifies(connection)) {
      const std::string text = notification->extra;
      PQfreemem(notification);
      hear(text);
    }
    pollfd waits[] = {{PQsocket(connection), POLLIN, 0}, {wake_.get(), POLLIN, 0}};
    ::poll(waits, 2, static_cast<int>(Deadline(next_check).left().count()));
    eventfd_t woken = 0;
    if (::eventfd_read(wake_.get(), &woken) == 0) next_check = steady_now();
    if (waits[0].revents != 0 && PQconsumeInput(connection) == 0) throw soci::soci_error("the connection was lost");
  }
}

void SqlListener::run(const std::stop_token& stop) {
  bool is_connected = true;
  while (!stop.stop_requested()) {
    try {
      if (!is_connected) {
        open();
        check();  // whatever was said meanwhile was missed
        is_connected = true;
        log::info("the database answers again");
      }
      listen(stop);
    } catch (const soci::soci_error& failure) {
      if (is_connected) log::error("lost the database; trying again", {{"error", failure.get_error_message()}});
      is_connected = false;
      pollfd wait{wake_.get(), POLLIN, 0};
      ::poll(&wait, 1, static_cast<int>(kRetry.count()));
      eventfd_t woken = 0;
      ::eventfd_read(wake_.get(), &woken);
    }
  }
}

}  // namespace moenet::controlplane
