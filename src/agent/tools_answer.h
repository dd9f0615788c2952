// What the tools found, as the text that people read and as data. Pure. All that comes from outside is escaped.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "bird/lookup.h"
#include "net/dns_message.h"
#include "net/path_mtu.h"
#include "net/pinger.h"
#include "net/trace.h"

namespace moenet::agent {

struct ToolAnswer {
  std::string text;  // lines
  boost::json::object data;
};

// All of an answer, as JSON (chosen: what a browser shows of it, and more).
inline constexpr std::size_t kToolAnswerBytes = 64u << 10;

// `target` as it is shown: an address, with its link where that was named.
ToolAnswer ping_answer(std::string_view target, const net::EchoResult& result);
// One for each attempt; the first failure's words stand for all.
ToolAnswer tcping_answer(std::string_view target, const std::vector<Result<std::chrono::nanoseconds>>& attempts);
ToolAnswer trace_answer(std::string_view target, const net::Trace& trace);
ToolAnswer route_answer(const bird::RouteTarget& target, const bird::RouteAnswer& answer);
// `path` is absent: there is no route.
ToolAnswer path_answer(const IpAddress& target, const std::optional<bird::AsPath>& path);
ToolAnswer dig_answer(const net::DnsQuestion& question, const IpAddress& server, const net::DnsAnswer& answer);

ToolAnswer mtu_answer(const IpAddress& target, const net::PathMtu& path);

// `{"result", "data"}` in at most kToolAnswerBytes: where that is too little, `data` is null and the text cut after a
// line.
std::string tool_document(const ToolAnswer& answer);

}  // namespace moenet::agent
