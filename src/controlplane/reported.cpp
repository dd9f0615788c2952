#include "controlplane/reported.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <string_view>

#include <boost/json.hpp>

#include "model/json_reader.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

constexpr std::int64_t kMostRttUs = 60'000'000;
constexpr std::int64_t kMostRoutes = 100'000'000;
// Unix time in seconds has ten digits until 2286; beyond are milliseconds.
constexpr std::int64_t kFirstMs = 100'000'000'000;
constexpr std::size_t kMostMeasurements = 20'000;

const json::object* object_in(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}

// A number from 0 to `most`, rounded; kUnknown for anything else.
std::int64_t amount(const json::object& object, std::string_view key, double scale, std::int64_t most) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_number()) return kUnknown;
  if (value->is_int64() && scale == 1) {
    return value->get_int64() < 0 ? kUnknown : std::min(value->get_int64(), most);
  }
  const double scaled = value->to_number<double>() * scale;
  if (!(scaled >= 0)) return kUnknown;
  return scaled >= static_cast<double>(most) ? most : std::llround(scaled);
}

std::int64_t rtt_us(const json::object& object, std::string_view key) { return amount(object, key, 1'000, kMostRttUs); }
std::int64_t loss_permille(const json::object& object) { return amount(object, "loss", 10, 1'000); }

// The node could not ask BIRD: it does not know.
std::int64_t up_of(const json::object& session) {
  const json::value* state = session.if_contains("state");
  if (state == nullptr || !state->is_string() || state->get_string() == "Unknown") return kUnknown;
  return state->get_string() == "Established" ? 1 : 0;
}

}  // namespace

UnixSeconds measured_at(const json::object& body, UnixSeconds arrival) {
  const json::value* value = body.if_contains("timestamp");
  const auto told = value == nullptr ? std::nullopt : model::integer_in(*value);
  if (!told) return arrival;
  return *told >= kFirstMs ? *told / 1'000 : *told;
}

Reading reading_of_session(const json::object& session, UnixSeconds at) {
  Reading reading;
  reading.at = at;
  reading.up = up_of(session);
  reading.routes_in = amount(session, "routes_imported", 1, kMostRoutes);
  reading.routes_out = amount(session, "routes_exported", 1, kMostRoutes);
  const json::object* wireguard = object_in(session, "wireguard");
  if (const json::object* tunnel = wireguard != nullptr ? wireguard : object_in(session, "gre")) {
    reading.rx_bytes = amount(*tunnel, "rx", 1, kMostValue);
    reading.tx_bytes = amount(*tunnel, "tx", 1, kMostValue);
  }
  if (const json::object* rtt = object_in(session, "rtt")) {
    reading.rtt_us = rtt_us(*rtt, "ms");
    reading.loss_permille = loss_permille(*rtt);
  }
  return reading;
}

std::vector<MeasuredTarget> measured_targets(const json::object& body, UnixSeconds at) {
  std::vector<MeasuredTarget> targets;
  const json::value* list = body.if_contains("measurements");
  if (list == nullptr || !list->is_array()) return targets;
  for (const json::value& item : list->get_array()) {
    const json::object* measured = item.if_object();
    const json::value* text = measured == nullptr ? nullptr : measured->if_contains("target");
    if (text == nullptr || !text->is_string() || targets.size() >= kMostMeasurements) continue;
    const auto target = IpAddress::parse({text->get_string().data(), text->get_string().size()});
    if (!target) continue;
    Reading reading;
    reading.at = at;
    reading.rtt_us = rtt_us(*measured, "rtt_ms");
    reading.loss_permille = loss_permille(*measured);
    targets.push_back({*target, reading});
  }
  return targets;
}

std::vector<SeriesReading> readings_of_targets(const std::vector<MeasuredTarget>& targets,
                                               const std::vector<StoredSession>& sessions) {
  std::map<IpAddress, std::string> holders;  // "" = several
  for (const StoredSession& row : sessions) {
    for (const std::string* text : {&row.ipv4, &row.ipv6, &row.ipv6_link_local}) {
      const auto prefix = IpPrefix::parse(*text);
      if (!prefix) continue;
      const auto [holder, is_new] = holders.emplace(prefix->address, row.uuid);
      if (!is_new && holder->second != row.uuid) holder->second.clear();
    }
  }
  std::vector<SeriesReading> readings;
  for (const MeasuredTarget& measured : targets) {
    const auto holder = holders.find(measured.target);
    if (holder != holders.end() && !holder->second.empty()) readings.push_back({holder->second, 0, measured.reading});
  }
  return readings;
}

std::vector<SeriesReading> readings_of_mesh(const json::object& body, UnixSeconds at) {
  std::vector<SeriesReading> readings;
  const json::object* links = object_in(body, "links");
  for (NodeId id = 1; links != nullptr && id <= kMaxNodeId; ++id) {
    const json::object* link = object_in(*links, std::to_string(id));
    if (link == nullptr) continue;
    Reading reading;
    reading.at = at;
    const json::value* babel = link->if_contains("babel");
    if (babel != nullptr && babel->is_bool()) reading.up = babel->get_bool() ? 1 : 0;
    reading.rtt_us = rtt_us(*link, "rtt");
    readings.push_back({"", id, reading});
  }
  return readings;
}

}  // namespace moenet::controlplane
