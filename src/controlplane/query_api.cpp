#include "controlplane/query_api.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/log.h"
#include "controlplane/admin_body.h"
#include "controlplane/answers.h"
#include "controlplane/request_headers.h"
#include "controlplane/workers.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;
using http::PathBindings;
using http::Pending;
using http::Request;
using http::Response;

// An agent's heartbeats are 30 s apart: one that missed three is away, and nobody need wait to find that out.
constexpr std::chrono::seconds kSilentAfter{90};
constexpr std::chrono::seconds kAnswerTimeout{30};

Response overloaded() {
  Response response = problem(503, "too many requests at once; ask again");
  response.headers.set("Retry-After", "2");
  return response;
}

std::string bound(const PathBindings& path, std::string_view name) { return path.find(name)->second; }

}  // namespace

std::string_view name_of(QueryOutcome outcome) {
  switch (outcome) {
    case QueryOutcome::answered: return "answered";
    case QueryOutcome::refused: return "refused";
    case QueryOutcome::unanswered: return "unanswered";
    case QueryOutcome::limited: return "limited";
    case QueryOutcome::unavailable: return "unavailable";
  }
  return "";
}

QueryApi::QueryApi(Store& store, Access& access, const AgentApi& agent, std::function<WallTime()> now, Messages* others,
                   const QueryLimits& limits, Submit submit)
    : store_(store),
      access_(access),
      agent_(agent),
      now_(std::move(now)),
      others_(others),
      submit_(std::move(submit)),
      queries_(
          [this](const std::vector<std::string>& texts) {
            const auto told = others_ == nullptr ? Result<void>() : others_->tell(texts);
            if (!told) log::warning("other control planes do not hear of a query", {{"error", told.error().what}});
          },
          limits) {
  if (others_ != nullptr)
    others_->set_message_listener([this](std::string_view text) { queries_.hear(text, steady_now()); });
}

QueryApi::~QueryApi() {
  if (others_ != nullptr) others_->set_message_listener({});
}

void QueryApi::add_routes(http::Router& router) {
  router.add("POST", "/api/v1/nodes/{node}/queries",
             [this](Request& request, const PathBindings& path) { return ask(request, bound(path, "node")); });
  router.add("GET", "/api/v1/agent/{node}/queries", [this](Request& request, const PathBindings& path) -> http::Answer {
    if (request.method != "GET") return plain_not_found();  // HEAD would take the queries and show none
    return read(request, bound(path, "node"));
  });
  router.add("POST", "/api/v1/agent/{node}/queries/{id}", [this](Request& request, const PathBindings& path) {
    return answer(request, bound(path, "node"), bound(path, "id"));
  });
}

http::Answer QueryApi::later(Request& request, std::shared_ptr<Pending> pending, Work work) {
  const std::size_t bytes = request.body.size();
  const bool is_taken = submit_(
      [request = taken(request), pending, work = std::move(work)] {
        std::optional<Response> response;
        try {
          response = work(request);
        } catch (const std::exception& bug) {
          log::error("a request ended in an exception",
                     {{"path", request.target}, {"error", std::string_view(bug.what())}});
          response = internal_error();
        }
        if (response) pending->answer(*std::move(response));
      },
      bytes);
  if (!is_taken) return overloaded();
  return pending;
}

http::Answer QueryApi::ask(Request& request, const std::string& node) {
  auto pending = std::make_shared<Pending>(queries_.patience(), [this, node] {
    count(QueryOutcome::unanswered);
    return problem(504, fmt::format("{} did not answer within {} s", escape_for_log(node, 64),
                                    std::chrono::ceil<std::chrono::seconds>(queries_.patience()).count()));
  });
  return later(request, pending, [this, node, pending](const Request& r) { return take(r, node, pending); });
}

Checked<void> QueryApi::check_offer(const Node& node, const std::string& tool) const {
  const auto seen = WallTime(std::chrono::milliseconds(node.last_seen));
  if (node.last_seen == 0 || now_() - seen > kSilentAfter)
    return refuse(Errc::unavailable, fmt::format("{} was not heard of lately", node.name));
  const auto tools = offered_tools(node);
  if (tools.empty())
    return refuse(Errc::conflict, fmt::format("{} takes no queries", node.name), {},
                  "its operator may allow them: lookingGlass of the agent's configuration");
  if (std::ranges::find(tools, tool) == tools.end())
    return refuse(Errc::conflict, fmt::format("{} does not offer {}", node.name, tool), {},
                  fmt::format("it offers {}", fmt::join(tools, ", ")));
  return {};
}

