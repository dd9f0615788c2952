// World: one simulation: a control plane with an operator, nodes, and the network between them, all out of one seed.
// First there is trouble of every kind while the operator works; then nothing new goes wrong, and all must settle.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "simulation/agenda.h"
#include "simulation/chance.h"
#include "simulation/far_control_plane.h"
#include "simulation/invariants.h"
#include "simulation/machine.h"

namespace moenet::simulation {

class World {
 public:
  // `tell`: hears what happens, with its time.
  World(std::uint64_t seed, std::function<void(const std::string&)> tell);

  // What did not hold, at the first moment at which something did not; empty when all did.
  std::vector<std::string> run();
  // The same, of a quiet network that is cut from its control plane for so long, in the middle of which all nodes start
  // anew.
  std::vector<std::string> run_cut_off(std::chrono::hours length);

 private:
  void plan_trouble(std::chrono::milliseconds length);
  void heal();
  bool settle(std::chrono::milliseconds length);
  bool rest(std::chrono::milliseconds length);
  bool pass(SteadyTime end);
  void tell(const std::string& what) const;

  // What the operator does.
  void act();
  void add_session();
  StoredSession new_session(int node, int number) const;
  void edit(const std::string& uuid);
  std::function<void(StoredSession&)> draw_change(const std::string& uuid);

  // What goes wrong.
  void harm();
  void harm_network();
  void step_wall_clock();
  void harm_process(Machine& machine);
  void harm_kernel(Machine& machine);
  void harm_bird(Machine& machine);
  void harm_session(Machine& machine);
  void change_mesh(Machine& machine);
  model::NodeId draw_neighbor() { return static_cast<model::NodeId>(chance_.between(10, 17)); }
  void maintain(Machine& machine);
  void restart_later(Machine& machine);
  const StoredSession* draw_session_of(const Machine& machine);

  Chance chance_;
  std::function<void(const std::string&)> tell_;
  Agenda agenda_;
  Weather weather_;
  FarControlPlane server_;
  Invariants invariants_;
  std::vector<std::unique_ptr<Machine>> machines_;
  int sessions_ = 0;
};

}  // namespace moenet::simulation
