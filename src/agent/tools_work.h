// Answers a tool's question: echoes, connections, BIRD, name servers. Every part is bounded, so that an answer takes
// less than the 10 seconds that a caller is promised. No shell, no program, no command of BIRD's that changes anything.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "agent/tools_answer.h"
#include "agent/tools_question.h"
#include "base/clock.h"
#include "bird/lookup.h"

namespace moenet::agent {

class ToolWork {
 public:
  // Where packets may be sent, asked of each address, also of what a name turned out to be; null: anywhere. What only
  // BIRD is asked of is nobody's target.
  using Reach = std::function<bool(const IpAddress&)>;

  explicit ToolWork(std::string bird_socket, Reach may_reach = nullptr)
      : looking_glass_(std::move(bird_socket)), may_reach_(std::move(may_reach)) {}

  // Thread-safe. Errors: not_found (no such host), invalid, unavailable, denied (no ICMP, or a target that may not be
  // reached), timeout, cancelled.
  Result<ToolAnswer> answer(const ToolQuestion& question, Deadline deadline, const std::stop_token& stop);

 private:
  bird::LookingGlass looking_glass_;
  const Reach may_reach_;
};

}  // namespace moenet::agent