Response QueryApi::limited(const Queries::Refusal& refusal, const std::string& node) {
  const bool stops = refusal.why == Queries::Refused::stopped;
  count(stops ? QueryOutcome::unavailable : QueryOutcome::limited);
  Response response = stops ? problem(503, "this control plane stops; ask again")
                      : refusal.why == Queries::Refused::account
                          ? problem(429, "you ask too often")
                          : problem(429, fmt::format("{} is asked too much", node));
  response.headers.set("Retry-After", std::to_string(refusal.retry_after.count()));
  return response;
}

// Nothing: the node is asked, and `pending` gets what it answers.
std::optional<Response> QueryApi::take(const Request& request, const std::string& name,
                                       const std::shared_ptr<Pending>& pending) {
  const auto caller = access_.person(request, now_());
  if (!caller) return caller.error();
  const auto node = store_.find_node(name);
  if (!node) return problem(Refusal(node.error()));
  const auto body = json_body(request);
  if (!body) return problem(body.error());
  auto draft = read_query_draft(*body);
  if (!draft) return problem(draft.error());
  if (const auto offers = check_offer(*node, draft->tool); !offers) {
    count(QueryOutcome::unavailable);
    const bool is_away = offers.error().error.code == Errc::unavailable;
    return problem(is_away ? 503 : 409, offers.error().error.what, is_away ? "" : "tool", offers.error().hint);
  }
  Queries::Question question{node->id, caller->user.empty() ? "owner" : caller->user, draft->tool, draft->arguments};
  const auto refused = queries_.ask(
      std::move(question),
      [this, pending, node = node->name, draft = *std::move(draft)](const std::optional<std::string>& answer) {
        Response response =
            answer ? query_response(node, draft, *answer) : problem(503, "this control plane stops; ask again");
        if (pending->is_answered()) return;
        count(response.status == 200 ? QueryOutcome::answered
              : answer               ? QueryOutcome::refused
                                     : QueryOutcome::unavailable);
        pending->answer(std::move(response));
      },
      steady_now());
  if (refused) return limited(*refused, node->name);
  return std::nullopt;
}

http::Answer QueryApi::read(Request& request, const std::string& node) {
  const auto wait = preferred_wait(request);
  auto pending = std::make_shared<Pending>(
      wait.count() > 0 ? std::chrono::milliseconds(wait) : std::chrono::milliseconds(kAnswerTimeout), Queries::nothing);
  return later(request, pending, [this, node, wait, pending](const Request& r) -> std::optional<Response> {
    const auto admitted = agent_.admit(r, node);
    if (!admitted) return admitted.error();
    queries_.wait(admitted->id, pending, steady_now());
    if (wait.count() == 0) return Queries::nothing();  // unless there were some
    return std::nullopt;
  });
}

http::Answer QueryApi::answer(Request& request, const std::string& node, const std::string& id) {
  auto pending = std::make_shared<Pending>(std::chrono::milliseconds(kAnswerTimeout), overloaded);
  return later(request, pending, [this, node, id](const Request& r) -> std::optional<Response> {
    const auto admitted = agent_.admit(r, node);
    if (!admitted) return admitted.error();
    const auto body = read_query_answer(r.body);
    if (!body) return envelope_error(422, "neither a result nor an error");
    if (!queries_.answer(admitted->id, id, *body, steady_now()))
      return envelope_error(404, "Nobody waits for this answer");
    return success(json::object{{"received", true}});
  });
}

QueryCounts QueryApi::counts() const {
  QueryCounts counts;
  for (std::size_t i = 0; i < outcomes_.size(); ++i) counts.outcomes[static_cast<QueryOutcome>(i)] = outcomes_[i];
  counts.open = queries_.open();
  counts.waiting_reads = queries_.waiting_reads();
  return counts;
}

}  // namespace moenet::controlplane
