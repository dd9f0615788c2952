// Process: what of the agent dies with it: the cores of sessionSyncTask, reconcileTask and reportTask with all that
// they remember, wired as main.cpp wires them, but driven by the agenda instead of by threads and clocks.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "agent/reconcile_task.h"
#include "agent/report_task.h"
#include "simulation/machine.h"

namespace moenet::simulation {

class Process {
 public:
  Process(Machine& machine, const MachineWiring& wiring, const std::filesystem::path& folder);

  void wake() { wakeup_.notify(), listen(); }
  void maintain(bool begins, bool shuts_sessions);

 private:
  void at(SteadyTime when, void (Process::*what)());
  // Whoever was notified meanwhile gets its turn.
  void listen();

  void fetch();
  void read_mesh();
  void look();  // reconcileTask
  void look_at(SteadyTime when);
  void report();  // reportTask
  void send(std::size_t done);
  void answered();
  agent::HealthTable health(const agent::NodeReport& report) const;

  Machine& machine_;
  const MachineWiring& wiring_;
  const std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);

  agent::AgentConfig config_;
  agent::TaskLedger ledger_;
  Latest<agent::SessionInput> input_;
  Latest<agent::Known<model::Mesh>> mesh_;
  Latest<agent::Known<model::BirdPolicy>> policy_;
  Latest<agent::RoaTable> roas_;
  Latest<agent::LinkQualities> qualities_;
  Latest<agent::Measurement> measurement_;
  Latest<agent::MtuLimits> limits_;
  Latest<agent::NodeReport> report_;
  Latest<agent::MaintenanceView> maintenance_view_;
  agent::NodeRequests requests_;
  Wakeup wakeup_;
  Wakeup report_wakeup_;
  net::Resolver resolver_;
  agent::Backbone backbone_;
  agent::MaintenanceKeeper maintenance_;
  agent::ControlPlane unused_;  // its place is taken by the wire
  agent::SessionSync sync_;
  agent::ReconcileTask reconcile_;
  agent::ReportMemory memory_;
  Wire wire_;

  SteadyTime next_look_ = SteadyTime::max();  // for which a look is on the agenda
  std::uint64_t meshes_ = 0;
  bool offers_batch_ = false;
  SteadyTime asked_{};                        // reportTask, what is due
  std::vector<agent::Modification> sending_;  // reportTask does nothing else until they are answered
  std::vector<Result<void>> outcomes_;
};

}  // namespace moenet::simulation
