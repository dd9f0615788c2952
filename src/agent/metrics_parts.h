// The parts that metrics.cpp puts together; nobody else's.
#pragma once

#include <optional>
#include <prometheus/client_metric.h>
#include <string>
#include <string_view>
#include <vector>

#include "agent/metrics.h"

namespace moenet::agent::metrics {

using Labels = std::vector<prometheus::ClientMetric::Label>;

// A family under construction; what is left empty never reaches the sink.
class Family {
 public:
  Family(std::string name, prometheus::MetricType type, std::string_view help);
  // Room for so many series: they are large, and moving them is a third of a scrape.
  Family& reserve(std::size_t series);
  // An absent value is no series.
  Family& add(Labels labels, std::optional<double> value);
  Family& add(Labels labels, const Durations& durations);
  void send(const FamilySink& sink) &&;

 private:
  prometheus::MetricFamily family_;
};

inline Family gauge(std::string name, std::string_view help) {
  return {std::move(name), prometheus::MetricType::Gauge, help};
}
inline Family counter(std::string name, std::string_view help) {
  return {std::move(name), prometheus::MetricType::Counter, help};
}

inline Family histogram(std::string name, std::string_view help) {
  return {std::move(name), prometheus::MetricType::Histogram, help};
}

// A family of one series without labels.
void send_one(Family&& family, std::optional<double> value, const FamilySink& sink);

double unix_seconds(WallTime time);
std::optional<double> unix_seconds(const std::optional<WallTime>& time);

void collect_agent(const MetricsSource& source, const FamilySink& sink);     // the program and its tasks
void collect_node(const MetricsSource& source, const FamilySink& sink);      // BIRD, maintenance, kernel
void collect_sessions(const MetricsSource& source, const FamilySink& sink);  // with other networks
void collect_mesh(const MetricsSource& source, const FamilySink& sink);      // with nodes of our own

// A tunnel as it was measured, with the labels that all of its series have.
struct LinkRow {
  Labels labels;
  const LinkMeasurement* measured = nullptr;
  const LinkQuality* quality = nullptr;
  const TunnelPath* path = nullptr;
};
// `prefix`: "moenet_session_" or "moenet_mesh_".
void collect_links(std::string_view prefix, const std::vector<LinkRow>& rows, const FamilySink& sink);

// What a sorted list of snapshots holds of `owner`; null when it holds nothing, or is none.
const LinkMeasurement* measured_of(const MetricsSource& source, const model::Owner& owner);
const LinkQuality* quality_of(const MetricsSource& source, const model::Owner& owner);
const TunnelPath* path_of(const MetricsSource& source, const model::Owner& owner);

}  // namespace moenet::agent::metrics
