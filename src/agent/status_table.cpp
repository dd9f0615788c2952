#include "agent/status_table.h"

#include <algorithm>
#include <cmath>
#include <variant>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/document_fields.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;
using Row = const json::value*;

// Columns with a space between them. A cause stands beneath the second.
constexpr std::size_t kAsn = 10;
constexpr std::size_t kState = 9;

std::optional<double> routes_of(const json::value& session, std::string_view which) {
  std::optional<double> sum;
  for (const std::string_view family : {"ipv4", "ipv6"}) {
    if (const auto count = number_at(session, fmt::format("/routes/{}/{}", family, which)))
      sum = sum.value_or(0) + *count;
  }
  return sum;
}

std::optional<std::int64_t> age_of(const json::value& session, std::optional<std::int64_t> now) {
  const auto since = seconds_at(session, "/works_since");
  if (!now || !since) return std::nullopt;
  return std::max<std::int64_t>(0, *now - *since);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_problem(const json::value& session) {
  const std::string state = session_state(session);
  return state == "PROBLEM" || state == "INVALID";
}

bool is_chosen(const json::value& session, const std::string& filter) {
  if (filter.empty()) return true;
  if (filter == "problem") return is_problem(session);
  std::string all = session_state(session);
  for (const char* field : {"/asn", "/name", "/interface", "/uuid", "/status", "/cause"})
    all += "\n" + text_at(session, field);
  return lower(all).contains(filter);
}

// What rows are sorted by: a number, larger first, or text.
using SortKey = std::variant<std::optional<double>, std::string>;

struct SortField {
  std::string_view name;
  SortKey (*key)(const json::value& session);
};

constexpr SortField kFields[] = {
    {"asn",
     [](const json::value& session) -> SortKey {
       const auto asn = number_at(session, "/asn");
       return asn ? std::optional(-*asn) : asn;
     }},
    {"interface", [](const json::value& session) -> SortKey { return text_at(session, "/interface"); }},
    {"state",
     [](const json::value& session) -> SortKey { return (is_problem(session) ? "" : "~") + session_state(session); }},
    {"since",
     [](const json::value& session) -> SortKey {
       const auto since = seconds_at(session, "/works_since");
       return since ? std::optional(static_cast<double>(*since)) : std::nullopt;
     }},
    {"rtt", [](const json::value& session) -> SortKey { return number_at(session, "/rtt_ms"); }},
    {"loss", [](const json::value& session) -> SortKey { return number_at(session, "/loss_percent"); }},
    {"in", [](const json::value& session) -> SortKey { return routes_of(session, "imported"); }},
    {"out", [](const json::value& session) -> SortKey { return routes_of(session, "exported"); }},
    {"rx", [](const json::value& session) -> SortKey { return number_at(session, "/rx_bits_per_second"); }},
    {"tx", [](const json::value& session) -> SortKey { return number_at(session, "/tx_bits_per_second"); }},
    {"handshake", [](const json::value& session) -> SortKey { return number_at(session, "/handshake_age_seconds"); }},
};

bool comes_before(const SortKey& one, const SortKey& other) {
  if (const auto* text = std::get_if<std::string>(&one)) return *text < std::get<std::string>(other);
  const auto number = std::get<0>(one);
  const auto another = std::get<0>(other);
  return number && (!another || *number > *another);
}

std::string percent(std::optional<double> value) {
  if (!value) return "-";
  return *value > 0 && *value < 1 ? "<1%" : fmt::format("{:.0f}%", *value);
}

std::string whole_or_dash(std::optional<std::int64_t> value) { return value ? std::to_string(*value) : "-"; }

// Everything up to 99,999 as it is.
std::string count_text(std::optional<double> count) {
  return count && *count < 99'999.5 ? fmt::format("{:.0f}", *count) : short_amount(count);
}

// "wg-foo: cause", or what of it there is.
std::string beneath(const json::value& session) {
  const std::string interface_name = text_at(session, "/interface");
  std::string text = interface_name == "dn42_" + text_at(session, "/asn") ? "" : interface_name;
  std::string cause = text_at(session, "/cause");
  if (const auto retry = whole_at(session, "/retry_in_seconds"); retry && !cause.empty())
    cause += fmt::format("; tried again in {}", span_text(*retry));
  if (const std::string advice = text_at(session, "/mtu_advice"); !advice.empty())
    cause += (cause.empty() ? "" : "; ") + advice;
  if (!text.empty() && !cause.empty()) text += ": ";
  return text + cause;
}

std::string row_of(const json::value& session, std::optional<std::int64_t> now, const Paint& paint) {
  const std::string state = session_state(session);
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {}\n", left(text_at(session, "/asn"), kAsn),
                     paint(ink_of(state), left(state, kState)), right(short_span(age_of(session, now)), 5),
                     right(short_decimal(number_at(session, "/rtt_ms")), 6),
                     right(whole_or_dash(whole_at(session, "/latency_tier")), 4),
                     right(percent(number_at(session, "/loss_percent")), 4),
                     right(count_text(routes_of(session, "imported")), 5),
                     right(count_text(routes_of(session, "exported")), 5),
                     right(short_amount(number_at(session, "/rx_bits_per_second")), 5),
                     right(short_amount(number_at(session, "/tx_bits_per_second")), 5),
                     right(short_span(whole_at(session, "/handshake_age_seconds")), 5));
}

}  // namespace

