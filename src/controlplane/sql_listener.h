// SqlListener: hears what other control planes on the same database commit (PostgreSQL's LISTEN/NOTIFY). A message that
// got lost, as with a connection, is made up for by reading all counters after each connecting and every so often.
// SQLite needs none: one process has the file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <soci/soci.h>

#include "base/fd.h"
#include "controlplane/sql_store.h"

namespace moenet::controlplane {

// What a commit tells the other processes, as text: "<instance> <t or -> <id>:<changes>,…" or "… all" where the list
// would be too long for NOTIFY. `t`: tokens were changed too.
struct ChangeMessage {
  std::string instance;  // the store that committed: it has told its own listener already
  bool tokens = false;
  bool all = false;
  std::vector<std::pair<NodeId, std::int64_t>> changes;
};
std::string write_change_message(const ChangeMessage& message);
// Nothing when it is none of ours.
std::optional<ChangeMessage> read_change_message(std::string_view text);

// A message to the others that is none of the store's own (messages.h): "<instance> m <text>".
struct PlainMessage {
  std::string instance;
  std::string text;
};
std::string write_plain_message(const PlainMessage& message);
std::optional<PlainMessage> read_plain_message(std::string_view text);

class SqlListener {
 public:
  // Listens when it returns. `state` must outlive it. Exceptions: soci::soci_error.
  explicit SqlListener(SqlStore::State& state);
  ~SqlListener();

  // Thread-safe. Reads all counters soon: something may have been missed.
  void check_soon();

 private:
  void open();
  std::map<NodeId, std::int64_t> counters();
  void run(const std::stop_token& stop);
  void listen(const std::stop_token& stop);
  void check();
  void hear(const std::string& text);
  void tell(NodeId node, std::int64_t changes);

  SqlStore::State& state_;
  UniqueFd wake_;  // an eventfd: check_soon() and the end
  soci::session sql_;
  std::map<NodeId, std::int64_t> known_;  // the counters that were told, or are this process's own
  std::jthread thread_;                   // last: it uses all of the above
};

}  // namespace moenet::controlplane
