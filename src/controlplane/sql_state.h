// What the sql_*.cpp of SqlStore share: connections, transactions, and the turning of database exceptions into Errors.
// No one else includes it: SOCI stays in these files.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <soci/soci.h>

#include "controlplane/sql_store.h"

namespace moenet::controlplane {

struct SqlStore::State {
  explicit State(std::size_t connections) : pool(connections) {}

  soci::connection_pool pool;
  std::function<UnixMs()> now;
  ChangeListener on_change;
  std::mutex tokens_mutex;  // guards tokens: every request looks, a commit replaces
  std::map<TokenHash, NodeId> tokens;
  std::atomic<bool> told_settings_faults{false};  // every read meets them; the log says it once
};

// A write transaction. It takes the write lock at once (SQLite would refuse to upgrade a reader later), and rolls back
// unless commit() was called. Exceptions: soci::soci_error.
class WriteTransaction {
 public:
  explicit WriteTransaction(SqlStore::State& state);
  ~WriteTransaction();
  WriteTransaction(const WriteTransaction&) = delete;
  WriteTransaction& operator=(const WriteTransaction&) = delete;

  soci::session& sql() { return sql_; }
  // The node reads something else from now on.
  void touch(NodeId node) { touched_.insert(node); }
  void touch_all() { all_ = true; }
  // The node is gone; its waiting reads are told that its counter is `changes`.
  void retire(NodeId node, std::int64_t changes) { retired_.emplace_back(node, changes); }
  // From the commit on, the tokens are those of the table.
  void change_tokens() { tokens_ = true; }
  // Raises the counters, commits, then calls the listener.
  void commit();

 private:
  SqlStore::State& state_;
  soci::session sql_;
  std::set<NodeId> touched_;
  std::vector<std::pair<NodeId, std::int64_t>> retired_;
  bool all_ = false;
  bool tokens_ = false;
  bool open_ = true;
};

// A read transaction: all its reads see one snapshot.
class ReadTransaction {
 public:
  explicit ReadTransaction(SqlStore::State& state);
  ~ReadTransaction();
  ReadTransaction(const ReadTransaction&) = delete;
  ReadTransaction& operator=(const ReadTransaction&) = delete;

  soci::session& sql() { return sql_; }

 private:
  soci::session sql_;
};

// Runs `work`, which returns a Result or a Checked; a database exception becomes an Error that says what was tried.
Error error_from_database(const std::exception& failure, std::string_view action);
template <class Work>
auto guarded(std::string_view action, Work&& work) -> decltype(work()) {
  try {
    return work();
  } catch (const soci::soci_error& failure) {
    return std::unexpected(error_from_database(failure, action));
  }
}

std::map<TokenHash, NodeId> read_tokens(soci::session& sql);
// Instead of the one that the node has.
void put_token(WriteTransaction& transaction, NodeId node, const TokenHash& token, long long now);
std::vector<Node> all_nodes(soci::session& sql);  // by id
Result<Settings> fetch_settings(SqlStore::State& state, soci::session& sql);

// Brings the tables up to date. Errors: invalid when they are newer than this program.
Result<void> migrate(soci::session& sql, UnixMs now);

}  // namespace moenet::controlplane
