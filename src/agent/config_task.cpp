#include "agent/config_task.h"

#include <boost/json.hpp>

#include "base/backoff.h"
#include "base/latest.h"
#include "base/log.h"
#include "base/uuid.h"
#include "model/session_json.h"
#include "model/text.h"

namespace moenet::agent {
namespace {

// How often a waiting task says that it is alive: well within any sensible WatchdogSec.
constexpr std::chrono::seconds kProgress{5};

constexpr std::chrono::hours kWaitAtOnce{24};

// A node that is known by its uuid (wire contract A1) learns its name from the answer, so it cannot tell.
bool is_for(const std::string& node, const boost::json::object& data) {
  const auto* section = data.if_contains("node");
  const auto* name = section != nullptr && section->is_object() ? section->get_object().if_contains("name") : nullptr;
  if (name == nullptr || !name->is_string() || name->get_string().empty() || is_uuid(node)) return true;
  return model::lower_case(std::string(name->get_string())) == model::lower_case(node);
}

// An answer is kept only when it is this node's and can be used together with the file.
Result<void> check(const ConfigWiring& wiring, const boost::json::value& data) {
  if (!data.is_object()) return fail(Errc::invalid, "fetch config: `data` is no object");
  if (!is_for(wiring.config.node.name, data.get_object()))
    return fail(Errc::invalid, "the control plane's config: node.name: it is another node's");
  const auto understood = understand_config(wiring.source, data, wiring.environment);
  if (understood) return {};
  return fail(Errc::invalid, "the control plane's config: " + understood.error().front().text());
}

// True when the answer says something new. What is not taken of it may differ each time, and so may its order.
Result<bool> fetch_and_keep(const ConfigWiring& wiring, StateFile& state,
                            const std::optional<boost::json::object>& in_force, const std::stop_token& stop) {
  TRY(const std::string body, wiring.control_plane.fetch_config(stop));
  TRY(const auto data, model::read_envelope(body));
  TRY_VOID(check(wiring, data));
  if (fetched_members(data) == in_force) return false;
  TRY_VOID(state.save(body));
  return true;
}

boost::json::value data_in(const Result<std::string>& body) {
  auto data = body ? model::read_envelope(*body) : std::unexpected(body.error());
  return data ? std::move(*data) : boost::json::value(nullptr);
}

}  // namespace

StateIdentity identity_of(const AgentConfig& config) { return {config.node.name, config.control_plane.url}; }

boost::json::value kept_config(const AgentConfig& local) {
  const auto body = StateFile(local.state_folder, kConfigAnswer, identity_of(local)).read();
  if (!body && body.error().code != Errc::not_found)
    log::warning("kept config is of no use", {{"error", body.error().what}});
  return data_in(body);
}

void run_config(const ConfigWiring& wiring, const std::stop_token& stop) {
  const AgentConfig& config = wiring.config;
  StateFile state(config.state_folder, kConfigAnswer, identity_of(config));
  const auto kept = data_in(state.load());
  std::optional<boost::json::object> in_force;  // nothing, while the node waits for its first
  if (config.is_complete) in_force = fetched_members(kept);
  // Long pauses soon: a control plane that does not know the question will not learn it in a minute.
  const Backoff pause{config.control_plane.sync_interval, std::chrono::minutes(10)};
  Wakeup never;
  for (unsigned attempt = 0; !stop.stop_requested(); ++attempt) {
    wiring.on_progress();
    auto is_new = fetch_and_keep(wiring, state, in_force, stop);
    wiring.ledger.record(kConfigTask, is_new ? Result<void>{} : std::unexpected(is_new.error()));
    if (is_new && *is_new) wiring.on_new_config();
    if (is_new && config.is_complete) {
      while (!wiring.ask_again.wait(Deadline::after(kWaitAtOnce), stop) && !stop.stop_requested()) {
      }
      attempt = 0;
      continue;
    }
    if (!is_new && is_new.error().code != Errc::cancelled) {
      log::warning(config.is_complete ? "config not fetched; the last good one stays" : kWaitsForConfig,
                   {{"error", is_new.error().what}});
    }
    const auto next = Deadline::after(config.is_complete ? pause.ceiling(attempt) : pause.initial);
    while (!next.passed() && !stop.stop_requested()) {
      wiring.on_progress();
      never.wait(next.or_sooner(kProgress), stop);
    }
  }
}

}  // namespace moenet::agent
