#include "model/lifecycle.h"

#include <array>
#include <string_view>

#include "base/utf8.h"

namespace moenet::model {

namespace {

template <class... T>
struct Overloaded : T... {
  using T::operator()...;
};

// Row: from; bit n: to status n (wire contract A3).
constexpr unsigned to(SessionStatus status) { return 1u << static_cast<unsigned>(status); }
constexpr std::array<unsigned, 9> kMoves = [] {
  using enum SessionStatus;
  std::array<unsigned, 9> moves{};
  const auto row = [&](SessionStatus from) -> unsigned& { return moves[static_cast<std::size_t>(from)]; };
  row(pending) = to(queued_for_setup) | to(rejected);
  row(queued_for_setup) = to(enabled) | to(problem) | to(teardown);
  row(enabled) = to(queued_for_delete) | to(problem) | to(disabled) | to(queued_for_setup);
  row(problem) = to(enabled) | to(queued_for_delete) | to(teardown);
  row(queued_for_delete) = to(deleted) | to(disabled);
  row(disabled) = to(queued_for_setup);
  row(teardown) = to(disabled) | to(queued_for_setup);
  return moves;
}();

std::optional<StatusReport> report_in_place(SessionStatus held, std::string_view held_error) {
  using enum SessionStatus;
  // A row that is ENABLED and still shows an old error is told again, which clears the error (A5).
  const bool is_stale = held == enabled && !held_error.empty();
  if (held == queued_for_setup || held == problem || is_stale) return StatusReport{enabled, ""};
  return std::nullopt;
}

std::optional<StatusReport> report_problem(SessionStatus held, std::string_view held_error, std::string_view cause) {
  StatusReport report{SessionStatus::problem, fit_last_error(cause)};
  if (held == SessionStatus::problem && report.last_error == held_error) return std::nullopt;
  return report;
}

std::optional<StatusReport> report_broken(SessionStatus held, std::string_view held_error, std::string_view cause) {
  using enum SessionStatus;
  // A removal that fails is tried again and told to nobody: repeating QUEUED_FOR_DELETE could overwrite an operator's
  // DISABLED.
  if (held == queued_for_setup || held == enabled || held == problem) return report_problem(held, held_error, cause);
  return std::nullopt;
}

std::optional<StatusReport> report_invalid(SessionStatus held, std::string_view held_error, std::string_view cause) {
  using enum SessionStatus;
  if (held == enabled) return report_problem(held, held_error, cause);
  if (held == queued_for_setup || held == problem) return StatusReport{teardown, fit_last_error(cause)};
  return std::nullopt;
}

bool is_control(char32_t code) {
  const bool is_line_break = code == 0x2028 || code == 0x2029;
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) || is_line_break;
}

}  // namespace

bool is_legal_move(SessionStatus from, SessionStatus to_status) {
  return from == to_status || (kMoves[static_cast<std::size_t>(from)] & to(to_status)) != 0;
}

Intent intent_of(std::optional<std::int64_t> status) {
  const std::optional<SessionStatus> known = status ? session_status_from_int(*status) : std::nullopt;
  if (!known) return Intent::untouched;
  switch (*known) {
    case SessionStatus::enabled:
    case SessionStatus::queued_for_setup:
    case SessionStatus::problem: return Intent::present;
    case SessionStatus::deleted:  // never sent by a control plane that keeps the contract: it drops the row
    case SessionStatus::disabled:
    case SessionStatus::queued_for_delete:
    case SessionStatus::teardown: return Intent::absent;
    case SessionStatus::pending:
    case SessionStatus::rejected: return Intent::untouched;
  }
  return Intent::untouched;
}

std::optional<StatusReport> report_for(std::optional<std::int64_t> held, std::string_view held_error,
                                       const Condition& condition) {
  const std::optional<SessionStatus> known = held ? session_status_from_int(*held) : std::nullopt;
  if (!known) return std::nullopt;
  using Report = std::optional<StatusReport>;
  return std::visit(
      Overloaded{
          [&](const InPlace&) -> Report { return report_in_place(*known, held_error); },
          [&](const Removed&) -> Report {
            if (*known != SessionStatus::queued_for_delete) return std::nullopt;
            return StatusReport{SessionStatus::deleted, ""};
          },
          [&](const Broken& broken) -> Report { return report_broken(*known, held_error, broken.cause); },
          [&](const Invalid& invalid) -> Report { return report_invalid(*known, held_error, invalid.cause); },
          [](const Unchanged&) -> Report { return std::nullopt; },
      },
      condition);
}

std::string fit_last_error(std::string_view text) {
  // A database counts characters, JavaScript UTF-16 units; counting units suits both.
  constexpr std::size_t kUnitsMax = 255;
  constexpr std::string_view kEllipsis = "\xE2\x80\xA6";  // one unit
  std::string out;
  std::size_t units = 0;
  std::size_t bytes_before_last_unit = 0;  // the cut that leaves room for the ellipsis
  bool space_is_due = false;
  while (!text.empty()) {
    const Utf8Character next = first_utf8_character(text);
    text.remove_prefix(next.bytes);
    if (next.code == ' ' || is_control(next.code)) {
      space_is_due = !out.empty();
      continue;
    }
    const std::size_t needed = (space_is_due ? 1u : 0u) + (next.code > 0xFFFF ? 2u : 1u);
    if (units + needed > kUnitsMax) {
      out.resize(bytes_before_last_unit);
      out += kEllipsis;
      return out;
    }
    if (space_is_due) out += ' ';
    append_utf8(out, next.code);
    units += needed;
    space_is_due = false;
    if (units < kUnitsMax) bytes_before_last_unit = out.size();
  }
  return out;
}

}  // namespace moenet::model
