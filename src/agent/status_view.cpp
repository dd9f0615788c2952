#include "agent/status_view.h"

#include <algorithm>
#include <map>
#include <span>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/document_fields.h"
#include "model/json_reader.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;

constexpr std::string_view kMeshUp = "configured";  // mesh_state() of a neighbor that is heard

// For what people also pipe into grep.
constexpr std::size_t kOneLine = 10'000;

// Where lines go to.
struct Screen {
  std::size_t width;
  Paint paint;

  std::string line(std::string_view label, std::string_view text) const { return labelled(label, text, width); }
  std::string loud(std::string_view label, std::string_view text) const {
    std::string all = line(label, text);
    all.pop_back();
    return paint(Ink::red, all) + "\n";
  }
};

std::string guard_line(const json::value& document) {
  if (text_at(document, "/deletion_guard/holds") != "true") return "";
  return fmt::format(
      "deletion guard  HOLDS: {} sessions vanished from the list (answer {} of {});\n"
      "                `moenet-agent sync --allow-mass-delete` lets them go\n",
      array_at(document, "/deletion_guard/vanished").size(), text_at(document, "/deletion_guard/seen"),
      text_at(document, "/deletion_guard/needed"));
}

std::string problem_line(std::string_view label, std::string_view words, const std::string& problem,
                         const Screen& screen) {
  return problem.empty() ? "" : screen.loud(label, fmt::format("{}: {}", words, problem));
}

// By node; those without a readable number first.
std::vector<const json::value*> sorted_neighbors(const json::value& document) {
  std::vector<const json::value*> sorted;
  for (const auto& neighbor : array_at(document, "/mesh/neighbors")) sorted.push_back(&neighbor);
  std::ranges::stable_sort(sorted, {},
                           [](const json::value* neighbor) { return whole_at(*neighbor, "/node").value_or(-1); });
  return sorted;
}

std::string mesh_table(std::span<const json::value* const> neighbors, const Screen& screen) {
  constexpr std::string_view kRow = "{:<10} {:<16} {:<10} {:>8} {}\n";
  constexpr std::size_t kMesh = 48;  // where the last column begins
  std::string table = fmt::format(kRow, "NODE", "INTERFACE", "HANDSHAKE", "RTT ms", "MESH");
  for (const json::value* neighbor : neighbors) {
    const auto age = whole_at(*neighbor, "/handshake_age_seconds");
    const auto lines = wrapped(text_at(*neighbor, "/state"), screen.width - kMesh);
    table += fmt::format(kRow, text_at(*neighbor, "/node"), text_at(*neighbor, "/interface"),
                         age ? span_text(*age) : "never", short_decimal(number_at(*neighbor, "/rtt_ms")),
                         screen.paint(lines.front() == kMeshUp ? Ink::green : Ink::red, lines.front()));
    for (std::size_t i = 1; i < lines.size(); ++i)
      table += std::string(kMesh, ' ') + screen.paint(Ink::red, lines[i]) + "\n";
  }
  return table;
}

// Absent while the node is in service.
std::string maintenance_line(const json::value& maintenance, std::size_t width) {
  const std::string state = text_at(maintenance, "/state");
  const auto shut = array_at(maintenance, "/shut_sessions").size();
  if (state.empty() || (state == "off" && shut == 0)) return "";
  std::string line = state == "off" ? "ending" : state;
  if (const auto since = text_at(maintenance, "/since"); !since.empty()) line += " since " + since;
  if (const auto preferred = text_at(maintenance, "/preferred_routes"); !preferred.empty())
    line += fmt::format(", {} routes of peers still preferred", preferred);
  if (shut > 0) line += fmt::format(", {} session{} shut", shut, shut == 1 ? "" : "s");
  if (const auto message = text_at(maintenance, "/message"); !message.empty())
    line += fmt::format(" (\"{}\")", message);
  return labelled("maintenance", line, width);
}

// Tasks whose last word was an error.
std::string failing_tasks(const json::value& document, const Screen& screen) {
  std::string lines;
  const auto* root = document.if_object();
  const auto* tasks = root != nullptr ? root->if_contains("tasks") : nullptr;
  if (tasks == nullptr || !tasks->is_object()) return lines;
  for (const auto& [name, record] : tasks->get_object()) {
    if (text_at(record, "/last_failure") <= text_at(record, "/last_success")) continue;
    lines += screen.loud(std::string_view(name), "FAILING: " + text_at(record, "/last_error"));
  }
  return lines;
}

// Whoever looks at a node that sends its neighbors elsewhere is to see that first.
std::string banner(const json::value& document, const Screen& screen) {
  const std::string state = text_at(document, "/maintenance/state");
  if (state.empty() || state == "off") return "";
  const std::string_view words = state == "draining"  ? "THIS NODE IS DRAINING: neighbors are asked to route around it"
                                 : state == "drained" ? "THIS NODE IS DRAINED: neighbors route around it"
                                                      : "THIS NODE IS IN MAINTENANCE";
  return screen.paint(Ink::red, fmt::format("*** {} ***", words)) + "\n";
}

