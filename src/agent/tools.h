// Tools: takes what callers of /ping, /trace and the like ask, as often and as many at once as is good for the node,
// and has it answered on threads of its own, so that neither the API nor the reconciler ever waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "agent/tools_answer.h"
#include "agent/tools_question.h"
#include "base/clock.h"
#include "base/token_bucket.h"

namespace moenet::agent {

struct ToolLimits {
  unsigned at_once = 2;                        // chosen: as many as BIRD answers strangers at once (bird::LookingGlass)
  std::size_t most_waiting = 8;                // chosen: who is the ninth would wait for long
  double burst = 10;                           // chosen: an operator's tries; a page of a looking glass
  double per_second = 1;                       // and on the long run; of all who share the token
  std::chrono::milliseconds patience{10'000};  // from asking to the answer
};

class Tools {
 public:
  using Answer = std::function<Result<ToolAnswer>(const ToolQuestion&, Deadline, const std::stop_token&)>;
  using Done = std::function<void(Result<std::string>)>;

  explicit Tools(Answer answer, ToolLimits limits = {});
  ~Tools();  // what is under way is cancelled, who waits is told so
  Tools(const Tools&) = delete;
  Tools& operator=(const Tools&) = delete;

  // Thread-safe, never waits. Absent: `done` gets the document (tool_document) or an error, on a thread of the tools.
  // Else the question was not taken: how long to wait before asking again. `until`: when nobody waits for the answer
  // any longer, should that be before the tools' own patience ends.
  std::optional<std::chrono::seconds> ask(ToolQuestion question, SteadyTime now, Done done,
                                          SteadyTime until = SteadyTime::max());

 private:
  struct Job {
    ToolQuestion question;
    Deadline deadline;
    Done done;
  };
  void run(const std::stop_token& stop);

  Answer answer_;
  ToolLimits limits_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  TokenBucket bucket_;
  std::deque<Job> waiting_;
  std::vector<std::jthread> threads_;  // begun with the first question
};

}  // namespace moenet::agent
