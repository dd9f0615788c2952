#include "net/nftables_listing.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace moenet::net {

namespace {

namespace json = boost::json;

// All 65,535 ports and 10,000 names are 0.7 MB; the chains of a Kubernetes node with 10,000 services are 10 MB.
constexpr std::size_t kListingBytesMax = 64u << 20;
constexpr std::size_t kDepthMax = 32;  // a rule of ours has 12

// Objects with their keys sorted, so that equal content is equal text whatever the order it came in.
// The depth is the parser's, at most kDepthMax.
json::value canonical(const json::value& value) {
  if (const auto* array = value.if_array()) {
    json::array sorted;
    for (const auto& item : *array) sorted.push_back(canonical(item));
    return sorted;
  }
  const auto* object = value.if_object();
  if (object == nullptr) return value;
  std::vector<std::string_view> keys;
  for (const auto& member : *object) keys.push_back(member.key());
  std::ranges::sort(keys);
  json::object sorted;
  for (const auto key : keys) sorted[key] = canonical(object->at(key));
  return sorted;
}

std::string_view text_at(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

// Lines of a frame. Rules keep their order within their chain: it is part of what they mean; of nothing else is.
class FrameLines {
 public:
  void add(std::string_view kind, json::object body) {
    body.erase("handle");
    lines_.emplace_back(fmt::format("{} {}", kind, text_at(body, kind == "rule" ? "chain" : "name")),
                        json::serialize(canonical(body)));
  }
  std::string text() && {
    std::ranges::stable_sort(lines_, {}, &Line::first);
    std::string text;
    for (const auto& [key, line] : lines_) text += fmt::format("{} {}\n", key, line);
    return text;
  }

 private:
  using Line = std::pair<std::string, std::string>;
  std::vector<Line> lines_;
};

std::optional<std::vector<std::uint16_t>> ports_in(const json::array& elements) {
  std::vector<std::uint16_t> ports;
  for (const auto& element : elements) {
    const auto* number = element.if_int64();
    if (number == nullptr || *number < 1 || *number > 65535) return std::nullopt;
    ports.push_back(static_cast<std::uint16_t>(*number));
  }
  return ports;
}

std::optional<std::vector<std::string>> names_in(const json::array& elements) {
  std::vector<std::string> names;
  for (const auto& element : elements) {
    const auto* name = element.if_string();
    if (name == nullptr || !is_interface_name(*name)) return std::nullopt;
    names.emplace_back(*name);
  }
  return names;
}

std::optional<std::vector<IpAddress>> addresses_in(const json::array& elements, IpFamily family) {
  std::vector<IpAddress> addresses;
  for (const auto& element : elements) {
    const auto* text = element.if_string();
    const auto address = text == nullptr ? fail(Errc::invalid, "no text") : IpAddress::parse(*text);
    if (!address || address->family() != family) return std::nullopt;
    addresses.push_back(*address);
  }
  return addresses;
}

template <class T>
void sort_unique(std::vector<T>& values) {
  std::ranges::sort(values);
  const auto rest = std::ranges::unique(values);
  values.erase(rest.begin(), rest.end());
}

template <class T>
bool take(std::optional<std::vector<T>> found, std::vector<T>& values) {
  if (!found) return false;
  values.insert(values.end(), found->begin(), found->end());
  sort_unique(values);
  return true;
}

// Takes the elements out of one of our sets, when all are such as we write them.
void take_elements(json::object& set, FirewallRules& rules) {
  const auto* elem = set.if_contains("elem");
  const auto* elements = elem == nullptr ? nullptr : elem->if_array();
  if (elements == nullptr) return;
  const std::string_view name = text_at(set, "name");
  const bool is_taken = name == kPortSet     ? take(ports_in(*elements), rules.udp_ports)
                        : name == kTunnelSet ? take(names_in(*elements), rules.tunnel_interfaces)
                        : name == kGreSet    ? take(addresses_in(*elements, IpFamily::v4), rules.gre_peers)
                        : name == kIp6GreSet ? take(addresses_in(*elements, IpFamily::v6), rules.gre_peers)
                                             : false;
  if (is_taken) set.erase("elem");
}

// The list under "nftables".
Result<json::array> parse_listing(std::string_view text) {
  if (text.size() > kListingBytesMax) return fail(Errc::invalid, fmt::format("a listing of {} bytes", text.size()));
  json::parse_options options;
  options.max_depth = kDepthMax;
  options.allow_invalid_utf8 = true;  // comments of others are any bytes
  boost::system::error_code error;
  json::value value = json::parse(text, error, {}, options);
  if (error) return fail(Errc::invalid, fmt::format("nftables' listing is no JSON: {}", error.message()));
  auto* object = value.if_object();
  auto* list = object == nullptr ? nullptr : object->if_contains("nftables");
  if (list == nullptr || !list->is_array()) return fail(Errc::invalid, "nftables' listing holds no list");
  return std::move(list->get_array());
}

// The kind and body of an entry {"KIND": {…}}; nothing when it is something else.
std::optional<std::pair<std::string, json::object>> entry_of(json::value& value) {
  auto* object = value.if_object();
  if (object == nullptr || object->size() != 1 || !object->begin()->value().is_object()) return std::nullopt;
  return std::pair(std::string(object->begin()->key()), std::move(object->begin()->value().get_object()));
}

}  // namespace

Result<TableListing> decode_table(std::string_view listing) {
  TRY(json::array list, parse_listing(listing));
  TableListing result;
  FrameLines frame;
  for (auto& value : list) {
    auto entry = entry_of(value);
    if (!entry) return fail(Errc::invalid, "nftables' listing holds what is no object");
    auto& [kind, body] = *entry;
    if (kind == "metainfo") continue;
    if (kind == "set") take_elements(body, result.rules);
    frame.add(kind, std::move(body));
  }
  result.frame = std::move(frame).text();
  return result;
}

std::string firewall_frame() { return decode_table(encode_listing({})).value().frame; }

Result<std::vector<HostileChain>> decode_hostile_chains(std::string_view listing) {
  TRY(json::array list, parse_listing(listing));
  std::vector<HostileChain> chains;
  for (auto& value : list) {
    const auto entry = entry_of(value);
    if (!entry || entry->first != "chain") continue;
    const json::object& body = entry->second;
    const std::string_view family = text_at(body, "family"), hook = text_at(body, "hook");
    const bool is_ours = family == "inet" && text_at(body, "table") == kFirewallTable;
    if (is_ours || (family != "inet" && family != "ip" && family != "ip6")) continue;
    if ((hook != "input" && hook != "forward") || text_at(body, "policy") != "drop") continue;
    const auto* priority = body.if_contains("prio");
    const auto* number = priority == nullptr ? nullptr : priority->if_int64();
    chains.push_back({std::string(family), std::string(text_at(body, "table")), std::string(text_at(body, "name")),
                      std::string(hook), number == nullptr ? 0 : static_cast<int>(*number)});
  }
  return chains;
}

}  // namespace moenet::net
