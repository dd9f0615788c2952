#include "agent/link_memory.h"

#include <boost/json.hpp>

#include "model/json_reader.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;

// Twice what a node was ever measured with.
constexpr std::size_t kMostLinks = 20'000;
constexpr std::size_t kOwnerBytes = 64;                // "session/" and a uuid are 44
constexpr std::int64_t kLastSecond = 253'402'300'799;  // 9999-12-31T23:59:59Z: what comes later is no time

std::int64_t unix_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

json::object json_of(const model::Owner& owner, const KnownLink& link) {
  const model::SmoothedQuality& quality = link.quality;
  return {{"owner", owner},
          {"target", link.target.text()},
          {"bursts", quality.bursts},
          {"rtt_ms", quality.rtt_ms},
          {"loss_percent", quality.loss_percent},
          {"latency_tier", quality.latency_tier},
          {"loss_class", quality.loss_class},
          {"answered", unix_seconds(quality.answered)},
          {"changed", unix_seconds(quality.changed)}};
}

double number_in(const model::JsonReader& reader, std::string_view key) {
  const json::value* value = reader.find(key);
  boost::system::error_code error;
  const double number = value != nullptr && value->is_number() ? value->to_number<double>(error) : -1;
  if (number < 0 || error) reader.note(key, "a number, 0 or more");
  return number;
}

WallTime time_in(const model::JsonReader& reader, std::string_view key) {
  return WallTime{std::chrono::seconds(reader.required_integer(key, 0, kLastSecond).value_or(0))};
}

void read_link(const model::JsonReader& row, KnownLinks& links) {
  const auto owner = row.text("owner", kOwnerBytes);
  const auto target = row.text("target", kOwnerBytes);
  const auto address = target ? IpAddress::parse(*target) : fail(Errc::invalid, "");
  if (!owner || !is_link(*owner) || links.contains(*owner)) row.note("owner", "a link that is listed once");
  if (!address) row.note("target", "an IP address");
  KnownLink link;
  model::SmoothedQuality& quality = link.quality;
  quality.bursts = static_cast<std::uint32_t>(row.required_integer("bursts", 1, UINT32_MAX).value_or(0));
  quality.rtt_ms = number_in(row, "rtt_ms");
  quality.loss_percent = number_in(row, "loss_percent");
  quality.latency_tier = static_cast<unsigned>(row.required_integer("latency_tier", 0, 9).value_or(0));
  quality.loss_class = static_cast<unsigned>(row.required_integer("loss_class", 0, 94).value_or(0));
  quality.answered = time_in(row, "answered");
  quality.changed = time_in(row, "changed");
  if (!is_possible(quality)) row.note("rtt_ms", "a link as it can be");
  if (!owner || !address) return;
  link.target = *address;
  links.emplace(model::Owner(*owner), link);
}

}  // namespace

bool is_link(std::string_view owner) {
  return !model::session_of(owner).empty() || model::mesh_node_of(owner).has_value();
}

std::string write_links(const KnownLinks& links) {
  json::array rows;
  for (const auto& [owner, link] : links) {
    if (link.quality.bursts > 0) rows.push_back(json_of(owner, link));
  }
  return json::serialize(json::object{{"links", std::move(rows)}});
}

Result<KnownLinks> read_links(std::string_view text) {
  TRY(const json::value value, model::parse_json(text));
  std::vector<model::JsonFault> faults;
  const model::JsonReader root(value, faults);
  const json::value* list = root.find("links");
  if (list == nullptr || !list->is_array() || list->get_array().size() > kMostLinks)
    return fail(Errc::invalid, "links: expected a list of at most 20000");
  KnownLinks links;
  for (const json::value& row : list->get_array()) {
    read_link(model::JsonReader(row, faults, "links"), links);
    if (!faults.empty()) return fail(Errc::invalid, model::texts_of(faults));
  }
  return links;
}

LinkQuality quality_of(const model::Owner& owner, const KnownLink& known) {
  LinkQuality quality;
  quality.owner = owner;
  quality.target = known.target;
  if (known.quality.bursts > 0) quality.smoothed_rtt_ms = known.quality.rtt_ms;
  quality.latency_tier = known.quality.latency_tier;
  quality.loss_class = known.quality.loss_class;
  quality.measured = known.quality.answered;
  return quality;
}

}  // namespace moenet::agent
