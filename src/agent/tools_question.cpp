#include "agent/tools_question.h"

#include <algorithm>
#include <iterator>

#include <boost/json.hpp>

#include "model/json_reader.h"
#include "model/session.h"

namespace moenet::agent {
namespace {

using model::JsonReader;

// A host name of 253 bytes (RFC 1123 section 2.1), or a name with a dot at its end, and a port.
constexpr std::size_t kTargetBytesMax = 260;

constexpr std::string_view kToolNames[] = {"ping", "tcping", "trace", "route", "path", "dig", "mtu"};

constexpr std::string_view kWithLink = "a link-local address with an interface of this agent's, as in fe80::1%dn42_1";

// Neither a group nor nowhere: an echo to a group comes back from everybody.
bool is_asked_of_one(const IpAddress& address) { return !address.is_multicast() && !address.is_unspecified(); }

// Notes a fault and gives 0.0.0.0 when it is neither.
Host host_in(const JsonReader& reader, const std::string& text) {
  if (const auto address = IpAddress::parse(text)) {
    if (!is_asked_of_one(*address)) reader.note("target", "a unicast address");
    return *address;
  }
  constexpr std::uint16_t kAny = 1;
  const auto host = HostPort::parse(text, kAny);
  if (host && host->host == text && !host->address()) return HostName{text};
  reader.note("target", "an IP address or a host name");
  return IpAddress();
}

// "fe80::1%dn42_1"
std::optional<ScopedAddress> parse_scoped(std::string_view text) {
  const std::size_t percent = text.find('%');
  const auto address = IpAddress::parse(text.substr(0, percent));
  if (percent == text.npos || !address || !address->is_v6() || !address->is_link_local()) return std::nullopt;
  std::string name(text.substr(percent + 1));
  if (!model::is_interface_name(name)) return std::nullopt;
  return ScopedAddress{*address, std::move(name)};
}

Reached reached_in(const JsonReader& reader, const std::string& text) {
  const auto scoped = parse_scoped(text);
  if (scoped) return *scoped;
  if (text.contains('%')) {
    reader.note("target", std::string(kWithLink));
    return IpAddress();
  }
  const Host host = host_in(reader, text);
  const auto* address = std::get_if<IpAddress>(&host);
  if (address == nullptr) return std::get<HostName>(host);
  if (address->is_v6() && address->is_link_local()) reader.note("target", std::string(kWithLink));
  return *address;
}

// "[fe80::1%dn42_1]:179" as an address with its link, and the port; what it does not look like is left as it is.
std::optional<HostPort> split_scoped(std::string_view text) {
  const std::size_t percent = text.find('%');
  const std::size_t end = text.find("]:", std::min(percent, text.size()));
  if (!text.starts_with('[') || percent == text.npos || end == text.npos) return std::nullopt;
  const auto port = HostPort::parse("[::]" + std::string(text.substr(end + 1)));
  if (!port) return std::nullopt;
  return HostPort{std::string(text.substr(1, end - 1)), port->port};
}

// "host:port", or a host and the field `port`.
TcpingQuestion tcping_in(const JsonReader& reader, const std::string& text) {
  const auto port = static_cast<std::uint16_t>(reader.integer("port", 1, 65'535).value_or(0));
  if (port != 0) return {reached_in(reader, text), port};
  const auto scoped = split_scoped(text);
  const auto both = scoped ? Result<HostPort>(*scoped) : HostPort::parse(text);
  if (!both || both->port == 0) {
    reader.note("target", "HOST:PORT, or port is missing");
    return {};
  }
  return {reached_in(reader, both->host), both->port};
}

RouteQuestion route_in(const JsonReader& reader, const std::string& text) {
  if (text.contains('/')) {
    const auto prefix = IpPrefix::parse(text);
    if (!prefix || prefix->has_host_bits()) {
      reader.note("target", "a network, without bits behind its length");
      return {};
    }
    return {*prefix};
  }
  return {std::visit([](const auto& host) { return decltype(RouteQuestion::target)(host); }, host_in(reader, text))};
}

DigQuestion dig_in(const JsonReader& reader, const std::string& text) {
  DigQuestion question;
  const auto address = IpAddress::parse(text);
  question.name = address ? net::reverse_name(*address) : text;
  question.type = address ? net::DnsType::ptr : net::DnsType::a;
  if (!net::is_dns_name(question.name)) reader.note("target", "a domain name or an IP address");
  constexpr std::size_t kTypeBytesMax = 16;
  if (const auto name = reader.text("type", kTypeBytesMax); name && !name->empty()) {
    const auto type = net::dns_type_from(*name);
    if (!type) reader.note("type", "A, AAAA, MX, NS, PTR, SOA or TXT");
    question.type = type.value_or(question.type);
  }
  if (const auto server = reader.text("server", kTargetBytesMax); server && !server->empty()) {
    const auto parsed = IpAddress::parse(*server);
    if (!parsed || !is_asked_of_one(*parsed)) reader.note("server", "a name server's IP address");
    if (parsed) question.server = *parsed;
  }
  return question;
}

ToolQuestion question_in(Tool tool, const JsonReader& reader, const std::string& target) {
  switch (tool) {
    case Tool::ping: return PingQuestion{reached_in(reader, target)};
    case Tool::tcping: return tcping_in(reader, target);
    case Tool::trace: return TraceQuestion{reached_in(reader, target)};
    case Tool::route: return route_in(reader, target);
    case Tool::path: return PathQuestion{host_in(reader, target)};
    case Tool::dig: return dig_in(reader, target);
    case Tool::mtu: break;
  }
  return MtuQuestion{host_in(reader, target)};
}

}  // namespace

Error no_link_of_ours(std::string_view target) {
  return {Errc::invalid,
          model::JsonFault{"target", model::describe_json(boost::json::value(target)), std::string(kWithLink)}.text()};
}

std::string_view name_of(Tool tool) { return kToolNames[static_cast<std::size_t>(tool)]; }

std::optional<Tool> tool_from(std::string_view name) {
  const auto tool = std::ranges::find_if(kTools, [&](Tool one) { return name_of(one) == name; });
  return tool == std::end(kTools) ? std::nullopt : std::optional(*tool);
}

Result<ToolQuestion> read_tool_question(Tool tool, std::string_view body) {
  TRY(const auto document, model::parse_json(body));
  return tool_question_in(tool, document);
}

Result<ToolQuestion> tool_question_in(Tool tool, const boost::json::value& body) {
  std::vector<model::JsonFault> faults;
  const JsonReader reader(body, faults);
  const auto target = reader.text("target", kTargetBytesMax);
  if (!target && faults.empty()) reader.note("target", "an address or a name");
  if (!faults.empty()) return fail(Errc::invalid, texts_of(faults));
  auto question = question_in(tool, reader, *target);
  if (!faults.empty()) return fail(Errc::invalid, texts_of(faults));
  return question;
}

}  // namespace moenet::agent
