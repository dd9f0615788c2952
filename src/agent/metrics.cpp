#include "agent/metrics.h"

#include <algorithm>
#include <prometheus/text_serializer.h>

#include "agent/metrics_parts.h"
#include "base/metrics_text.h"

namespace moenet::agent {
namespace metrics {

Family::Family(std::string name, prometheus::MetricType type, std::string_view help) {
  family_.name = std::move(name);
  family_.type = type;
  family_.help = help;
}

Family& Family::reserve(std::size_t series) {
  family_.metric.reserve(series);
  return *this;
}

Family& Family::add(Labels labels, std::optional<double> value) {
  if (!value) return *this;
  auto& metric = family_.metric.emplace_back();
  metric.label = std::move(labels);
  (family_.type == prometheus::MetricType::Counter ? metric.counter.value : metric.gauge.value) = *value;
  return *this;
}

Family& Family::add(Labels labels, const Durations& durations) {
  if (durations.count() == 0) return *this;
  auto& metric = family_.metric.emplace_back();
  metric.label = std::move(labels);
  metric.histogram.sample_count = durations.count();
  metric.histogram.sample_sum = durations.sum_seconds;
  for (std::size_t i = 0; i < Durations::kBounds.size(); ++i)
    metric.histogram.bucket.push_back({durations.at_most[i], Durations::kBounds[i]});
  return *this;
}

void Family::send(const FamilySink& sink) && {
  if (!family_.metric.empty()) sink(std::move(family_));
}

void send_one(Family&& family, std::optional<double> value, const FamilySink& sink) {
  family.add({}, value);
  std::move(family).send(sink);
}

double unix_seconds(WallTime time) { return std::chrono::duration<double>(time.time_since_epoch()).count(); }
std::optional<double> unix_seconds(const std::optional<WallTime>& time) {
  return time ? std::optional(unix_seconds(*time)) : std::nullopt;
}

namespace {

template <class T>
const T* find_owner(const std::vector<T>& sorted, const model::Owner& owner) {
  const auto at = std::ranges::lower_bound(sorted, owner, {}, &T::owner);
  return at != sorted.end() && at->owner == owner ? &*at : nullptr;
}

}  // namespace

const LinkMeasurement* measured_of(const MetricsSource& source, const model::Owner& owner) {
  return source.measurement != nullptr ? find_owner(source.measurement->links, owner) : nullptr;
}

const LinkQuality* quality_of(const MetricsSource& source, const model::Owner& owner) {
  return source.qualities != nullptr ? find_owner(*source.qualities, owner) : nullptr;
}

const TunnelPath* path_of(const MetricsSource& source, const model::Owner& owner) {
  return source.paths != nullptr ? find_owner(*source.paths, owner) : nullptr;
}

}  // namespace metrics

void collect_metrics(const MetricsSource& source, const FamilySink& sink) {
  metrics::collect_agent(source, sink);
  metrics::collect_node(source, sink);
  metrics::collect_sessions(source, sink);
  metrics::collect_mesh(source, sink);
}

std::string metrics_text(const MetricsSource& source) {
  // Growing it by doubling would copy it all once more.
  constexpr std::size_t kOfNode = 16u << 10, kOfSession = 4'096;  // bytes; measured: 10 kB, and 4 kB for each session
  std::string text;
  text.reserve(kOfNode + (source.report != nullptr ? source.report->sessions->size() * kOfSession : 0));
  collect_metrics(source, [&](prometheus::MetricFamily&& family) { append_family(text, family); });
  return text;
}

}  // namespace moenet::agent
