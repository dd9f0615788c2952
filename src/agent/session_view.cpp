#include "agent/session_view.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/document_fields.h"
#include "model/json_reader.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;

// The last ones; all are in `--json`.
constexpr std::size_t kEvents = 20;

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string decimal_text(const json::value& document, std::string_view pointer, std::string_view unit) {
  const auto value = number_at(document, pointer);
  return value ? fmt::format("{}{}", short_decimal(value), unit) : "-";
}

// What /status has of the session; null when it has it no longer.
json::value row_of(const json::value& status, std::string_view uuid) {
  for (const json::value& session : array_at(status, "/sessions")) {
    if (text_at(session, "/uuid") == uuid) return session;
  }
  return nullptr;
}

// "PROBLEM for 14 min; the control plane holds ENABLED"
std::string state_text(const json::value& row, const json::value& status) {
  const std::string state = session_state(row);
  const std::string held = text_at(row, "/status");
  const auto now = seconds_at(status, "/now");
  const auto since = seconds_at(row, "/works_since");
  std::string text = or_dash(state);
  if (now && since) text += " for " + span_text(std::max<std::int64_t>(0, *now - *since));
  if ((state == "PROBLEM" || state == "INVALID") && held != state && !held.empty())
    text += "; the control plane holds " + held;
  return text;
}

std::string tunnel_text(const json::value& document) {
  const auto is_up = truth_at(document, "/link/up");
  const auto is_present = truth_at(document, "/link/present");
  if (!is_present) return "-";
  if (!*is_present) return "there is no such interface";
  const auto age = whole_at(document, "/link/handshake_age_seconds");
  const std::string what =
      fmt::format("{}, MTU {}", is_up == true ? "up" : "DOWN", or_dash(text_at(document, "/link/mtu")));
  const std::string endpoint = or_dash(text_at(document, "/link/endpoint"));
  if (const std::string type = text_at(document, "/link/type"); type.ends_with("gre")) {
    const auto key = whole_at(document, "/link/gre_key");
    return fmt::format("{}, {} to {}{}", what, type, endpoint, key ? fmt::format(", key {}", *key) : "");
  }
  return fmt::format("{}, handshake {}, endpoint {}", what, age ? span_text(*age) + " ago" : "-", endpoint);
}

// "in 1.2 GB (12.3 kbit/s), out …; 3 errors and 4 drops in, …"
std::string traffic_text(const json::value& document) {
  std::string text;
  std::string faults;
  constexpr std::pair<std::string_view, std::string_view> kWays[] = {{"rx", "in"}, {"tx", "out"}};
  for (const auto& [way, word] : kWays) {
    const auto at = [&document, way = way](std::string_view field) {
      return number_at(document, fmt::format("/link/traffic/{}_{}", way, field));
    };
    const auto bytes = at("bytes");
    if (!bytes) return "-";
    const auto rate = at("bits_per_second");
    text += fmt::format("{}{} {}{}", text.empty() ? "" : ", ", word, bytes_text(static_cast<std::uint64_t>(*bytes)),
                        rate ? fmt::format(" ({})", bits_text(*rate)) : "");
    const double lost = at("errors").value_or(0) + at("dropped").value_or(0);
    if (lost > 0) faults += fmt::format("{}{:.0f} {}", faults.empty() ? "; errors and drops: " : ", ", lost, word);
  }
  return text + faults;
}

std::string bgp_text(const json::value& document) {
  const std::string state = text_at(document, "/bgp/state");
  if (state.empty()) return "-";
  std::string text = state;
  if (const auto span = whole_at(document, "/bgp/established_seconds")) text += " for " + span_text(*span);
  if (const auto neighbor = text_at(document, "/bgp/neighbor"); !neighbor.empty()) text += ", with " + neighbor;
  if (const auto flaps = whole_at(document, "/bgp/flaps")) text += fmt::format(", lost {} times", *flaps);
  return text;
}

std::string limit_text(const json::value& channel, std::string_view which) {
  const auto routes = whole_at(channel, fmt::format("/{}_limit/routes", which));
  if (!routes || truth_at(channel, fmt::format("/{}_limit/hit", which)) != true) return "";
  return fmt::format("; {} limit of {} HIT", which, *routes);
}

