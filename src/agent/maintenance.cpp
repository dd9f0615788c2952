#include "agent/maintenance.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "bird/protocol_order.h"
#include "model/json_reader.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

// Others get this long to choose other ways after they were asked. BGP: BIRD, as they mostly are, sends and decides
// within milliseconds, a slow far end within a second. Babel: a neighbor has the new cost of a link with the second
// hello (1 s each; moved after 0.6 to 1.9 s on 2.0.12, 2.17.6 and 3.1.8), and tells those behind it within a second for
// each hop (chosen). Where the other way is not feasible it waits for a new sequence number, 16 s and more: this node
// carries what comes meanwhile, so nothing here waits for that.
constexpr seconds kOthersDecide{5};
// Then this node's ways move, and what it reflects to others with them; back in service, BIRD writes the kernel's
// routes after it has told neighbors, within milliseconds (chosen).
constexpr seconds kOwnWaysMove{2};
// Path after path moves within a few round trips; a number that stands still for this long will stay (chosen).
constexpr seconds kQuiet{5};
constexpr std::int64_t kTimeoutMax = 86'400;
// A message of 128 bytes and 10,000 names are under 300 kB.
constexpr std::size_t kTextBytesMax = 1024;

constexpr std::array kPhases{MaintenancePhase::off, MaintenancePhase::draining, MaintenancePhase::drained,
                             MaintenancePhase::down};

MaintenanceOptions read_options(const model::JsonReader& reader) {
  MaintenanceOptions options;
  options.timeout = seconds(reader.integer("timeout_seconds", 0, kTimeoutMax).value_or(options.timeout.count()));
  options.shuts_sessions = reader.boolean("shutdown").value_or(false);
  options.message = reader.text("message", kTextBytesMax).value_or("");
  if (auto fits = bird::check_shutdown_message(options.message); !fits)
    reader.note("message", "at most 128 bytes of UTF-8 without double quotes and control characters");
  return options;
}

bool is_protocol_name(std::string_view name) {
  constexpr std::string_view kPrefix = "dn42_";
  return name.starts_with(kPrefix) && name.size() > kPrefix.size() && name.size() <= 15 &&
         name.find_first_not_of("0123456789", kPrefix.size()) == name.npos;
}

json::array array_of(const std::vector<std::string>& names) {
  json::array array;
  for (const std::string& name : names) array.push_back(json::value(name));
  return array;
}

std::vector<std::string> read_names(const json::value* value) {
  std::vector<std::string> names;
  if (value == nullptr || !value->is_array()) return names;
  for (const json::value& name : value->get_array()) {
    if (name.is_string() && is_protocol_name(name.get_string())) names.emplace_back(name.get_string());
  }
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  return names;
}

// Those of `sessions` that are not in `shut`. Both are sorted, and so is the result.
std::vector<std::string> without(const std::vector<std::string>& sessions, const std::vector<std::string>& shut) {
  std::vector<std::string> rest;
  std::ranges::set_difference(sessions, shut, std::back_inserter(rest));
  return rest;
}

}  // namespace

std::string_view name_of(MaintenancePhase phase) {
  switch (phase) {
    case MaintenancePhase::off: return "off";
    case MaintenancePhase::draining: return "draining";
    case MaintenancePhase::drained: return "drained";
    case MaintenancePhase::down: break;
  }
  return "down";
}

Result<MaintenanceOptions> read_maintenance_options(std::string_view body) {
  if (body.empty()) return MaintenanceOptions{};
  TRY(const json::value document, model::parse_json(body));
  std::vector<model::JsonFault> faults;
  const model::JsonReader reader(document, faults);
  MaintenanceOptions options = read_options(reader);
  for (const std::string& key : reader.unknown_keys({"timeout_seconds", "shutdown", "message"}))
    faults.push_back({key, "", "one of timeout_seconds, shutdown, message"});
  if (!faults.empty()) return fail(Errc::invalid, texts_of(faults));
  return options;
}

model::SessionSwitches MaintenanceRecord::switches() const {
  if (phase == MaintenancePhase::down) return {shut, {}, {}, options.message};
  return {{}, shut, {}, ""};
}

std::string write_maintenance(const MaintenanceRecord& record) {
  return json::serialize(json::object{{"state", name_of(record.phase)},
                                      {"since", record.since.time_since_epoch().count()},
                                      {"timeout_seconds", record.options.timeout.count()},
                                      {"shutdown", record.options.shuts_sessions},
                                      {"message", record.options.message},
                                      {"shut_sessions", array_of(record.shut)}}) +
         "\n";
}

Result<MaintenanceRecord> read_maintenance(std::string_view text) {
  TRY(const json::value document, model::parse_json(text));
  std::vector<model::JsonFault> faults;
  const model::JsonReader reader(document, faults);
  const std::string state = reader.text("state", kTextBytesMax).value_or("");
  const auto phase = std::ranges::find(kPhases, state, [](MaintenancePhase each) { return name_of(each); });
  if (phase == kPhases.end()) reader.note("state", "off, draining, drained or down");
  MaintenanceRecord record;
  record.since = std::chrono::sys_seconds(seconds(reader.integer("since", 0, INT32_MAX * 4LL).value_or(0)));
  record.options = read_options(reader);
  record.shut = read_names(reader.find("shut_sessions"));
  if (!faults.empty()) return fail(Errc::invalid, texts_of(faults));
  record.phase = *phase;
  return record;
}

