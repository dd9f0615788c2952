// What control planes on one database tell each other of queries (queries.h), as text: one was asked, one is over, one
// is answered, in parts where the answer is longer than a message. Pure.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "controlplane/store.h"

namespace moenet::controlplane {

struct QueryAsked {
  std::string id;
  NodeId node = 0;
  std::chrono::milliseconds left{0};  // as long as who asked waits
  std::string account;                // without spaces, as are id and tool
  std::string tool;
  std::string arguments;  // a JSON object

  friend bool operator==(const QueryAsked&, const QueryAsked&) = default;
};
// Nobody need answer it any more.
struct QueryOver {
  std::string id;

  friend bool operator==(const QueryOver&, const QueryOver&) = default;
};
struct QueryAnswerPart {
  std::string id;
  std::size_t part = 0;  // from 1
  std::size_t parts = 0;
  std::string text;

  friend bool operator==(const QueryAnswerPart&, const QueryAnswerPart&) = default;
};
using QueryMessage = std::variant<QueryAsked, QueryOver, QueryAnswerPart>;

std::string write_message(const QueryAsked& asked);
std::string write_message(const QueryOver& over);
// `answer` is valid UTF-8, and no character is torn.
std::vector<std::string> write_answer(std::string_view id, std::string_view answer);
// Nothing when it is none of ours.
std::optional<QueryMessage> read_query_message(std::string_view text);

}  // namespace moenet::controlplane
