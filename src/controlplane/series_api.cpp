#include "controlplane/series_api.h"

#include <algorithm>
#include <chrono>

#include <boost/json.hpp>

#include "controlplane/admin_body.h"
#include "controlplane/answers.h"
#include "controlplane/series_view.h"
#include "controlplane/session_rights.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

constexpr std::string_view kDay = "24h";
constexpr std::string_view kQuarter = "90d";

Checked<Span> span_of(const http::Request& request) {
  const std::string_view text = request.parameter("span").value_or(kDay);
  if (text == kDay) return Span::day;
  if (text == kQuarter) return Span::quarter;
  return refuse(Errc::invalid, "expected 24h or 90d", "span");
}

std::string_view name_of(Span span) { return span == Span::day ? kDay : kQuarter; }

UnixSeconds unix_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

void put_all(json::object& into, json::object&& members) {
  for (auto& member : members) into[member.key()] = std::move(member.value());
}

}  // namespace

http::Response SeriesApi::session_series(const http::Request& request, std::string_view uuid) const {
  return answer_people(access_, request, now_(), Role::user, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const Span span, span_of(request));
    CHECKED_TRY(const auto row, store_.find_session(uuid));
    if (auto may = check_may_see(caller, row, uuid); !may) return std::unexpected(may.error());
    CHECKED_TRY(const auto slots, store_.slots_of_session(row.uuid, span));
    const Window window = window_of(span, unix_seconds(now_()));
    json::object body{{"span", name_of(span)}};
    put_all(body, view_window(window));
    put_all(body, view_session(slots, window));
    return conditional_answer(request, json_answer(200, body));
  });
}

http::Response SeriesApi::node_series(const http::Request& request, std::string_view name) const {
  return answer_people(access_, request, now_(), Role::admin, [&](const Caller&) -> Checked<http::Response> {
    CHECKED_TRY(const Span span, span_of(request));
    CHECKED_TRY(const auto node, store_.find_node(name));
    CHECKED_TRY(const auto links, store_.slots_of_links(node.id, span));
    CHECKED_TRY(const auto nodes, store_.nodes());
    const Window window = window_of(span, unix_seconds(now_()));
    json::object body{{"span", name_of(span)}};
    put_all(body, view_window(window));
    json::array list;
    for (const auto& [peer, slots] : links) {
      const auto found = std::ranges::find(nodes, peer, &Node::id);
      json::object link{{"id", peer}, {"node", found == nodes.end() ? json::value(nullptr) : json::value(found->name)}};
      put_all(link, view_link(slots, window));
      list.push_back(std::move(link));
    }
    body["links"] = std::move(list);
    return conditional_answer(request, json_answer(200, body));
  });
}

http::Response SeriesApi::session_events(const http::Request& request, std::string_view uuid) const {
  return answer_people(access_, request, now_(), Role::user, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto row, store_.find_session(uuid));
    if (auto may = check_may_see(caller, row, uuid); !may) return std::unexpected(may.error());
    CHECKED_TRY(const auto events, store_.events_of(row.uuid));
    json::array list;
    for (const SessionEvent& event : events) {
      list.push_back(json::object{
          {"number", event.number},
          {"at", event.at},
          {"from", event.from ? json::value(model::name_of(*event.from)) : json::value(nullptr)},
          {"to", model::name_of(event.to)},
          {"who", event.cause.who},
          {"reason", event.cause.reason.empty() ? json::value(nullptr) : json::value(event.cause.reason)}});
    }
    return conditional_answer(request, json_answer(200, json::object{{"events", std::move(list)}}));
  });
}

}  // namespace moenet::controlplane
