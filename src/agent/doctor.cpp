#include "agent/doctor.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <unistd.h>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "agent/doctor_checks.h"
#include "agent/doctor_probe.h"
#include "base/log.h"

namespace moenet::agent {
namespace {

constexpr std::size_t kNameColumn = 17;   // the longest name and two blanks
constexpr std::size_t kTextLimit = 2000;  // chosen: four long errors fit
constexpr std::array kStates{CheckState::ok, CheckState::warning, CheckState::problem, CheckState::skipped};

template <class T>
Check check_of(std::string_view name, const Probed<T>& probed, Check (*judge_it)(const T&)) {
  if (const auto* skipped = std::get_if<Skipped>(&probed)) return {name, CheckState::skipped, skipped->why, ""};
  return judge_it(std::get<T>(probed));
}

std::string_view sign_of(CheckState state) {
  switch (state) {
    case CheckState::ok: return "✓";
    case CheckState::warning: return "!";
    case CheckState::problem: return "✗";
    case CheckState::skipped: return "-";
  }
  return "";
}

// SGR parameters (ECMA-48 section 8.3.117).
std::string_view colour_of(CheckState state) {
  switch (state) {
    case CheckState::ok: return "32";
    case CheckState::warning: return "33";
    case CheckState::problem: return "1;31";
    case CheckState::skipped: return "2";
  }
  return "0";
}

std::size_t count_of(const std::vector<Check>& checks, CheckState state) {
  return static_cast<std::size_t>(std::ranges::count(checks, state, &Check::state));
}

CheckState worst_of(const std::vector<Check>& checks) {
  if (count_of(checks, CheckState::problem) > 0) return CheckState::problem;
  return count_of(checks, CheckState::warning) > 0 ? CheckState::warning : CheckState::ok;
}

// escape_for_log, but quotes and backslashes stay as an operator is to type them.
std::string shown(std::string_view text) {
  const std::string escaped = escape_for_log(text, kTextLimit);
  std::string plain;
  for (std::size_t i = 0; i < escaped.size(); ++i) {
    const bool is_quoted =
        escaped[i] == '\\' && i + 1 < escaped.size() && (escaped[i + 1] == '"' || escaped[i + 1] == '\\');
    if (is_quoted) ++i;
    plain += escaped[i];
  }
  return plain;
}

std::vector<std::string> lines_of(std::string_view remedy) {
  std::vector<std::string> lines;
  while (!remedy.empty()) {
    const std::string_view line = remedy.substr(0, remedy.find('\n'));
    remedy.remove_prefix(std::min(line.size() + 1, remedy.size()));
    lines.push_back(shown(line));
  }
  return lines;
}

}  // namespace

std::string_view name_of(CheckState state) {
  switch (state) {
    case CheckState::ok: return "ok";
    case CheckState::warning: return "warning";
    case CheckState::problem: return "problem";
    case CheckState::skipped: return "skipped";
  }
  return "";
}

std::vector<Check> judge(const DoctorFacts& facts) {
  return {judge_config(facts.config),
          check_of("agent", facts.agent, judge_agent),
          check_of("capabilities", facts.capabilities, judge_capabilities),
          check_of("icmp", facts.icmp, judge_icmp),
          check_of("wireguard", facts.wireguard, judge_wireguard),
          check_of("loopback-link", facts.loopback, judge_loopback_link),
          check_of("gre", facts.link_kinds, judge_gre),
          check_of("bird", facts.bird, judge_bird),
          check_of("bird-files", facts.bird_files, judge_bird_files),
          check_of("kernel-settings", facts.kernel_settings, judge_kernel_settings),
          check_of("firewall", facts.firewall, judge_firewall),
          check_of("ports", facts.ports, judge_ports),
          check_of("link-names", facts.link_names, judge_link_names),
          check_of("clock", facts.clock, judge_clock),
          check_of("dns", facts.lookups, judge_lookups),
          check_of("control-plane", facts.control_plane, judge_control_plane),
          check_of("rtr-servers", facts.rtr_servers, judge_rtr_servers),
          check_of("roa", facts.own_roas, judge_own_roas),
          check_of("disk", facts.disk, judge_disk),
          check_of("secrets", facts.secrets, judge_secrets)};
}

std::string doctor_text(const std::vector<Check>& checks, bool with_colour) {
  std::string text;
  for (const auto& check : checks) {
    const std::string begin = with_colour ? fmt::format("\x1b[{}m", colour_of(check.state)) : "";
    const std::string_view end = with_colour ? "\x1b[0m" : "";
    text += fmt::format("{}{}{} {:<{}}{}\n", begin, sign_of(check.state), end, check.name, kNameColumn,
                        shown(check.finding));
    std::string_view arrow = "→";
    for (const auto& line : lines_of(check.remedy)) {
      text += fmt::format("{:{}}{} {}\n", "", kNameColumn + 2, arrow, line);
      arrow = " ";
    }
  }
  std::string counts;
  for (const CheckState state : kStates)
    counts += fmt::format("{}{} {}", counts.empty() ? "" : ", ", count_of(checks, state), name_of(state));
  return text + "\n" + counts + "\n";
}

std::string doctor_json(const std::vector<Check>& checks) {
  boost::json::array list;
  for (const auto& check : checks) {
    list.push_back(boost::json::object{{"name", check.name},
                                       {"state", name_of(check.state)},
                                       {"finding", shown(check.finding)},
                                       {"remedy", fmt::format("{}", fmt::join(lines_of(check.remedy), "\n"))}});
  }
  boost::json::object summary{{"state", name_of(worst_of(checks))}};
  for (const CheckState state : kStates) summary[name_of(state)] = count_of(checks, state);
  return boost::json::serialize(boost::json::object{{"checks", std::move(list)}, {"summary", std::move(summary)}}) +
         "\n";
}

int run_doctor(const std::string& config_path, bool as_json) {
  const auto checks = judge(probe_node(config_path));
  const bool with_colour = ::isatty(STDOUT_FILENO) == 1 && ::secure_getenv("NO_COLOR") == nullptr;  // no-color.org
  std::cout << (as_json ? doctor_json(checks) : doctor_text(checks, with_colour));
  return doctor_exit_status(checks);
}

int doctor_exit_status(const std::vector<Check>& checks) {
  return worst_of(checks) == CheckState::problem ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace moenet::agent