Result<void> Maintenance::start(const MaintenanceOptions& options, WallTime now) {
  if (record_.phase == MaintenancePhase::down && !options.shuts_sessions)
    return fail(Errc::conflict, "sessions are shut already; `moenet-agent maintenance stop` brings them up");
  if (!record_.is_on()) {
    record_.phase = MaintenancePhase::draining;
    record_.since = std::chrono::floor<seconds>(now);
    preferred_.reset();
    in_force_since_.reset();
    has_asked_ = is_returning_ = false;
  }
  is_settled_ = is_settled_ && record_.options == options && record_.phase != MaintenancePhase::draining;
  record_.options = options;
  return {};
}

void Maintenance::stop() {
  is_settled_ = is_settled_ && !record_.is_on();
  if (record_.is_on()) {
    is_returning_ = drain() == bird::Drain::leaves;
    in_force_since_.reset();
  }
  record_.phase = MaintenancePhase::off;
  preferred_.reset();
}

bool Maintenance::has_drained(const MaintenanceLook& look) {
  // A clock that was set back must not keep a node draining for ever.
  const auto begun = std::min<WallTime>(record_.since, look.wall);
  record_.since = std::chrono::floor<seconds>(begun);
  if (look.wall - begun >= record_.options.timeout) return true;
  if (!has_asked_) {
    has_asked_ = is_in_force_for(look, kOthersDecide);
    if (has_asked_) in_force_since_.reset();
    return false;
  }
  if (look.preferred != preferred_) preferred_since_ = look.now;
  const bool has_moved = is_in_force_for(look, kOwnWaysMove);
  if (!in_force_since_ || !look.preferred) return false;
  if (*look.preferred == 0) return has_moved;
  return look.now - std::max(preferred_since_, *in_force_since_) >= kQuiet;
}

bool Maintenance::is_in_force_for(const MaintenanceLook& look, seconds time) {
  if (!look.policy_in_place) {
    in_force_since_.reset();
    return false;
  }
  if (!in_force_since_) in_force_since_ = look.now;
  return look.now - *in_force_since_ >= time;
}

void Maintenance::look_at_return(const MaintenanceLook& look) {
  if (is_returning_) {
    is_returning_ = !is_in_force_for(look, kOwnWaysMove);
    is_settled_ = false;  // the next look is of a BIRD that calls others again
  } else {
    is_settled_ = look.policy_in_place && record_.shut.empty();
  }
}

bird::Drain Maintenance::drain() const {
  switch (record_.phase) {
    case MaintenancePhase::off: return is_returning_ ? bird::Drain::asks : bird::Drain::off;
    case MaintenancePhase::draining: return has_asked_ ? bird::Drain::leaves : bird::Drain::asks;
    case MaintenancePhase::drained:
    case MaintenancePhase::down: break;
  }
  return bird::Drain::leaves;
}

void Maintenance::look(const MaintenanceLook& look) {
  if (record_.phase == MaintenancePhase::draining && has_drained(look)) record_.phase = MaintenancePhase::drained;
  if (record_.is_on() && look.preferred) preferred_ = look.preferred;
  if (record_.phase == MaintenancePhase::drained && record_.options.shuts_sessions)
    record_.phase = MaintenancePhase::down;
  switch (record_.phase) {
    case MaintenancePhase::draining: is_settled_ = false; break;
    case MaintenancePhase::drained: is_settled_ = true; break;
    case MaintenancePhase::down: {
      const auto up = without(look.sessions, look.shut_protocols);
      is_settled_ = look.policy_in_place && up.empty();
      std::vector<std::string> all;
      std::ranges::set_union(record_.shut, up, std::back_inserter(all));
      record_.shut = std::move(all);
      return;
    }
    case MaintenancePhase::off: break;
  }
  // Up again, or gone; while BIRD is away nothing is known of them.
  if (look.policy_in_place)
    std::erase_if(record_.shut,
                  [&](const auto& name) { return !std::ranges::binary_search(look.shut_protocols, name); });
  if (!record_.is_on()) look_at_return(look);
}

json::object maintenance_document(const MaintenanceView& view) {
  const MaintenanceRecord& record = view.record;
  json::object document;
  document["state"] = name_of(record.phase);
  document["since"] = record.is_on() ? json::value(fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", record.since)) : json::value();
  document["settled"] = view.is_settled;
  document["preferred_routes"] = view.preferred ? json::value(*view.preferred) : json::value();
  document["shutdown"] = record.is_on() && record.options.shuts_sessions;
  document["message"] = record.is_on() ? record.options.message : "";
  document["timeout_seconds"] = record.options.timeout.count();
  document["shut_sessions"] = array_of(record.shut);
  return document;
}

}  // namespace moenet::agent
