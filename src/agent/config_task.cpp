#include "agent/config_task.h"

#include <boost/json.hpp>

#include "base/backoff.h"
#include "base/latest.h"
#include "base/log.h"
#include "model/session_json.h"

namespace moenet::agent {
namespace {

// An answer is kept only when it can be used together with the file.
Result<void> check(const ConfigSource& source, const boost::json::value& data, Environment environment) {
  auto understood = understand_config(source, data, environment);
  if (understood) return {};
  return fail(Errc::invalid, "the control plane's config: " + understood.error().front().text());
}

// True when the answer says something new.
Result<bool> fetch_and_keep(ControlPlane& control_plane, StateFile& state, const std::string& kept,
                            const ConfigSource& source, Environment environment, const std::stop_token& stop) {
  TRY(const std::string body, control_plane.fetch_config(stop));
  TRY(const auto data, model::read_envelope(body));
  if (!data.is_object()) return fail(Errc::invalid, "fetch config: `data` is no object");
  TRY_VOID(check(source, data, environment));
  if (body == kept) return false;
  TRY_VOID(state.save(body));
  return true;
}

}  // namespace

StateIdentity identity_of(const AgentConfig& config) { return {config.node.name, config.control_plane.url}; }

boost::json::value kept_config(const AgentConfig& local) {
  auto body = StateFile(local.state_folder, kConfigAnswer, identity_of(local)).load();
  if (!body) {
    if (body.error().code != Errc::not_found) log::warning("kept config is of no use", {{"error", body.error().what}});
    return nullptr;
  }
  auto data = model::read_envelope(*body);
  return data ? std::move(*data) : boost::json::value(nullptr);
}

void run_config(ControlPlane& control_plane, TaskLedger& ledger, const AgentConfig& config, const ConfigSource& source,
                Environment environment, const std::function<void()>& on_new_config, const std::stop_token& stop) {
  StateFile state(config.state_folder, kConfigAnswer, identity_of(config));
  const std::string kept = state.load().value_or("");
  // Long pauses soon: a control plane that does not know the question will not learn it in a minute.
  const Backoff pause{config.control_plane.sync_interval, std::chrono::minutes(10)};
  Wakeup never;
  for (unsigned attempt = 0; !stop.stop_requested(); ++attempt) {
    auto is_new = fetch_and_keep(control_plane, state, kept, source, environment, stop);
    ledger.record(kConfigTask, is_new ? Result<void>{} : std::unexpected(is_new.error()));
    if (is_new) {
      if (*is_new) on_new_config();
      return;
    }
    if (is_new.error().code != Errc::cancelled) {
      log::warning(config.is_complete ? "config not fetched; the last good one stays"
                                      : "waiting for the control plane's first config",
                   {{"error", is_new.error().what}});
    }
    never.wait(Deadline::after(config.is_complete ? pause.ceiling(attempt) : pause.initial), stop);
  }
}

}  // namespace moenet::agent
