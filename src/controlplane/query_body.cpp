#include "controlplane/query_body.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "base/utf8.h"
#include "controlplane/admin_body.h"
#include "controlplane/answers.h"
#include "model/json_reader.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

constexpr std::string_view kTools[] = {"ping", "tcping", "trace", "route", "path", "dig", "mtu"};  // of the agent
constexpr std::string_view kMembers[] = {"tool", "target", "port", "type", "server"};
constexpr std::size_t kTargetBytesMax = 260;  // as the agent's
constexpr std::size_t kWordBytesMax = 64;
// An agent's documents have at most 64 KiB; what is made valid UTF-8 may grow.
constexpr std::size_t kMostAnswerBytes = 128u << 10;
constexpr std::size_t kWhatBytesMax = 300;
constexpr std::int64_t kMostRetrySeconds = 3'600;

// Text of a node for people's eyes: lines, and nothing that a terminal would do something at.
std::string shown(std::string_view text) {
  std::string clean(text);
  std::erase_if(clean, [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F; });
  return clean;
}

Checked<void> check_word(const json::value& body, std::string_view member, std::size_t most) {
  const json::value* value = body.get_object().if_contains(member);
  if (value == nullptr) return {};
  const bool is_word = value->is_string() && value->get_string().size() <= most &&
                       std::ranges::all_of(value->get_string(), [](unsigned char c) { return c > 0x20 && c < 0x7F; });
  if (!is_word)
    return refuse(Errc::invalid, fmt::format("expected text without spaces, at most {} bytes", most),
                  std::string(member));
  return {};
}

http::Response refused_by_node(const std::string& node, const json::object& answer) {
  const json::value* number = answer.if_contains("status");
  const std::int64_t status = number != nullptr && number->is_int64() ? number->get_int64() : 500;
  const json::value* error = answer.if_contains("error");
  const std::string what =
      error != nullptr && error->is_string() ? escape_for_log(shown(error->get_string()), kWhatBytesMax) : "";
  switch (status) {
    case 422:
    case 404: return problem(422, what, "target");
    case 403: return problem(409, what, "tool");
    case 504: return problem(504, fmt::format("{}: {}", node, what));
    case 429: {
      const json::value* after = answer.if_contains("retryAfter");
      const std::int64_t seconds = after != nullptr && after->is_int64() ? after->get_int64() : 1;
      http::Response response = problem(429, fmt::format("{}: {}", node, what));
      response.headers.set("Retry-After", std::to_string(std::clamp<std::int64_t>(seconds, 1, kMostRetrySeconds)));
      return response;
    }
    default: return problem(503, fmt::format("{} cannot answer: {}", node, what));
  }
}

}  // namespace

std::vector<std::string> offered_tools(const Node& node) {
  std::vector<std::string> tools;
  boost::system::error_code bad;
  const json::value status = json::parse(node.status_json.empty() ? "null" : node.status_json, bad);
  const json::value* list = status.is_object() ? status.get_object().if_contains("lookingGlass") : nullptr;
  if (list == nullptr || !list->is_array()) return tools;
  for (const std::string_view tool : kTools) {
    if (std::ranges::any_of(list->get_array(),
                            [&](const json::value& name) { return name.is_string() && name.get_string() == tool; }))
      tools.emplace_back(tool);
  }
  return tools;
}

Checked<QueryDraft> read_query_draft(const json::value& body) {
  if (!body.is_object()) return refuse(Errc::invalid, "expected an object");
  for (const auto& member : body.get_object()) {
    if (std::ranges::find(kMembers, std::string_view(member.key())) == std::end(kMembers))
      return refuse(Errc::invalid, "there is no such member",
                    escape_for_log(std::string_view(member.key()), kWordBytesMax));
  }
  QueryDraft draft;
  draft.tool = text_member(body, "tool");
  if (std::ranges::find(kTools, draft.tool) == std::end(kTools))
    return refuse(Errc::invalid, fmt::format("expected one of {}", fmt::join(kTools, ", ")), "tool");
  draft.target = text_member(body, "target");
  if (draft.target.empty()) return refuse(Errc::invalid, "expected an address or a name", "target");
  for (const auto& [member, most] :
       {std::pair{"target", kTargetBytesMax}, {"type", kWordBytesMax}, {"server", kWordBytesMax}}) {
    if (auto sound = check_word(body, member, most); !sound) return std::unexpected(sound.error());
  }
  json::object arguments;
  for (const char* member : {"target", "port", "type", "server"}) {
    if (const json::value* value = body.get_object().if_contains(member)) arguments[member] = *value;
  }
  if (const json::value* port = arguments.if_contains("port");
      port != nullptr && (!port->is_int64() || port->get_int64() < 1 || port->get_int64() > 65'535))
    return refuse(Errc::invalid, "expected 1 to 65535", "port");
  draft.arguments = json::serialize(arguments);
  return draft;
}

std::optional<std::string> read_query_answer(std::string_view body) {
  if (body.size() > kMostAnswerBytes) return std::nullopt;
  const auto answer = model::parse_json(body);
  if (!answer || !answer->is_object()) return std::nullopt;
  const json::object& object = answer->get_object();
  const json::value* words = object.if_contains("result");
  if (words == nullptr) words = object.if_contains("error");
  if (words == nullptr || !words->is_string()) return std::nullopt;
  const std::string text = json::serialize(object);
  std::string valid = valid_utf8(text, kMostAnswerBytes);
  if (valid.size() < text.size()) return std::nullopt;
  return valid;
}

http::Response query_response(const std::string& node, const QueryDraft& draft, const std::string& answer) {
  const auto read = model::parse_json(answer);
  if (!read || !read->is_object()) return problem(503, fmt::format("{} gave no answer that could be read", node));
  const json::object& object = read->get_object();
  const json::value* result = object.if_contains("result");
  if (result == nullptr || !result->is_string()) return refused_by_node(node, object);
  const json::value* data = object.if_contains("data");
  return json_answer(200, json::object{{"node", node},
                                       {"tool", draft.tool},
                                       {"target", draft.target},
                                       {"result", shown(result->get_string())},
                                       {"data", data != nullptr && data->is_object() ? *data : json::value(nullptr)}});
}

}  // namespace moenet::controlplane
