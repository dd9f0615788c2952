// `moenet-agent doctor`: what this node lacks, each finding with the command or line that mends it. Judging is pure;
// what it judges is doctor_facts.h, and doctor_probe.h fills that.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/doctor_facts.h"

namespace moenet::agent {

enum class CheckState {
  ok,
  warning,  // it works, or will only later not
  problem,  // something does not work
  skipped,  // not looked at: the finding says why
};
std::string_view name_of(CheckState state);  // "ok", "warning", "problem", "skipped"

struct Check {
  std::string_view name;  // stable: "kernel-settings"
  CheckState state = CheckState::ok;
  std::string finding;  // one sentence
  std::string remedy;   // lines to run or to write; empty when there is nothing to mend

  friend bool operator==(const Check&, const Check&) = default;
};

// All checks, in an order that never changes.
std::vector<Check> judge(const DoctorFacts& facts);

// For a terminal, problems and remedies with them; for programs: {"checks":[{"name","state","finding","remedy"}],
// "summary":{"state","ok","warning","problem","skipped"}}.
std::string doctor_text(const std::vector<Check>& checks, bool with_colour);
std::string doctor_json(const std::vector<Check>& checks);

// 1 when there is any problem, else 0.
int doctor_exit_status(const std::vector<Check>& checks);

// The command: probes, judges, prints to stdout. It changes nothing on the node, works beside a running agent, with a
// faulty configuration and as any user, and takes 7 s at most: 3 s for each step of the network, of which the look-up
// of a name and the connection to it are two.
int run_doctor(const std::string& config_path, bool as_json);

}  // namespace moenet::agent
