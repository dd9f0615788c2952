#include "agent/status_view.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "model/json_reader.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;

// A field of a document that this program wrote itself; anything else reads as empty.
std::string text_at(const json::value& document, std::string_view pointer) {
  boost::system::error_code error;
  const json::value* value = document.find_pointer(pointer, error);
  if (error || value == nullptr || value->is_null()) return "";
  return value->is_string() ? std::string(value->get_string()) : json::serialize(*value);
}

const json::array& array_at(const json::value& document, std::string_view key) {
  static const json::array kNone;
  const auto* object = document.if_object();
  const auto* value = object != nullptr ? object->if_contains(key) : nullptr;
  return value != nullptr && value->is_array() ? value->get_array() : kNone;
}

std::string span_text(std::string_view seconds) {
  const long total = std::strtol(std::string(seconds).c_str(), nullptr, 10);
  if (total < 60) return fmt::format("{} s", total);
  if (total < 3600) return fmt::format("{} min", total / 60);
  if (total < 86400) return fmt::format("{} h {} min", total / 3600, total % 3600 / 60);
  return fmt::format("{} d {} h", total / 86400, total % 86400 / 3600);
}

std::string bird_line(const json::value& document) {
  const std::string problem = text_at(document, "/bird/problem");
  const std::string version = text_at(document, "/bird/version");
  return problem.empty() ? (version.empty() ? "not looked at yet" : version) : "PROBLEM: " + problem;
}

std::string guard_line(const json::value& document) {
  if (text_at(document, "/deletion_guard/holds") != "true") return "";
  return fmt::format(
      "deletion guard  HOLDS: {} sessions vanished from the list (answer {} of {});\n"
      "                `moenet-agent sync --allow-mass-delete` lets them go\n",
      array_at(document.at("deletion_guard"), "vanished").size(), text_at(document, "/deletion_guard/seen"),
      text_at(document, "/deletion_guard/needed"));
}

std::string policy_line(const json::value& document) {
  const std::string problem = text_at(document, "/bird/policy_problem");
  return problem.empty() ? "" : fmt::format("{:<16}REFUSED, the old one stays: {}\n", "policy", problem);
}

std::string mesh_lines(const json::value& document) {
  std::string lines;
  if (const std::string problem = text_at(document, "/firewall/problem"); !problem.empty())
    lines += fmt::format("{:<16}PROBLEM: {}\n", "firewall", problem);
  if (const std::string cause = text_at(document, "/loopback/cause"); !cause.empty())
    lines += fmt::format("{:<16}PROBLEM: {}\n", "loopback", cause);
  const auto* root = document.if_object();
  const auto* mesh = root != nullptr ? root->if_contains("mesh") : nullptr;
  if (mesh == nullptr || array_at(*mesh, "neighbors").empty()) return lines;
  lines += fmt::format("\n{:<11} {:<16} {:<10} {}\n", "NODE", "INTERFACE", "HANDSHAKE", "MESH");
  for (const auto& neighbor : array_at(*mesh, "neighbors")) {
    const std::string age = text_at(neighbor, "/handshake_age_seconds");
    lines += fmt::format("{:<11} {:<16} {:<10} {}\n", text_at(neighbor, "/node"), text_at(neighbor, "/interface"),
                         age.empty() ? "never" : span_text(age), text_at(neighbor, "/state"));
  }
  return lines;
}

// Absent while the node is in service.
std::string maintenance_line(const json::value& maintenance) {
  const std::string state = text_at(maintenance, "/state");
  const auto shut = array_at(maintenance, "shut_sessions").size();
  if (state.empty() || (state == "off" && shut == 0)) return "";
  std::string line = fmt::format("{:<16}{}", "maintenance", state == "off" ? "ending" : state);
  if (const auto since = text_at(maintenance, "/since"); !since.empty()) line += " since " + since;
  if (const auto preferred = text_at(maintenance, "/preferred_routes"); !preferred.empty())
    line += fmt::format(", {} routes of peers still preferred", preferred);
  if (shut > 0) line += fmt::format(", {} session{} shut", shut, shut == 1 ? "" : "s");
  if (const auto message = text_at(maintenance, "/message"); !message.empty())
    line += fmt::format(" (\"{}\")", message);
  return line + "\n";
}

// Tasks whose last word was an error.
std::string failing_tasks(const json::value& document) {
  std::string lines;
  const auto* root = document.if_object();
  const auto* tasks = root != nullptr ? root->if_contains("tasks") : nullptr;
  if (tasks == nullptr || !tasks->is_object()) return lines;
  for (const auto& [name, record] : tasks->get_object()) {
    if (text_at(record, "/last_failure") <= text_at(record, "/last_success")) continue;
    lines += fmt::format("{:<16}FAILING: {}\n", std::string_view(name), text_at(record, "/last_error"));
  }
  return lines;
}

}  // namespace

Result<std::string> status_view(std::string_view document_text) {
  TRY(const json::value document, model::parse_json(document_text));
  std::string view = fmt::format("{:<16}{}, moenet-agent {}, up {}\n", "node", text_at(document, "/node"),
                                 text_at(document, "/version"), span_text(text_at(document, "/uptime_seconds")));
  view += fmt::format("{:<16}{}\n", "BIRD", bird_line(document));
  view += fmt::format("{:<16}{}\n", "WireGuard", text_at(document, "/wireguard_backend"));
  view += fmt::format("{:<16}breaker {}, sessions from the {}\n", "control plane", text_at(document, "/breaker/state"),
                      text_at(document, "/sessions_from") == "state_file" ? "last good state" : "control plane");
  view += guard_line(document);
  view += policy_line(document);
  if (const auto* root = document.if_object(); root != nullptr && root->contains("maintenance"))
    view += maintenance_line(root->at("maintenance"));
  view += failing_tasks(document);
  view += mesh_lines(document);
  const auto& sessions = array_at(document, "sessions");
  if (sessions.empty()) return view + "\nno sessions\n";
  view += fmt::format("\n{:<11} {:<16} {:<17} {:<10} {}\n", "ASN", "INTERFACE", "STATUS", "HERE", "CAUSE");
  for (const auto& session : sessions) {
    view += fmt::format("{:<11} {:<16} {:<17} {:<10} {}\n", text_at(session, "/asn"), text_at(session, "/interface"),
                        text_at(session, "/status"), text_at(session, "/state"), text_at(session, "/cause"));
  }
  return view;
}

Result<std::string> maintenance_view(std::string_view document_text) {
  TRY(const json::value document, model::parse_json(document_text));
  const std::string line = maintenance_line(document);
  return line.empty() ? fmt::format("{:<16}off\n", "maintenance") : line;
}

Result<std::string> sync_view(std::string_view document_text) {
  TRY(const json::value document, model::parse_json(document_text));
  std::string view;
  for (const auto& change : array_at(document, "changes")) {
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
