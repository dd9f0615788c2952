// What the sql_*.cpp of SqlStore share: connections, transactions, and the turning of database exceptions into Errors.
// No one else includes it: SOCI stays in these files.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <soci/soci.h>

#include "controlplane/sql_engine.h"
#include "controlplane/sql_listener.h"
#include "controlplane/sql_store.h"
#include "controlplane/sql_watch.h"
#include "controlplane/token_cache.h"

namespace moenet::controlplane {

struct SqlStore::State {
  State(std::unique_ptr<SqlEngine> on, std::size_t connections, std::function<UnixMs()> clock, const SqlOptions& given);

  void tell(NodeId node, std::int64_t changes);
  void hear(std::string_view text);
  // Exceptions: soci::soci_error.
  void read_tokens_again(soci::session& sql);
  // As read_tokens_again, over a connection of the pool, and false when the database is away.
  bool try_to_read_tokens_again();

  const std::unique_ptr<SqlEngine> engine;
  const std::string instance;  // this store's name among those on the same database
  const SqlOptions options;
  const std::function<UnixMs()> now;
  soci::connection_pool pool;
  ConnectionWatch watch;
  TokenCache tokens;
  std::shared_mutex on_change_mutex;   // guards on_change: who commits calls it, its owner takes it away
  ChangeListener on_change;            // when that returns, nobody is in it
  std::shared_mutex on_message_mutex;  // guards on_message, likewise
  Messages::Listener on_message;
  struct {  // of StoreCounters
    std::atomic<std::uint64_t> reads{0}, writes{0}, errors{0}, reconnects{0}, notifications{0}, readings_taken{0},
        readings_ignored{0}, deliveries_dropped{0};
  } mutable counters;
  std::atomic<bool> told_settings_faults{false};  // every read meets them; the log says it once
  std::unique_ptr<SqlListener> listener;          // null where nobody else writes. Last: it uses all of the above
};

// While it lives, the socket's call must not last longer than the watch allows.
class WatchedCall {
 public:
  WatchedCall(ConnectionWatch& watch, int socket) : watch_(watch), socket_(socket) { watch_.begin(socket_); }
  ~WatchedCall() { watch_.end(socket_); }
  WatchedCall(const WatchedCall&) = delete;
  WatchedCall& operator=(const WatchedCall&) = delete;

 private:
  ConnectionWatch& watch_;
  const int socket_;
};

// Connects and prepares. Exceptions: soci::soci_error; then the session is closed.
void connect(SqlStore::State& state, soci::session& sql);

// A connection of the pool, for one transaction.
class Lease {
 public:
  explicit Lease(SqlStore::State& state);
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  soci::session& sql() { return sql_; }
  // Runs `begin`, which begins a transaction. A connection that was lost while it lay idle is made anew first: nothing
  // was done on it yet. Exceptions: soci::soci_error.
  void begin(const std::function<void(soci::session&)>& begin);
  // Whatever was begun is undone, unless it was committed.
  void roll_back() noexcept;

 private:
  void watch();

  SqlStore::State& state_;
  const std::size_t place_;
  soci::session& sql_;
  int socket_ = -1;
};

// A write transaction, alone among all writers of the database unless `writes` says otherwise. It rolls back unless
// commit() was called. Exceptions: soci::soci_error.
class WriteTransaction {
 public:
  explicit WriteTransaction(SqlStore::State& state, Writes writes = Writes::anything);
  ~WriteTransaction();
  WriteTransaction(const WriteTransaction&) = delete;
  WriteTransaction& operator=(const WriteTransaction&) = delete;

  soci::session& sql() { return lease_.sql(); }
  // The node reads something else from now on. Not in a transaction of Writes::told: who touches must be alone.
  void touch(NodeId node);
  void touch_all();
  // The node is gone; its waiting reads are told that its counter is `changes`.
  void retire(NodeId node, std::int64_t changes) { raised_.emplace_back(node, changes); }
  // From the commit on, the tokens are those of the table.
  void change_tokens() { tokens_ = true; }
  // Raises the counters, commits, then calls the listener.
  void commit();

 private:
  void raise_counters();
  void notify_others();
  void finish();

  SqlStore::State& state_;
  const Writes writes_;
  Lease lease_;
  std::set<NodeId> touched_;
  std::vector<std::pair<NodeId, std::int64_t>> raised_;
  bool all_ = false;
  bool tokens_ = false;
  bool open_ = true;
};

// A read transaction: all its reads see one snapshot.
class ReadTransaction {
 public:
  explicit ReadTransaction(SqlStore::State& state);
  ~ReadTransaction() { lease_.roll_back(); }
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;

  soci::session& sql() { return lease_.sql(); }

 private:
  Lease lease_;
};

// Runs `work`, which returns a Result or a Checked; a database exception becomes an Error that says what was tried.
Error error_from_database(const SqlEngine& engine, const soci::soci_error& failure, std::string_view action);
template <class Work>
auto guarded(const SqlStore::State& state, std::string_view action, Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const soci::soci_error& failure) {
    ++state.counters.errors;
    return std::unexpected(error_from_database(*state.engine, failure, action));
  }
}

// Text that every database can hold, and so may have: valid UTF-8 without NUL. What came in a URL may be anything.
bool is_plain_text(std::string_view text);

NodeTokens read_tokens(soci::session& sql);
// Of nodes, and of ids that were given up.
std::map<NodeId, std::int64_t> read_counters(soci::session& sql);
// Instead of the one that the node has, which stays good until `old_until`.
void put_token(WriteTransaction& transaction, NodeId node, const TokenHash& token, long long now,
               long long old_until = 0);
std::vector<Node> all_nodes(soci::session& sql);  // by id
std::optional<Node> fetch_node(soci::session& sql, std::string_view name_or_uuid);
// Forgets the node when it is leaving and its last session is gone (sql_node_ends.cpp).
void forget_if_left(WriteTransaction& transaction, const Author& by, UnixMs now, NodeId node);
// Refusals: conflict (node), when it is leaving.
Checked<void> check_takes_sessions(soci::session& sql, NodeId node);
// A refusal when the row is not the one that the change was based on.
Checked<void> check_version(std::int64_t version, ExpectedVersion expected);
Result<VersionedSettings> fetch_settings(SqlStore::State& state, soci::session& sql);

// The node's series grow by these readings (sql_samples.cpp). In a write transaction of any kind.
void take_readings(SqlStore::State& state, soci::session& sql, NodeId node, const std::vector<SeriesReading>& readings,
                   UnixMs arrival);
void forget_series_of(soci::session& sql, std::string_view uuid);
// Of other nodes to this one; its own go with it.
void forget_links_to(soci::session& sql, NodeId node);

// Keeps the moves of one transaction, which must be alone (Writes::anything): as events, and as deliveries.
class MoveRecorder {
 public:
  MoveRecorder(SqlStore::State& state, soci::session& sql) : state_(state), sql_(sql) {}

  // Absent: the row was not there before, or is not there afterwards. `row` is as it is afterwards, or was last.
  void record(const StoredSession& row, std::optional<model::SessionStatus> from,
              std::optional<model::SessionStatus> to, const Cause& cause);

 private:
  void prepare();
  void deliver(const Webhook& hook, const std::string& id, const std::string& body, UnixMs now);

  SqlStore::State& state_;
  soci::session& sql_;
  // Read for the first move of the transaction:
  bool is_prepared_ = false;
  std::vector<Webhook> hooks_;
  std::map<std::string, long long> waiting_;  // deliveries, by hook
  std::map<NodeId, std::string> nodes_;       // names
  long long next_number_ = 1;
};

}  // namespace moenet::controlplane
