// Machine: a node of the simulation: kernel and BIRD in memory (FakeNode), the state folder, and at most one process of
// the agent, which may be killed at any moment, also in the middle of a change of the node. What is killed leaves the
// kernel, BIRD and the folder as they are.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "agent/compose.h"
#include "simulation/agenda.h"
#include "simulation/chance.h"
#include "simulation/far_control_plane.h"
#include "simulation/wire.h"
#include "support/fake_node.h"
#include "support/temporary_folder.h"

namespace moenet::simulation {

class Process;
class Invariants;

// Ends a process in the middle of what it does, as a kill -9 would.
struct Killed {};

struct MachineWiring {
  int number;  // 1…
  Agenda& agenda;
  Chance& chance;
  FarControlPlane& server;
  const Weather& weather;
  Invariants& invariants;
};

class Machine {
 public:
  explicit Machine(MachineWiring wiring);
  ~Machine();

  int number() const { return wiring_.number; }
  bool owns_bird() const { return context_.owns_bird; }
  const agent::NodeContext& context() const { return context_; }
  reconcile::FakeNode& node() { return node_; }
  const reconcile::FakeNode& node() const { return node_; }

  bool is_running() const { return process_ != nullptr; }
  void start();
  void kill();
  // After so many operations and looks from now.
  void kill_after(int operations) { operations_to_live_ = operations; }
  // Was it killed, and has nobody been told by this yet?
  bool awaits_start() { return std::exchange(was_killed_, false); }
  void spare() { operations_to_live_.reset(); }
  // The disk is new: no last good state.
  void lose_state();
  void wake();  // an event of netlink

  // Its neighbors in the mesh, by their numbers. What it is told of them is read every two minutes, and is nobody for
  // the next `mesh_amnesia` times.
  std::set<model::NodeId> mesh;
  int mesh_amnesia = 0;
  // Asks the process for maintenance, or for its end; lost when there is none.
  void maintain(bool begins, bool shuts_sessions);

  // Sessions whose tunnel or BGP does not come up although all is in place.
  std::set<std::string> sick;

 private:
  friend class Process;
  void tick();

  MachineWiring wiring_;
  agent::NodeContext context_;
  reconcile::FakeNode node_;
  std::unique_ptr<support::TemporaryFolder> folder_;
  std::unique_ptr<Process> process_;
  std::optional<int> operations_to_live_;
  bool was_killed_ = false;
};

}  // namespace moenet::simulation
