// What people ask of a node, and what it answers, as JSON: read at the door, and made answers of. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "controlplane/refusal.h"
#include "controlplane/store.h"
#include "http/message.h"

namespace moenet::controlplane {

// The tools that the node's last heartbeat offers, of those that we know; none: it takes no queries.
std::vector<std::string> offered_tools(const Node& node);

struct QueryDraft {
  std::string tool;
  std::string target;
  std::string arguments;  // a JSON object: target and, where they are given, port, type and server
};
// Of `{"tool","target","port"?,"type"?,"server"?}`. What a target is only the node's agent judges. Refusals: invalid.
Checked<QueryDraft> read_query_draft(const boost::json::value& body);

// A node's answer, `{"result","data"}` or `{"status","error","retryAfter"?}`, as valid UTF-8; nothing when it is
// neither, or too large.
std::optional<std::string> read_query_answer(std::string_view body);
// What of it becomes of the answer to who asked.
http::Response query_response(const std::string& node, const QueryDraft& draft, const std::string& answer);

}  // namespace moenet::controlplane
