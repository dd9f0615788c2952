#include "simulation/far_control_plane.h"

#include <charconv>

#include <boost/json.hpp>

#include "controlplane/agent_api.h"
#include "controlplane/answers.h"
#include "controlplane/modify_body.h"
#include "controlplane/session_draft.h"

namespace moenet::simulation {

namespace json = boost::json;
namespace cp = controlplane;

namespace {

std::chrono::seconds wait_of(const http::Request& request) {
  const std::string_view prefer = request.headers.find("Prefer").value_or("");
  int seconds = 0;
  if (prefer.starts_with("wait=")) std::from_chars(prefer.data() + 5, prefer.data() + prefer.size(), seconds);
  return std::chrono::seconds(seconds);
}

}  // namespace

const StoredSession* FarControlPlane::row(const std::string& uuid) const {
  const auto at = rows_.find(uuid);
  return at == rows_.end() ? nullptr : &at->second;
}

void FarControlPlane::serve(int node, const http::Request& request, const Reply& reply) {
  if (request.method == "POST") return reply(modify(node, request));
  http::Response response = sessions(node, request);
  const auto wait = is_deployed_ ? std::chrono::seconds(0) : wait_of(request);
  if (response.status != 304 || wait.count() == 0) return reply(std::move(response));
  const std::uint64_t number = ++waits_;
  waiting_.push_back({node, request, reply, number});
  agenda_.in(wait, [this, number] {
    const auto at = std::ranges::find(waiting_, number, &Waiting::number);
    if (at == waiting_.end()) return;
    const Waiting over = std::move(*at);
    waiting_.erase(at);
    over.reply(sessions(over.node, over.request));
  });
}

http::Response FarControlPlane::sessions(int node, const http::Request& request) {
  json::array list;
  const bool forgets = is_forgetful(node);
  if (forgets) --amnesia_[node];
  for (const auto& [uuid, row] : rows_) {
    if (row.node == node && !forgets) list.push_back(cp::agent_view(row));
  }
  http::Response response = cp::success(json::object{{"bgpSessions", std::move(list)}});
  if (is_deployed_) return response;
  const std::string etag = cp::etag_of(response.body);
  if (cp::names_etag(request.headers.find("If-None-Match").value_or(""), etag)) response = http::Response{304, {}, ""};
  response.headers.set("ETag", etag);
  response.headers.set("X-MoeNet-Features", "batch-modify");
  return response;
}

http::Response FarControlPlane::modify(int node, const http::Request& request) {
  ++reports_;
  boost::system::error_code error;
  const json::value body = json::parse(request.body, error);
  if (error || !body.is_object()) return cp::internal_error();
  const cp::ModifyBody wanted = cp::read_modify_body(body.get_object());
  if (wanted.refused) return cp::envelope_error(wanted.refused->status, wanted.refused->message);
  std::vector<cp::ModifyOutcome> outcomes;
  for (const cp::ModifyItem& item : wanted.items)
    outcomes.push_back(item.refused ? *item.refused : cp::outcome_of(carry_out(cp::change_for(item, node), true)));
  if (wanted.is_batch) return cp::success(cp::batch_answer(wanted.items, outcomes));
  const cp::ModifyOutcome& outcome = outcomes.front();
  if (outcome.status == 500) return cp::internal_error();
  if (outcome.status != 200) return cp::envelope_error(outcome.status, outcome.message);
  return cp::success(json::object{{outcome.was_deleted ? "deleted" : "updated", true}});
}

cp::Changed FarControlPlane::carry_out(const cp::SessionChange& change, bool by_node) {
  const auto at = rows_.find(change.uuid);
  if (at == rows_.end()) return cp::refuse(Errc::not_found, "no such session");
  auto verdict = change.decide(at->second);
  if (!verdict) return std::unexpected(verdict.error());
  if (std::holds_alternative<cp::Drop>(*verdict)) {
    const StoredSession gone = std::move(at->second);
    rows_.erase(at);
    watcher_(gone, nullptr, by_node);
    wake(gone.node);
    return std::optional<StoredSession>();
  }
  if (auto* replace = std::get_if<cp::Replace>(&*verdict)) put(StoredSession(at->second), replace->row, by_node);
  return std::optional(at->second);
}

void FarControlPlane::put(const StoredSession& before, StoredSession after, bool by_node) {
  if (after == before) return;
  rows_[before.uuid] = after;
  watcher_(before, &after, by_node);
  wake(before.node);
}

void FarControlPlane::add(StoredSession row) {
  const int node = row.node;
  rows_.emplace(row.uuid, std::move(row));
  wake(node);
}

bool FarControlPlane::move(const std::string& uuid, cp::OperatorMove move) {
  const auto decide = [move](const StoredSession& row) { return cp::decide_operator_move(row, move, "no"); };
  return carry_out({uuid, decide}, false).has_value();
}

bool FarControlPlane::edit(const std::string& uuid, const std::function<void(StoredSession&)>& change,
                           bool keeps_status) {
  const auto decide = [&](const StoredSession& row) -> cp::Checked<cp::Verdict> {
    StoredSession edited = row;
    const auto status = cp::status_after_edit(row);
    if (!status) return std::unexpected(status.error());
    change(edited);
    if (!keeps_status) edited.status = *status;
    return cp::Replace{std::move(edited)};
  };
  return carry_out({uuid, decide}, false).has_value();
}

// Those who wait for what they have not seen yet.
void FarControlPlane::wake(int node) {
  for (auto at = waiting_.begin(); at != waiting_.end();) {
    const auto next = std::next(at);
    if (at->node == node) {
      http::Response response = sessions(node, at->request);
      if (response.status != 304) {
        const Reply reply = std::move(at->reply);
        waiting_.erase(at);
        reply(std::move(response));
      }
    }
    at = next;
  }
}

}  // namespace moenet::simulation
