#include "controlplane/queries.h"

#include <algorithm>

#include <boost/json.hpp>

#include "controlplane/answers.h"
#include "controlplane/token.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

// Chosen: some MB; then all of them begin anew.
constexpr std::size_t kMostAccounts = 10'000;
// Of an answer on its way here: one of 64 KiB and its escapes.
constexpr std::size_t kMostAnswerBytes = 256u << 10;

void answer_all(std::vector<std::pair<std::shared_ptr<http::Pending>, http::Response>>& due) {
  for (auto& [pending, response] : due) pending->answer(std::move(response));
}

bool is_object(const std::string& text) {
  boost::system::error_code bad;
  return json::parse(text, bad).is_object() && !bad;
}

}  // namespace

http::Response Queries::nothing() { return success(json::object{{"queries", json::array{}}}); }

void Queries::forget_old(SteadyTime now) {
  std::erase_if(open_, [&](const auto& entry) { return entry.second.until <= now; });
}

std::size_t Queries::open_of(NodeId node) const {
  return static_cast<std::size_t>(
      std::ranges::count_if(open_, [&](const auto& entry) { return entry.second.question.node == node; }));
}

TokenBucket& Queries::bucket_of(const std::string& account) {
  if (accounts_.size() >= kMostAccounts && !accounts_.contains(account)) accounts_.clear();
  return accounts_.try_emplace(account, limits_.account_burst, limits_.account_per_second).first->second;
}

void Queries::hand_out(NodeId node, SteadyTime now, Due& due) {
  const auto read = reads_.find(node);
  if (read == reads_.end()) return;
  if (read->second->is_answered()) {  // or its caller is gone
    reads_.erase(read);
    return;
  }
  json::array list;
  for (auto& [id, open] : open_) {
    if (open.question.node != node || std::exchange(open.is_handed_out, true)) continue;
    list.push_back(json::object{{"id", id},
                                {"tool", open.question.tool},
                                {"arguments", json::parse(open.question.arguments)},
                                {"secondsLeft", std::chrono::floor<std::chrono::seconds>(open.until - now).count()}});
  }
  if (list.empty()) return;
  due.emplace_back(std::move(read->second), success(json::object{{"queries", std::move(list)}}));
  reads_.erase(read);
}

void Queries::take(const QueryAsked& asked, Asker asker, SteadyTime now, Due& due) {
  open_.emplace(asked.id, Open{{asked.node, asked.account, asked.tool, asked.arguments},
                               now + std::min(asked.left, limits_.patience),
                               false,
                               std::move(asker),
                               {},
                               0});
  hand_out(asked.node, now, due);
}

std::optional<Queries::Refusal> Queries::ask(Question question, Asker asker, SteadyTime now) {
  const QueryAsked asked{make_uuid(),      question.node, limits_.patience,
                         question.account, question.tool, question.arguments};
  Due due;
  {
    const std::lock_guard lock(mutex_);
    if (is_stopped_) return Refusal{Refused::stopped, std::chrono::seconds(2)};
    forget_old(now);
    if (const auto wait = bucket_of(question.account).take(now); wait.count() > 0)
      return Refusal{Refused::account, wait};
    if (open_of(question.node) >= limits_.most_of_node || open_.size() >= limits_.most_open)
      return Refusal{Refused::node, std::chrono::ceil<std::chrono::seconds>(limits_.patience)};
    auto& of_node = nodes_.try_emplace(question.node, limits_.node_burst, limits_.node_per_second).first->second;
    if (const auto wait = of_node.take(now); wait.count() > 0) return Refusal{Refused::node, wait};
    take(asked, std::move(asker), now, due);
  }
  answer_all(due);
  tell_({write_message(asked)});  // also when an agent has it already: the limits of the others count it
  return std::nullopt;
}

void Queries::wait(NodeId node, std::shared_ptr<http::Pending> read, SteadyTime now) {
  Due due;
  {
    const std::lock_guard lock(mutex_);
    forget_old(now);
    auto& place = reads_[node];
    if (place) due.emplace_back(std::move(place), nothing());
    place = std::move(read);
    if (is_stopped_) {
      due.emplace_back(std::move(place), nothing());
      reads_.erase(node);
    }
    hand_out(node, now, due);
  }
  answer_all(due);
}

bool Queries::answer(NodeId node, const std::string& id, const std::string& answer, SteadyTime now) {
  Asker asker;
  {
    const std::lock_guard lock(mutex_);
    forget_old(now);
    const auto open = open_.find(id);
    if (open == open_.end() || open->second.question.node != node) return false;
    asker = std::move(open->second.asker);
    open_.erase(open);
  }
  if (!asker) {
    tell_(write_answer(id, answer));
    return true;
  }
  asker(answer);
  tell_({write_message(QueryOver{id})});
  return true;
}

std::optional<std::pair<Queries::Asker, std::string>> Queries::take_part(const QueryAnswerPart& part) {
  const auto found = open_.find(part.id);
  if (found == open_.end()) return std::nullopt;
  Open& open = found->second;
  open.answer += part.text;
  // Messages come in order and each once; one that did not come at all has taken the answer with it.
  const bool is_next = ++open.parts == part.part && open.answer.size() <= kMostAnswerBytes;
  if (open.asker && is_next && part.part < part.parts) return std::nullopt;
  std::optional<std::pair<Asker, std::string>> whole;
  if (open.asker && is_next) whole.emplace(std::move(open.asker), std::move(open.answer));
  open_.erase(found);
  return whole;
}

void Queries::hear(std::string_view text, SteadyTime now) {
  const auto message = read_query_message(text);
  if (!message) return;
  if (const auto* asked = std::get_if<QueryAsked>(&*message); asked != nullptr && !is_object(asked->arguments)) return;
  Due due;
  std::optional<std::pair<Asker, std::string>> answered;
  {
    const std::lock_guard lock(mutex_);
    if (is_stopped_) return;
    forget_old(now);
    if (const auto* asked = std::get_if<QueryAsked>(&*message)) {
      bucket_of(asked->account).take(now);
      nodes_.try_emplace(asked->node, limits_.node_burst, limits_.node_per_second).first->second.take(now);
      if (open_.size() < limits_.most_open) take(*asked, nullptr, now, due);
    } else if (const auto* over = std::get_if<QueryOver>(&*message)) {
      open_.erase(over->id);
    } else {
      answered = take_part(std::get<QueryAnswerPart>(*message));
    }
  }
  answer_all(due);
  if (answered) answered->first(std::move(answered->second));
}

void Queries::stop() {
  Due due;
  std::map<std::string, Open> open;
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    for (auto& [node, read] : std::exchange(reads_, {})) due.emplace_back(std::move(read), nothing());
    open = std::exchange(open_, {});
  }
  answer_all(due);
  for (auto& [id, query] : open) {
    if (query.asker) query.asker(std::nullopt);
  }
}

std::size_t Queries::open() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

std::size_t Queries::waiting_reads() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(
      std::ranges::count_if(reads_, [](const auto& entry) { return !entry.second->is_answered(); }));
}

}  // namespace moenet::controlplane