std::string channel_text(const json::value& channel) {
  std::string text =
      fmt::format("{}, {} imported ({} preferred, {} filtered), {} exported", or_dash(text_at(channel, "/state")),
                  or_dash(text_at(channel, "/imported")), or_dash(text_at(channel, "/preferred")),
                  or_dash(text_at(channel, "/filtered")), or_dash(text_at(channel, "/exported")));
  for (const char* which : {"receive", "import", "export"}) text += limit_text(channel, which);
  return text;
}

std::string quality_text(const json::value& document) {
  if (text_at(document, "/quality").empty()) return "-";
  if (truth_at(document, "/quality/answers") != true)
    return or_dash(text_at(document, "/quality/target")) + " answers no echoes";
  return fmt::format(
      "{} (smoothed {}, jitter {}), loss {}, tier {}", decimal_text(document, "/quality/rtt_ms", " ms"),
      decimal_text(document, "/quality/smoothed_rtt_ms", " ms"), decimal_text(document, "/quality/jitter_ms", " ms"),
      decimal_text(document, "/quality/loss_percent", "%"), or_dash(text_at(document, "/quality/latency_tier")));
}

std::string path_text(const json::value& row) {
  const std::string advice = text_at(row, "/mtu_advice");
  const auto bytes = whole_at(row, "/path_mtu_bytes");
  if (!bytes) return "-";
  return fmt::format("{} bytes{}", *bytes, advice.empty() ? "" : "; " + advice);
}

std::string event_lines(const json::value& document, std::size_t width, const Paint& paint) {
  const json::array& events = array_at(document, "/events");
  if (events.empty()) return "\nno events\n";
  std::string text = "\n" + paint(Ink::bold, "EVENTS") + "\n";
  constexpr std::size_t kText = 34;  // a time, and the longest kind
  const std::size_t first = events.size() > kEvents ? events.size() - kEvents : 0;
  for (std::size_t i = first; i < events.size(); ++i) {
    const auto lines = wrapped(text_at(events[i], "/text"), width - kText);
    text += fmt::format("{:<20} {:<12} {}\n", text_at(events[i], "/time"), text_at(events[i], "/kind"), lines.front());
    for (std::size_t line = 1; line < lines.size(); ++line) text += std::string(kText, ' ') + lines[line] + "\n";
  }
  return text;
}

std::string change_lines(const json::value& document, std::size_t width) {
  std::string text;
  for (const json::value& change : array_at(document, "/last_change/changes"))
    text += labelled("", std::string(change.is_string() ? change.get_string() : ""), width);
  if (text.empty()) return labelled("last change", "-", width);
  return labelled("last change", text_at(document, "/last_change/time"), width) + text;
}

}  // namespace

Result<std::string> session_view(std::string_view document_text, std::string_view status_text,
                                 const ViewOptions& options) {
  TRY(const json::value document, model::parse_json(document_text));
  TRY(const json::value status, model::parse_json(status_text));
  const Paint paint(options.has_colour);
  const std::string uuid = text_at(document, "/uuid");
  const json::value row = row_of(status, uuid);
  const auto line = [&](std::string_view label, const std::string& text) {
    return labelled(label, text, options.width);
  };
  const std::string name = text_at(document, "/session/name");
  std::string view = line("AS" + text_at(document, "/session/asn"),
                          or_dash(text_at(document, "/session/interface")) + (name.empty() ? "" : ", " + name));
  view += line("uuid", uuid);
  if (row.is_null()) {
    view += line("state", "gone");
  } else {
    std::string state = line("state", state_text(row, status));
    state.pop_back();
    view += paint(ink_of(session_state(row)), state) + "\n";
    if (const auto cause = text_at(row, "/cause"); !cause.empty()) view += line("cause", cause);
    if (const auto retry = whole_at(row, "/retry_in_seconds")) view += line("next attempt", "in " + span_text(*retry));
  }
  view += line("tunnel", tunnel_text(document));
  view += line("path MTU", path_text(row));
  view += line("traffic", traffic_text(document));
  view += line("BGP", bgp_text(document));
  for (const json::value& channel : array_at(document, "/bgp/channels"))
    view += line("  " + text_at(channel, "/name"), channel_text(channel));
  if (const auto error = text_at(document, "/bgp/last_error"); !error.empty()) view += line("last BGP error", error);
  view += line("round trip", quality_text(document));
  view += change_lines(document, options.width);
  return view + event_lines(document, options.width, paint);
}

}  // namespace moenet::agent
