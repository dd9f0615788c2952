// AnswerSync: one of the tasks that only fetch and publish (meshSyncTask, ibgpSyncTask): an answer of the control
// plane, kept fresh and handed on. Until the control plane answers, the one from the disk holds; what goes there is
// reconcileTask's to say.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "agent/fetch_loop.h"
#include "agent/state_file.h"
#include "base/log.h"
#include "model/session_json.h"

namespace moenet::agent {

inline constexpr std::string_view kMeshSyncTask = "meshSyncTask";
inline constexpr std::string_view kIbgpSyncTask = "ibgpSyncTask";

// What a task was answered last.
template <class T>
struct Known {
  std::shared_ptr<const T> answer;  // null: nothing yet
  bool is_from_disk = false;
  std::uint64_t number = 0;  // counts answers of the control plane, repetitions included
  // The envelope as it came, for the state file. Who has written it there puts null. Null: it comes from there.
  std::shared_ptr<Latest<std::string>> body = nullptr;
};

template <class T>
class AnswerSync {
 public:
  using Read = Result<T> (*)(const boost::json::value& data);

  // `action`: the control plane's name of it ("mesh"), and of its state file. `on_answer` runs on the task's thread
  // after each answer.
  AnswerSync(std::string_view task, std::string_view action, Read read, ControlPlane& control_plane, TaskLedger& ledger,
             std::chrono::seconds interval, StateFile state, Latest<Known<T>>& known, std::function<void()> on_answer)
      : task_(task),
        read_(read),
        state_(std::move(state)),
        known_(known),
        on_answer_(std::move(on_answer)),
        loop_(
            {task, ledger, interval,
             [&control_plane, action](const std::string& etag, std::chrono::seconds wait, const std::stop_token& stop) {
               return control_plane.fetch(action, etag, wait, stop);
             },
             [this](std::string body) { return take(std::move(body)); },
             [this](std::uint64_t, const std::string& error) {
               if (error.empty()) publish();
             }}) {}

  // Before run(): the last good answer. That there is none is no error.
  void load() {
    auto body = state_.load();
    auto answer = body ? read_body(*body) : std::unexpected(body.error());
    if (answer) {
      answer_ = std::make_shared<const T>(std::move(*answer));
      known_.put(Known<T>{answer_, true, 0});
    } else if (answer.error().code != Errc::not_found) {
      log::warning("the last good state is of no use", {{"task", task_}, {"error", answer.error().what}});
    }
  }

  void run(const std::stop_token& stop) { loop_.run(stop); }
  // Asks for a fetch now. Thread-safe.
  void request() { loop_.request(); }

 private:
  Result<T> read_body(const std::string& body) const {
    TRY(const auto data, model::read_envelope(body));
    return read_(data);
  }

  Result<bool> take(std::string body) {
    TRY(auto answer, read_body(body));
    const bool is_new = answer_ == nullptr || !(*answer_ == answer);
    if (!is_new) return false;
    answer_ = std::make_shared<const T>(std::move(answer));
    body_ = std::make_shared<Latest<std::string>>();
    body_->put(std::move(body));
    return true;
  }

  void publish() {
    known_.put(Known<T>{answer_, false, ++answers_, body_});
    on_answer_();
  }

  std::string_view task_;
  Read read_;
  StateFile state_;
  Latest<Known<T>>& known_;
  std::function<void()> on_answer_;
  std::shared_ptr<const T> answer_;
  std::shared_ptr<Latest<std::string>> body_;  // answer_'s; null: it comes from the disk
  std::uint64_t answers_ = 0;
  FetchLoop loop_;
};

}  // namespace moenet::agent