std::string session_state(const json::value& session) {
  std::string status = text_at(session, "/status");
  const std::string here = text_at(session, "/state");
  if (here == "invalid") return "INVALID";
  if (here == "problem" || (here == "in_place" && truth_at(session, "/works") == false) || status == "PROBLEM")
    return "PROBLEM";
  if (status == "QUEUED_FOR_SETUP") return "SETUP";
  if (status == "QUEUED_FOR_DELETE") return "REMOVING";
  return status;
}

Ink ink_of(std::string_view state) {
  if (state == "PROBLEM" || state == "INVALID") return Ink::red;
  if (state == "ENABLED") return Ink::green;
  return state == "DISABLED" || state == "DELETED" || state == "REJECTED" ? Ink::dim : Ink::yellow;
}

Result<std::vector<Row>> chosen_sessions(const json::value& status, const TableOptions& options) {
  const std::string_view sort = options.sort.empty() ? "asn" : std::string_view(options.sort);
  const auto* field = std::ranges::find(kFields, sort, &SortField::name);
  if (field == std::end(kFields))
    return fail(Errc::invalid, fmt::format("cannot sort by '{}'; there are {}", sort, kSortFields));
  std::vector<Row> rows;
  for (const json::value& session : array_at(status, "/sessions")) {
    if (is_chosen(session, lower(options.filter))) rows.push_back(&session);
  }
  std::ranges::stable_sort(rows,
                           [&](Row one, Row other) { return comes_before(field->key(*one), field->key(*other)); });
  return rows;
}

std::string session_table(std::span<const Row> sessions, const json::value& status, std::size_t width,
                          const Paint& paint) {
  const auto now = seconds_at(status, "/now");
  std::string table = paint(Ink::bold, fmt::format("{:<{}} {:<{}} SINCE RTT ms TIER LOSS    IN   OUT  RX/s  TX/s SHAKE",
                                                   "ASN", kAsn, "STATE", kState));
  table += "\n";
  for (const Row session : sessions) {
    table += row_of(*session, now, paint);
    const std::string more = beneath(*session);
    if (more.empty()) continue;
    for (const std::string& line : wrapped(more, width - kAsn - 1))
      table += std::string(kAsn + 1, ' ') + paint(is_problem(*session) ? Ink::red : Ink::dim, line) + "\n";
  }
  return table;
}

Result<std::string> session_named(const json::value& status, std::string_view name) {
  const std::string wanted = lower(name);
  std::vector<Row> found;
  for (const json::value& session : array_at(status, "/sessions")) {
    const std::string asn = text_at(session, "/asn");
    const std::string names[] = {
        lower(text_at(session, "/uuid")), asn, "as" + asn, "dn42_" + asn, lower(text_at(session, "/interface")),
        lower(text_at(session, "/name"))};
    if (std::ranges::find(names, wanted) != std::end(names)) found.push_back(&session);
  }
  if (found.empty()) return fail(Errc::not_found, fmt::format("no session is called '{}'; see `status`", name));
  // An interface is one session's, whatever else is called so.
  const auto by_interface =
      std::ranges::find(found, wanted, [](Row session) { return lower(text_at(*session, "/interface")); });
  if (by_interface != found.end()) return text_at(**by_interface, "/uuid");
  if (found.size() == 1) return text_at(*found.front(), "/uuid");
  std::string all;
  for (const Row session : found) all += (all.empty() ? "" : ", ") + text_at(*session, "/interface");
  return fail(Errc::conflict, fmt::format("'{}' are several; name one of the interfaces {}", name, all));
}

}  // namespace moenet::agent
