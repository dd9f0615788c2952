// FarControlPlane: a control plane as its nodes see it. Its state machine, its reading of requests and the forms of its
// answers are the real ones (controlplane/session_moves, modify_body, session_draft, answers); the rows are in memory
// instead of in a database, which tests/controlplane/ covers, and a read that waits is an entry instead of a parked
// connection. Every move that it makes is told to whoever watches.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/session_moves.h"
#include "controlplane/store.h"
#include "http/message.h"
#include "simulation/agenda.h"

namespace moenet::simulation {

using controlplane::StoredSession;
using model::SessionStatus;

class FarControlPlane {
 public:
  using Reply = std::function<void(http::Response)>;
  // `after` is null of a row that was dropped.
  using Watcher = std::function<void(const StoredSession& before, const StoredSession* after, bool by_node)>;

  // `is_deployed`: as those in the field, without ETag, waiting reads and batches.
  FarControlPlane(Agenda& agenda, bool is_deployed, Watcher watcher)
      : agenda_(agenda), is_deployed_(is_deployed), watcher_(std::move(watcher)) {}

  // What a node asks; `reply` may be called later.
  void serve(int node, const http::Request& request, const Reply& reply);
  // The connections of those who wait are cut.
  void cut_waiting() { waiting_.clear(); }
  // The next `answers` lists of the node are empty, as of a server that reads the wrong table.
  void forget_for(int node, int answers) { amnesia_[node] = answers; }
  bool is_forgetful(int node) const { return amnesia_.contains(node) && amnesia_.at(node) > 0; }

  void add(StoredSession row);
  // False when the state machine refuses it.
  bool move(const std::string& uuid, controlplane::OperatorMove move);
  // Another content, with the status that an edit gives it; `keeps_status`: without (as some servers do of some
  // fields). False when it may not be edited any more.
  bool edit(const std::string& uuid, const std::function<void(StoredSession&)>& change, bool keeps_status);

  const std::map<std::string, StoredSession>& rows() const { return rows_; }
  const StoredSession* row(const std::string& uuid) const;
  std::uint64_t reports() const { return reports_; }  // requests that told something

 private:
  struct Waiting {
    int node;
    http::Request request;
    Reply reply;
    std::uint64_t number;
  };

  http::Response sessions(int node, const http::Request& request);
  http::Response modify(int node, const http::Request& request);
  controlplane::Changed carry_out(const controlplane::SessionChange& change, bool by_node);
  void put(const StoredSession& before, StoredSession after, bool by_node);
  void wake(int node);

  Agenda& agenda_;
  bool is_deployed_;
  Watcher watcher_;
  std::map<std::string, StoredSession> rows_;
  std::map<int, int> amnesia_;
  std::list<Waiting> waiting_;
  std::uint64_t waits_ = 0;
  std::uint64_t reports_ = 0;
};

}  // namespace moenet::simulation
