#include "agent/maintenance_keeper.h"

#include "base/file.h"
#include "base/log.h"

namespace moenet::agent {
namespace {

// 10,000 names are 200 kB.
constexpr std::size_t kFileLimit = 4u << 20;

void log_move(const MaintenanceRecord& before, const MaintenanceRecord& now) {
  if (before.phase == now.phase) return;
  log::info("maintenance", {{"from", name_of(before.phase)}, {"to", name_of(now.phase)}});
}

}  // namespace

MaintenanceKeeper::MaintenanceKeeper(std::string state_folder, bool is_possible, Latest<MaintenanceView>& view)
    : folder_(std::move(state_folder)), path_(folder_ + "/maintenance.state"), is_possible_(is_possible), view_(view) {
  const auto text = read_file(path_, kFileLimit);
  auto record = text ? read_maintenance(*text) : std::unexpected(text.error());
  if (record) {
    saved_ = *record;
    maintenance_ = Maintenance(std::move(*record));
  } else if (record.error().code != Errc::not_found) {
    log::warning("the state of maintenance cannot be read: it counts as off",
                 {{"file", path_}, {"error", record.error().what}});
  }
  if (!is_possible_ && is_draining()) {
    log::warning("maintenance ends: BIRD's policy is not this agent's any more");
    maintenance_.stop();
    if (auto saved = save(); !saved) log::error("maintenance cannot be kept on disk", {{"error", saved.error().what}});
  }
  publish();
}

Result<void> MaintenanceKeeper::save() {
  if (maintenance_.record() == saved_) return {};
  TRY_VOID(make_folder(folder_, 0700));
  TRY_VOID(atomic_write_file(path_, write_maintenance(maintenance_.record()), 0600));
  log_move(saved_, maintenance_.record());
  saved_ = maintenance_.record();
  return {};
}

void MaintenanceKeeper::publish() {
  view_.put(MaintenanceView{maintenance_.record(), maintenance_.is_settled(), maintenance_.preferred()});
}

Result<void> MaintenanceKeeper::start(const MaintenanceOptions& options, WallTime now) {
  if (!is_possible_)
    return fail(
        Errc::conflict,
        "maintenance needs bird.ownership \"full\": with \"peers\" the filters are the operator's, and this agent "
        "cannot make them drain");
  const Maintenance before = maintenance_;
  auto done = maintenance_.start(options, now);
  if (done) done = save();
  if (!done) maintenance_ = before;
  publish();
  return done;
}

Result<void> MaintenanceKeeper::stop() {
  const Maintenance before = maintenance_;
  maintenance_.stop();
  auto done = save();
  if (!done) maintenance_ = before;
  publish();
  return done;
}

void MaintenanceKeeper::look(const MaintenanceLook& look) {
  maintenance_.look(look);
  if (auto saved = save(); !saved) log::error("maintenance cannot be kept on disk", {{"error", saved.error().what}});
  publish();
}

}  // namespace moenet::agent
