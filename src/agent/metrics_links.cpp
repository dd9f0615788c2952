// The series that sessions and the mesh have in common: link, traffic, handshake, echoes.
#include "agent/metrics_parts.h"

namespace moenet::agent::metrics {
namespace {

using Value = std::optional<double>;
using prometheus::MetricType;

template <class T>
struct Column {
  std::string_view name;
  MetricType type;
  std::string_view help;
  Value (*value)(const T&);
};

template <std::uint64_t Traffic::* Field>
Value traffic(const LinkMeasurement& link) {
  return link.traffic ? Value(static_cast<double>((*link.traffic).*Field)) : std::nullopt;
}

template <class T>
Value divided(const std::optional<T>& value, double by) {
  return value ? Value(static_cast<double>(*value) / by) : std::nullopt;
}

Value class_or_none(unsigned number) { return number != 0 ? Value(number) : std::nullopt; }

constexpr Column<LinkMeasurement> kMeasured[] = {
    {"link_up", MetricType::Gauge, "Whether the tunnel's link is there, up and running",
     [](const LinkMeasurement& link) -> Value { return link.has_link && link.is_up ? 1 : 0; }},
    {"mtu_bytes", MetricType::Gauge, "MTU of the tunnel's link",
     [](const LinkMeasurement& link) -> Value { return link.has_link ? Value(link.mtu_bytes) : std::nullopt; }},
    {"handshake_age_seconds", MetricType::Gauge, "Time since WireGuard's last handshake; absent when there was none",
     [](const LinkMeasurement& link) -> Value {
       return link.tunnel && link.tunnel->handshake_age ? Value(link.tunnel->handshake_age->count()) : std::nullopt;
     }},
    {"rx_bytes_total", MetricType::Counter, "Bytes received since the link was made", traffic<&Traffic::rx_bytes>},
    {"tx_bytes_total", MetricType::Counter, "Bytes sent since the link was made", traffic<&Traffic::tx_bytes>},
    {"rx_packets_total", MetricType::Counter, "Packets received since the link was made",
     traffic<&Traffic::rx_packets>},
    {"tx_packets_total", MetricType::Counter, "Packets sent since the link was made", traffic<&Traffic::tx_packets>},
    {"rx_errors_total", MetricType::Counter, "Errors of receiving since the link was made",
     traffic<&Traffic::rx_errors>},
    {"tx_errors_total", MetricType::Counter, "Errors of sending since the link was made", traffic<&Traffic::tx_errors>},
    {"rx_dropped_total", MetricType::Counter, "Received packets dropped since the link was made",
     traffic<&Traffic::rx_dropped>},
    {"tx_dropped_total", MetricType::Counter, "Packets to send dropped since the link was made",
     traffic<&Traffic::tx_dropped>},
};

constexpr Column<LinkQuality> kQuality[] = {
    {"rtt_seconds", MetricType::Gauge, "Round trip to the neighbor, median of the last echoes; absent when none came",
     [](const LinkQuality& quality) { return divided(quality.rtt_ms, 1e3); }},
    {"rtt_smoothed_seconds", MetricType::Gauge, "Round trip to the neighbor, averaged over hours",
     [](const LinkQuality& quality) { return divided(quality.smoothed_rtt_ms, 1e3); }},
    {"rtt_jitter_seconds", MetricType::Gauge, "How far the last echoes' round trips lay apart",
     [](const LinkQuality& quality) { return divided(quality.jitter_ms, 1e3); }},
    {"loss_ratio", MetricType::Gauge, "Part of the last echoes that were lost, 0 to 1",
     [](const LinkQuality& quality) { return divided(quality.loss_percent, 1e2); }},
    {"latency_tier", MetricType::Gauge, "DN42's latency tier that BIRD is told, 1 (best) to 9",
     [](const LinkQuality& quality) { return class_or_none(quality.latency_tier); }},
    {"loss_class", MetricType::Gauge, "DN42's loss class that BIRD is told, 91 (best) to 94",
     [](const LinkQuality& quality) { return class_or_none(quality.loss_class); }},
};

constexpr Column<TunnelPath> kPath[] = {
    {"path_mtu_bytes", MetricType::Gauge, "Largest packet that passes to the tunnel's endpoint; absent while unknown",
     [](const TunnelPath& path) { return divided(path.path_mtu_bytes, 1); }},
};

template <class T, std::size_t N>
void collect(std::string_view prefix, const Column<T> (&columns)[N], const std::vector<LinkRow>& rows,
             const T* LinkRow::* snapshot, const FamilySink& sink) {
  for (const auto& column : columns) {
    Family family(std::string(prefix).append(column.name), column.type, column.help);
    family.reserve(rows.size());
    for (const LinkRow& row : rows) {
      if (row.*snapshot != nullptr) family.add(row.labels, column.value(*(row.*snapshot)));
    }
    std::move(family).send(sink);
  }
}

}  // namespace

void collect_links(std::string_view prefix, const std::vector<LinkRow>& rows, const FamilySink& sink) {
  collect(prefix, kMeasured, rows, &LinkRow::measured, sink);
  collect(prefix, kQuality, rows, &LinkRow::quality, sink);
  collect(prefix, kPath, rows, &LinkRow::path, sink);
}

}  // namespace moenet::agent::metrics