std::string control_plane_text(const json::value& document) {
  const std::string breaker = text_at(document, "/breaker/state");
  const std::string from = text_at(document, "/sessions_from");
  return fmt::format("breaker {}, sessions from {}", breaker.empty() ? "-" : breaker,
                     from == "state_file" ? "the last good state"
                     : from == "nowhere"  ? "nowhere yet"
                                          : "the control plane");
}

std::string mesh_text(std::span<const json::value* const> neighbors) {
  const auto up = std::ranges::count_if(
      neighbors, [](const json::value* neighbor) { return text_at(*neighbor, "/state") == kMeshUp; });
  return fmt::format("{} neighbor{}, {} up", neighbors.size(), neighbors.size() == 1 ? "" : "s", up);
}

// "41: 2 PROBLEM, 38 ENABLED, 1 SETUP"
std::string counts_text(const json::array& sessions) {
  std::map<std::string, int> by_state;
  for (const json::value& session : sessions) ++by_state[session_state(session)];
  std::string text;
  const auto add = [&](const std::string& state, int count) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, state);
  };
  for (const char* first : {"PROBLEM", "INVALID"}) {
    if (const auto found = by_state.extract(first)) add(found.key(), found.mapped());
  }
  for (const auto& [state, count] : by_state) add(state, count);
  return fmt::format("{}{}{}", sessions.size(), text.empty() ? "" : ": ", text);
}

std::string header(const json::value& document, const Screen& screen) {
  const auto uptime = whole_at(document, "/uptime_seconds");
  std::string view = banner(document, screen);
  view += screen.line("node", fmt::format("{}, moenet-agent {}, up {}", text_at(document, "/node"),
                                          text_at(document, "/version"), uptime ? span_text(*uptime) : "-"));
  const std::string bird = text_at(document, "/bird/version");
  if (const std::string problem = text_at(document, "/bird/problem"); !problem.empty())
    view += screen.loud("BIRD", "PROBLEM: " + problem);
  else
    view += screen.line("BIRD", bird.empty() ? "not looked at yet" : bird);
  view += screen.line("WireGuard", text_at(document, "/wireguard_backend"));
  view += screen.line("control plane", control_plane_text(document));
  view += guard_line(document);
  view += problem_line("policy", "REFUSED, the old one stays", text_at(document, "/bird/policy_problem"), screen);
  if (const auto* root = document.if_object(); root != nullptr && root->contains("maintenance"))
    view += maintenance_line(root->at("maintenance"), screen.width);
  view += failing_tasks(document, screen);
  view += problem_line("firewall", "PROBLEM", text_at(document, "/firewall/problem"), screen);
  view += problem_line("loopback", "PROBLEM", text_at(document, "/loopback/cause"), screen);
  return view;
}

}  // namespace

Result<std::string> status_view(std::string_view document_text, const ViewOptions& options) {
  TRY(const json::value document, model::parse_json(document_text));
  const Screen screen{options.width, Paint(options.has_colour)};
  TRY(const auto chosen, chosen_sessions(document, options.table));
  const auto neighbors = sorted_neighbors(document);
  const auto& sessions = array_at(document, "/sessions");
  std::string view = header(document, screen);
  if (!neighbors.empty()) view += screen.line("mesh", mesh_text(neighbors));
  if (!sessions.empty()) view += screen.line("sessions", counts_text(sessions));
  if (!neighbors.empty() && options.table.filter.empty()) view += "\n" + mesh_table(neighbors, screen);
  if (sessions.empty()) return view + "\nno sessions\n";
  if (chosen.empty()) return view + fmt::format("\nno session fits '{}'\n", options.table.filter);
  return view + "\n" + session_table(chosen, document, options.width, screen.paint);
}

Result<std::string> maintenance_view(std::string_view document_text) {
  TRY(const json::value document, model::parse_json(document_text));
  const std::string line = maintenance_line(document, kOneLine);
  return line.empty() ? fmt::format("{:<16}off\n", "maintenance") : line;
}

Result<std::string> sync_view(std::string_view document_text) {
  TRY(const json::value document, model::parse_json(document_text));
  std::string view;
  for (const auto& change : array_at(document, "/changes")) {
    const std::string asn = text_at(change, "/asn");
    view += fmt::format("{:<11} {}\n", asn.empty() ? text_at(change, "/owner") : asn, text_at(change, "/change"));
  }
  if (view.empty()) view = "nothing changed\n";
  if (const auto error = text_at(document, "/fetch_error"); !error.empty())
    view += fmt::format("the control plane did not answer: {}\n", error);
  if (const auto error = text_at(document, "/error"); !error.empty())
    view += fmt::format("the node could not be read: {}\n", error);
  if (const auto problem = text_at(document, "/bird_problem"); !problem.empty())
    view += fmt::format("BIRD: {}\n", problem);
  view += guard_line(document);
  return view;
}

}  // namespace moenet::agent
