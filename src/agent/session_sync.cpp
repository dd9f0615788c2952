#include "agent/session_sync.h"

#include <algorithm>
#include <utility>

#include <boost/json/value.hpp>

#include "base/log.h"

namespace moenet::agent {

Result<SessionAnswer> read_answer(std::string body) {
  SessionAnswer answer;
  TRY(const auto data, model::read_envelope(body));
  TRY(answer.rows, model::read_sessions(data));
  for (const auto& row : answer.rows) answer.all_identified = answer.all_identified && !row.uuid.empty();
  const auto repeated = std::ranges::adjacent_find(answer.rows, {}, &model::SessionRow::uuid);
  if (answer.all_identified && repeated == answer.rows.end()) answer.text = model::SessionText::of(body);
  answer.body->put(std::move(body));
  return answer;
}

bool says_the_same(const SessionAnswer& answer, std::string_view body) {
  return answer.text && answer.text == model::SessionText::of(body);
}

void put_last_good(StateFile kept, Latest<SessionInput>& input) {
  auto body = kept.load();
  auto answer = body ? read_answer(std::move(*body)) : std::unexpected(body.error());
  if (answer) {
    log::info("sessions come from the last good state until the control plane answers",
              {{"sessions", answer->rows.size()}});
    input.put(SessionInput{std::make_shared<const SessionAnswer>(std::move(*answer)), 0, 0, ""});
  } else if (answer.error().code != Errc::not_found) {
    log::warning("the last good state is of no use", {{"error", answer.error().what}});
  }
}

SessionSync::SessionSync(ControlPlane& control_plane, TaskLedger& ledger, Latest<SessionInput>& input,
                         Wakeup& reconcile, std::chrono::seconds interval)
    : input_(input),
      reconcile_(reconcile),
      loop_({kSessionSyncTask, ledger, interval,
             [&control_plane](const std::string& etag, std::chrono::seconds wait, const std::stop_token& stop) {
               return control_plane.fetch("sessions", etag, wait, stop);
             },
             [this](std::string body) { return take(std::move(body)); },
             [this](std::uint64_t sync, const std::string& error) { publish(sync, error); }}) {}

// Until there is an answer, the one from the disk stays.
void SessionSync::publish(std::uint64_t sync, const std::string& error) {
  if (error.empty()) ++answers_;
  const auto last = input_.read();
  input_.put(SessionInput{answer_ != nullptr || last == nullptr ? answer_ : last->answer, answers_, sync, error});
  reconcile_.notify();
}

Result<bool> SessionSync::take(std::string body) {
  if (answer_ != nullptr && says_the_same(*answer_, body)) return false;
  auto answer = read_answer(std::move(body));
  if (!answer) return std::unexpected(with_context(answer.error(), "fetch sessions"));
  const bool is_new = answer_ == nullptr || answer->rows != answer_->rows;
  if (is_new) answer_ = std::make_shared<const SessionAnswer>(std::move(*answer));
  return is_new;
}

}  // namespace moenet::agent
