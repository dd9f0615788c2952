#include "agent/tools_answer.h"

#include <algorithm>
#include <cmath>
#include <ranges>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/log.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;
using std::chrono::nanoseconds;

double milliseconds(nanoseconds time) { return std::round(static_cast<double>(time.count()) / 1e3) / 1e3; }

json::value milliseconds_or_null(const std::optional<nanoseconds>& time) {
  return time ? json::value(milliseconds(*time)) : json::value(nullptr);
}

template <class T>
json::value or_null(const std::optional<T>& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

// ", min/median/jitter 1.100/1.200/0.100 ms"; empty when nothing came back.
std::string times_text(const net::EchoSummary& summary) {
  if (!summary.median) return "";
  return fmt::format(", min/median/jitter {:.3f}/{:.3f}/{} ms", milliseconds(summary.least.value_or(*summary.median)),
                     milliseconds(*summary.median),
                     summary.jitter ? fmt::format("{:.3f}", milliseconds(*summary.jitter)) : "-");
}

std::string hop_text(std::size_t number, const net::Hop& hop) {
  std::string line = fmt::format("{:>2}", number);
  std::optional<IpAddress> last;
  for (const auto& answer : hop) {
    if (!answer) {
      line += "  *";
      continue;
    }
    if (answer->from != last) line += "  " + answer->from.text();
    last = answer->from;
    line += fmt::format("  {:.3f} ms", milliseconds(answer->time));
    if (!answer->refusal.empty()) line += fmt::format(" ({})", answer->refusal);
  }
  return line + "\n";
}

json::array hop_data(const net::Hop& hop) {
  json::array probes;
  for (const auto& answer : hop) {
    if (!answer) {
      probes.push_back(nullptr);
      continue;
    }
    json::object probe{{"from", answer->from.text()}, {"ms", milliseconds(answer->time)}};
    if (!answer->refusal.empty()) probe["refusal"] = answer->refusal;
    probes.push_back(std::move(probe));
  }
  return probes;
}

std::string path_text(const bird::AsPath& path) {
  return fmt::format("{}{}", fmt::join(path.asns, " "), path.is_cut ? " ..." : "");
}

json::object path_data(const bird::AsPath& path) {
  json::array asns;
  for (const auto asn : path.asns) asns.push_back(asn);
  return {{"asns", std::move(asns)}, {"has_sets", path.has_sets}, {"is_cut", path.is_cut}};
}

std::string hops_text(const std::vector<bird::NextHop>& hops) {
  std::string text;
  for (const bird::NextHop& hop : hops) {
    if (!text.empty()) text += ", ";
    if (hop.gateway) text += fmt::format("via {} ", hop.gateway->text());
    text += "on " + escape_for_log(hop.interface);
  }
  return text;
}

std::string community_text(const model::Community& community) {
  return fmt::format("({},{})", community.asn, community.value);
}

std::string community_text(const model::LargeCommunity& community) {
  return fmt::format("({},{},{})", community.asn, community.kind, community.value);
}

template <class T>
std::string communities_text(const std::vector<T>& communities) {
  std::string text;
  for (const T& community : communities) text += (text.empty() ? "" : " ") + community_text(community);
  return text;
}

template <class T>
json::array communities_data(const std::vector<T>& communities) {
  json::array data;
  for (const T& community : communities) data.push_back(json::value(community_text(community)));
  return data;
}

std::string route_text(const bird::Route& route) {
  std::string text = fmt::format("{:<20} {} {} {}\n", route.network.text(), route.is_best ? "*" : " ",
                                 escape_for_log(route.kind), hops_text(route.next_hops));
  text += fmt::format("  by {} in {} since {}", escape_for_log(route.protocol), escape_for_log(route.table),
                      escape_for_log(route.since));
  if (route.from) text += fmt::format(", told by {}", route.from->text());
  if (route.local_pref) text += fmt::format(", preference {}", *route.local_pref);
  if (route.med) text += fmt::format(", MED {}", *route.med);
  text += "\n";
  if (route.as_path) text += fmt::format("  path: {}\n", path_text(*route.as_path));
  if (!route.communities.empty()) text += fmt::format("  communities: {}\n", communities_text(route.communities));
  if (!route.large_communities.empty())
    text += fmt::format("  large communities: {}\n", communities_text(route.large_communities));
  return text;
}

json::object route_data(const bird::Route& route) {
  json::array hops;
  for (const auto& hop : route.next_hops) {
    hops.push_back(json::object{{"gateway", hop.gateway ? json::value(hop.gateway->text()) : json::value(nullptr)},
                                {"interface", escape_for_log(hop.interface)}});
  }
  return {{"table", escape_for_log(route.table)},
          {"network", route.network.text()},
          {"kind", escape_for_log(route.kind)},
          {"next_hops", std::move(hops)},
          {"protocol", escape_for_log(route.protocol)},
          {"from", route.from ? json::value(route.from->text()) : json::value(nullptr)},
          {"best", route.is_best},
          {"as_path", route.as_path ? json::value(path_data(*route.as_path)) : json::value(nullptr)},
          {"local_pref", or_null(route.local_pref)},
          {"med", or_null(route.med)},
          {"communities", communities_data(route.communities)},
          {"large_communities", communities_data(route.large_communities)}};
}

}  // namespace

