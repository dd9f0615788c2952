// Queries: what people ask nodes, between who asks and the node's agent, which waits for it at this control plane or at
// another one on the same database (decisions/0015-looking-glass.md). All of it is in memory: a query is open for some
// seconds and then forgotten, whatever became of it. Who may ask, and what, is the caller's business.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/token_bucket.h"
#include "controlplane/query_message.h"
#include "controlplane/store.h"
#include "http/server.h"

namespace moenet::controlplane {

struct QueryLimits {
  // From asking to the answer. Chosen: an agent's tools take at most 10 s, and its next read begins within one.
  std::chrono::milliseconds patience{15'000};
  std::size_t most_of_node = 8;   // open at once; as many as an agent takes
  std::size_t most_open = 1'000;  // of all nodes; chosen: some MB
  double account_burst = 10;      // chosen: somebody who looks for a fault
  double account_per_second = 0.2;
  double node_burst = 10;  // of all accounts; as the agent's own
  double node_per_second = 1;
};

class Queries {
 public:
  using Tell = std::function<void(const std::vector<std::string>&)>;
  // Called once with what the node answered, or with nothing when this control plane stops; not at all when the time
  // is over.
  using Asker = std::function<void(std::optional<std::string> answer)>;
  struct Question {
    NodeId node = 0;
    std::string account;
    std::string tool;
    std::string arguments;  // a JSON object
  };
  enum class Refused : std::uint8_t { account, node, stopped };
  struct Refusal {
    Refused why;
    std::chrono::seconds retry_after;
  };

  // `tell` gets the messages for the other control planes; it may block.
  explicit Queries(Tell tell, QueryLimits limits = {}) : tell_(std::move(tell)), limits_(limits) {}

  // All thread-safe.
  // Absent: it is on its way. Else it was not taken.
  std::optional<Refusal> ask(Question question, Asker asker, SteadyTime now);
  // The node's read: answered as soon as there are queries for it. A node has one: the one before ends.
  void wait(NodeId node, std::shared_ptr<http::Pending> read, SteadyTime now);
  // False when nobody waits for this answer of this node's (any more). `answer`: valid UTF-8.
  bool answer(NodeId node, const std::string& id, const std::string& answer, SteadyTime now);
  // A message of another control plane.
  void hear(std::string_view message, SteadyTime now);
  // Reads end with nothing, and so does whoever asked.
  void stop();

  std::chrono::milliseconds patience() const { return limits_.patience; }
  std::size_t open() const;
  std::size_t waiting_reads() const;

  // The answer to a read when there is nothing.
  static http::Response nothing();

 private:
  struct Open {
    Question question;
    SteadyTime until;
    bool is_handed_out = false;
    Asker asker;            // null: asked at another control plane
    std::string answer;     // its parts so far
    std::size_t parts = 0;  // how many they are
  };
  using Due = std::vector<std::pair<std::shared_ptr<http::Pending>, http::Response>>;

  // The mutex must be held.
  void forget_old(SteadyTime now);
  std::size_t open_of(NodeId node) const;
  TokenBucket& bucket_of(const std::string& account);
  void hand_out(NodeId node, SteadyTime now, Due& due);
  void take(const QueryAsked& asked, Asker asker, SteadyTime now, Due& due);
  // The whole answer, and who waits for it here.
  std::optional<std::pair<Asker, std::string>> take_part(const QueryAnswerPart& part);

  const Tell tell_;
  const QueryLimits limits_;
  mutable std::mutex mutex_;  // guards all below: workers ask and answer, the store's thread hears
  bool is_stopped_ = false;
  std::map<std::string, Open> open_;
  std::map<NodeId, std::shared_ptr<http::Pending>> reads_;
  std::map<std::string, TokenBucket> accounts_;
  std::map<NodeId, TokenBucket> nodes_;
};

}  // namespace moenet::controlplane
