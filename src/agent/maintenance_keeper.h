// MaintenanceKeeper: the node's maintenance with its memory on disk (`maintenance.state` in the state folder, JSON,
// mode 0600, replaced whole), and published for whoever shows it. What is to be shut is on disk before it is wanted, so
// that no crash leaves a session down that nobody would bring up.
#pragma once

#include <string>

#include "agent/maintenance.h"
#include "base/latest.h"

namespace moenet::agent {

// reconcileTask's alone.
class MaintenanceKeeper {
 public:
  // Takes up what the disk says. `is_possible`: this agent owns BIRD's policy; else maintenance that is on ends here,
  // and none begins. A file that cannot be read is told to the log and counts as none.
  MaintenanceKeeper(std::string state_folder, bool is_possible, Latest<MaintenanceView>& view);

  // Errors: conflict (not possible, or Maintenance::start's), those of atomic_write_file, and then nothing has changed.
  Result<void> start(const MaintenanceOptions& options, WallTime now);
  Result<void> stop();
  void look(const MaintenanceLook& look);

  bool is_draining() const { return maintenance_.record().is_on(); }
  bird::Drain drain() const { return maintenance_.drain(); }
  model::SessionSwitches switches() const { return saved_.switches(); }
  bool is_settled() const { return maintenance_.is_settled(); }

 private:
  Result<void> save();
  void publish();

  std::string folder_;
  std::string path_;
  bool is_possible_;
  Latest<MaintenanceView>& view_;
  Maintenance maintenance_;
  MaintenanceRecord saved_;
};

}  // namespace moenet::agent
