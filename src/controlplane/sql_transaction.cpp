// SqlStore: connections and transactions.

#include <cassert>

#include <fmt/format.h>

#include "base/utf8.h"
#include "controlplane/sql_state.h"

namespace moenet::controlplane {

// Without the statement and the values that SOCI adds to what(): among them are keys.
Error error_from_database(const SqlEngine& engine, const soci::soci_error& failure, std::string_view action) {
  return {engine.code_of(failure), fmt::format("{}: {}", action, failure.get_error_message())};
}

bool is_plain_text(std::string_view text) {
  return text.find('\0') == std::string_view::npos && valid_utf8(text, text.size()) == text;
}

Checked<void> check_version(std::int64_t version, ExpectedVersion expected) {
  if (!expected || *expected == version) return {};
  return refuse(Errc::conflict, "edited by somebody else meanwhile: read it again", "version");
}

void connect(SqlStore::State& state, soci::session& sql) {
  state.engine->connect(sql);
  try {
    const WatchedCall call(state.watch, state.engine->socket_of(sql));
    state.engine->prepare(sql);
  } catch (...) {
    sql.close();
    throw;
  }
}

Lease::Lease(SqlStore::State& state) : state_(state), place_(state.pool.lease()), sql_(state.pool.at(place_)) {
  watch();
}

Lease::~Lease() {
  state_.watch.end(socket_);
  state_.pool.give_back(place_);
}

void Lease::watch() {
  socket_ = state_.engine->socket_of(sql_);
  state_.watch.begin(socket_);
}

void Lease::begin(const std::function<void(soci::session&)>& begin) {
  try {
    begin(sql_);
    return;
  } catch (const soci::soci_error& failure) {
    if (!state_.engine->is_lost(sql_, failure)) {
      roll_back();  // it may have begun, and only not got its lock
      throw;
    }
  }
  state_.watch.end(std::exchange(socket_, -1));
  ++state_.counters.reconnects;
  connect(state_, sql_);
  watch();
  try {
    begin(sql_);
  } catch (const soci::soci_error&) {
    roll_back();
    throw;
  }
}

void Lease::roll_back() noexcept {
  try {
    sql_ << "ROLLBACK";
  } catch (const std::exception&) {
    // The database rolled back by itself, or is gone: either way nothing of this transaction stays.
  }
}

WriteTransaction::WriteTransaction(SqlStore::State& state, Writes writes)
    : state_(state), writes_(writes), lease_(state) {
  lease_.begin([this](soci::session& sql) { state_.engine->begin_write(sql, writes_); });
}

WriteTransaction::~WriteTransaction() {
  if (open_) lease_.roll_back();
}

void WriteTransaction::touch(NodeId node) {
  assert(writes_ == Writes::anything);
  touched_.insert(node);
}

void WriteTransaction::touch_all() {
  assert(writes_ == Writes::anything);
  all_ = true;
}

void WriteTransaction::raise_counters() {
  if (!all_ && touched_.empty()) return;
  if (all_) {
    sql() << "UPDATE node SET changes = changes + 1";
  } else {
    for (const NodeId node : touched_) sql() << "UPDATE node SET changes = changes + 1 WHERE id = :id", soci::use(node);
  }
  long long id = 0;
  long long changes = 0;
  soci::statement all = (sql().prepare << "SELECT id, changes FROM node", soci::into(id), soci::into(changes));
  all.execute();
  while (all.fetch()) {
    const auto node = static_cast<NodeId>(id);
    if (all_ || touched_.contains(node)) raised_.emplace_back(node, changes);
  }
}

void WriteTransaction::notify_others() {
  if (!state_.engine->is_shared() || (raised_.empty() && !tokens_)) return;
  state_.engine->notify(sql(), write_change_message({state_.instance, tokens_, false, raised_}));
}

void WriteTransaction::finish() {
  try {
    sql() << "COMMIT";
  } catch (const soci::soci_error&) {
    // Whether it was committed is not known; the listener finds out.
    if (state_.listener) state_.listener->check_soon();
    throw;
  }
  open_ = false;
  ++state_.counters.writes;
}

void WriteTransaction::commit() {
  raise_counters();
  notify_others();
  if (tokens_) {
    auto tokens = read_tokens(sql());
    const std::lock_guard order(state_.tokens.order);
    finish();
    state_.tokens.replace(std::move(tokens), steady_now());
  } else {
    finish();
  }
  for (const auto& [node, changes] : raised_) state_.tell(node, changes);
}

ReadTransaction::ReadTransaction(SqlStore::State& state) : lease_(state) {
  lease_.begin([&state](soci::session& sql) { state.engine->begin_read(sql); });
  ++state.counters.reads;
}

std::map<NodeId, std::int64_t> read_counters(soci::session& sql) {
  long long id = 0;
  long long changes = 0;
  soci::statement all = (sql.prepare << "SELECT id, MAX(changes) FROM (SELECT id, changes FROM node UNION ALL "
                                        "SELECT id, changes FROM retired_node) AS counter GROUP BY id",
                         soci::into(id), soci::into(changes));
  all.execute();
  std::map<NodeId, std::int64_t> counters;
  while (all.fetch()) counters.emplace(static_cast<NodeId>(id), changes);
  return counters;
}

}  // namespace moenet::controlplane
