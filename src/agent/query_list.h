// What the control plane hands this node of what people ask it (decisions/0015-looking-glass.md), read at the door into
// values, and what the node answers. Pure. Nothing in a list can make the node do more than its operator allows.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "agent/looking_glass.h"
#include "agent/tools_question.h"
#include "base/result.h"

namespace moenet::agent {

struct Query {
  std::string id;                 // the control plane's: letters, digits and "-"
  Result<ToolQuestion> question;  // or why it is not answered: denied (the tool is not offered), invalid
  std::chrono::seconds left;      // as long as somebody waits for the answer
};

// Of one answer; what is beyond is not read. Chosen: as many as the tools let wait (ToolLimits).
inline constexpr std::size_t kMostQueries = 8;
// Of one answer; chosen: eight questions, each far longer than any has to be.
inline constexpr std::size_t kQueriesBytesMax = 64u << 10;

// The envelope of `{"queries":[{"id","tool","arguments","secondsLeft"}]}`. A query without a usable id is passed over:
// nobody could be answered. Errors: invalid, and what the envelope says.
Result<std::vector<Query>> read_queries(std::string_view body, const LookingGlassSettings& settings);

// `{"status","error"}`, with `retryAfter` where it is known when to ask again: what is answered instead of a tool's
// document (tool_document).
std::string query_refusal(const Error& error);
std::string query_limit(std::chrono::seconds retry_after);

}  // namespace moenet::agent
