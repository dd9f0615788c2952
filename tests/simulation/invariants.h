// Invariants: what must be so after every step of a simulation, whatever went wrong before, and what must be so once
// nothing goes wrong any more. It judges by the node, the control plane's rows and the wire contract, with tables and
// comparisons of its own: never by what the agent believes.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/reconcile_task.h"
#include "simulation/machine.h"

namespace moenet::simulation {

class Invariants {
 public:
  explicit Invariants(const FarControlPlane& server) : server_(server) {}

  // Around each attempt of reconcileTask; `report` is null when it was killed in it, or had nothing to go by.
  void before_look(Machine& machine, const agent::SessionInput* input);
  void after_look(Machine& machine, const agent::NodeReport* report);
  // What reportTask is about to tell.
  void on_reports(const Machine& machine, const agent::NodeReport& report,
                  const std::vector<agent::Modification>& reports);
  // What the control plane did to a row.
  void on_move(const StoredSession& before, const StoredSession* after, bool by_node);
  // So many things have happened without any time having passed.
  void on_step(int at_once);
  // Nothing has gone wrong for long, but for what `machine` still has failing on purpose.
  void at_rest(Machine& machine);
  // Nothing is to happen any more: since `at_rest` no node was changed and nothing was told.
  void still_at_rest(Machine& machine, std::uint64_t reports_before);

  // A row was invalid, or its file refused: it may be in TEARDOWN from now on.
  void note_faulty(const std::string& uuid) { faulty_.insert(uuid); }
  const std::vector<std::string>& broken() const { return broken_; }

 private:
  struct Before {                                    // an attempt
    std::set<std::string> kept;                      // links and files that must not be touched
    std::set<std::string> spared;                    // links that must not be removed
    std::map<model::Owner, std::string> left_alone;  // what there is of owners that nothing is asked of
    std::vector<model::Tunnel> mesh_links;
    std::vector<model::Tunnel> links;  // of sessions
    std::vector<std::string> foreign_links;
    std::vector<std::string> foreign_files;
  };
  struct Eyes {  // what is seen of one machine
    std::unique_ptr<agent::Composer> listed;
    std::unique_ptr<agent::Composer> told;
    agent::Composer::Rows none;
    Before before;
    std::size_t operations = 0;  // on what does not fail on purpose
  };

  Eyes& eyes_of(const Machine& machine);
  void check_operations(Machine& machine, const Before& before);
  void check_removals(const Machine& machine, const Before& before);
  void check_mesh(const Machine& machine, const Before& before);
  void check_claims(const Machine& machine, const agent::NodeReport& report);
  void check_row(const Machine& machine, const StoredSession& row, const model::DesiredPeering& wanted);
  bool is_explained(const Machine& machine, const StoredSession& row) const;
  void expect(bool holds, const Machine* machine, const std::string& what);

  const FarControlPlane& server_;
  std::map<int, Eyes> eyes_;
  std::set<std::string> faulty_;
  std::set<std::string> was_queued_for_delete_;
  std::vector<std::string> broken_;
};

}  // namespace moenet::simulation