ToolAnswer ping_answer(std::string_view target, const net::EchoResult& result) {
  const net::EchoSummary summary = net::summary_of(result);
  ToolAnswer answer;
  for (const nanoseconds time : result.times)
    answer.text += fmt::format("answer from {}: {:.3f} ms\n", target, milliseconds(time));
  answer.text += fmt::format("{}: {} sent, {} received, {:.0f}% loss{}\n", target, result.sent, result.received(),
                             summary.loss_percent, times_text(summary));
  if (!result.error.empty()) answer.text += result.error + "\n";
  json::array times;
  for (const nanoseconds time : result.times) times.push_back(milliseconds(time));
  answer.data = {{"target", target},
                 {"sent", result.sent},
                 {"received", result.received()},
                 {"loss_percent", result.sent == 0 ? json::value(nullptr) : json::value(summary.loss_percent)},
                 {"median_ms", milliseconds_or_null(summary.median)},
                 {"jitter_ms", milliseconds_or_null(summary.jitter)},
                 {"times_ms", std::move(times)},
                 {"error", result.error}};
  return answer;
}

ToolAnswer tcping_answer(std::string_view target, const std::vector<Result<nanoseconds>>& attempts) {
  ToolAnswer answer;
  json::array times;
  std::string error;
  for (const auto& attempt : attempts) {
    if (attempt) {
      times.push_back(milliseconds(*attempt));
      answer.text += fmt::format("connected to {}: {:.3f} ms\n", target, milliseconds(*attempt));
    } else if (error.empty()) {
      error = attempt.error().what;
    }
  }
  answer.text += fmt::format("{}: {} of {} connections made\n", target, times.size(), attempts.size());
  if (!error.empty()) answer.text += error + "\n";
  answer.data = {{"target", target},
                 {"attempts", attempts.size()},
                 {"connected", times.size()},
                 {"times_ms", std::move(times)},
                 {"error", error}};
  return answer;
}

ToolAnswer trace_answer(std::string_view target, const net::Trace& trace) {
  ToolAnswer answer;
  json::array hops;
  for (std::size_t i = 0; i < trace.hops.size(); ++i) {
    answer.text += hop_text(i + 1, trace.hops[i]);
    hops.push_back(hop_data(trace.hops[i]));
  }
  answer.text += fmt::format("{} {}\n", target, trace.reached ? "reached" : "not reached");
  answer.data = {{"target", target}, {"reached", trace.reached}, {"hops", std::move(hops)}};
  return answer;
}

ToolAnswer route_answer(const bird::RouteTarget& target, const bird::RouteAnswer& found) {
  const std::string asked = std::visit([](const auto& value) { return value.text(); }, target);
  ToolAnswer answer;
  json::array routes;
  for (const bird::Route& route : found.routes) {
    answer.text += route_text(route);
    routes.push_back(route_data(route));
  }
  if (found.routes.empty()) answer.text = fmt::format("no route to {}\n", asked);
  if (found.is_cut) answer.text += "there are more\n";
  answer.data = {{"target", asked}, {"routes", std::move(routes)}, {"is_cut", found.is_cut}};
  return answer;
}

ToolAnswer path_answer(const IpAddress& target, const std::optional<bird::AsPath>& path) {
  ToolAnswer answer;
  if (!path)
    answer.text = fmt::format("no route to {}\n", target.text());
  else if (path->asns.empty())
    answer.text = fmt::format("{} is in this network\n", target.text());
  else
    answer.text = path_text(*path) + "\n";
  answer.data = {{"target", target.text()}, {"path", path ? json::value(path_data(*path)) : json::value(nullptr)}};
  return answer;
}

ToolAnswer dig_answer(const net::DnsQuestion& question, const IpAddress& server, const net::DnsAnswer& found) {
  ToolAnswer answer;
  json::array records;
  for (const net::DnsRecord& record : found.records) {
    answer.text += fmt::format("{} {} {} {}\n", record.name, record.ttl_seconds, record.type, record.value);
    records.push_back(json::object{
        {"name", record.name}, {"ttl_seconds", record.ttl_seconds}, {"type", record.type}, {"value", record.value}});
  }
  answer.text += fmt::format("; {} {}: {}, {} record{}, by {}{}\n", question.name, name_of(question.type),
                             net::code_text(found.code), found.records.size(), found.records.size() == 1 ? "" : "s",
                             server.text(), found.is_cut ? ", cut" : "");
  answer.data = {{"name", question.name},
                 {"type", name_of(question.type)},
                 {"server", server.text()},
                 {"code", net::code_text(found.code)},
                 {"authoritative", found.is_authoritative},
                 {"is_cut", found.is_cut},
                 {"records", std::move(records)}};
  return answer;
}

ToolAnswer mtu_answer(const IpAddress& target, const net::PathMtu& path) {
  const unsigned tunnel = path.bytes - net::tunnel_overhead(target.family());
  const std::string by = path.named_by ? fmt::format(", says {}", path.named_by->text()) : "";
  ToolAnswer answer;
  answer.text = fmt::format("the path to {} carries {} bytes{}: a WireGuard tunnel's MTU is at most {}\n",
                            target.text(), path.bytes, by, tunnel);
  answer.data = {{"target", target.text()},
                 {"path_mtu_bytes", path.bytes},
                 {"named_by", path.named_by ? json::value(path.named_by->text()) : json::value(nullptr)},
                 {"tunnel_mtu_bytes", tunnel}};
  return answer;
}

std::string tool_document(const ToolAnswer& answer) {
  std::string document = json::serialize(json::object{{"result", answer.text}, {"data", answer.data}});
  for (std::size_t most = kToolAnswerBytes; document.size() > kToolAnswerBytes;) {
    most /= 2;  // JSON's escapes need room too
    std::string text = answer.text.substr(0, answer.text.rfind('\n', most) + 1);
    document = json::serialize(json::object{{"result", text + "cut: there is more\n"}, {"data", nullptr}});
  }
  return document;
}

}  // namespace moenet::agent
