// The text of families: line by line what the library itself writes, but for the digits of numbers.
#include "base/metrics_text.h"

#include <limits>
#include <prometheus/text_serializer.h>
#include <sstream>

#include <gtest/gtest.h>

namespace moenet {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric series(std::vector<ClientMetric::Label> labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.gauge.value = metric.counter.value = value;
  return metric;
}

std::vector<MetricFamily> samples() {
  MetricFamily gauge{"a_seconds", "how long it took", MetricType::Gauge, {}};
  gauge.metric.push_back(series({}, 0.0125));
  gauge.metric.push_back(series({{"name", "a\\b\"c\nd"}, {"other", ""}}, -1e-7));
  gauge.metric.push_back(series({{"name", "x"}}, std::numeric_limits<double>::infinity()));
  MetricFamily counter{"b_total", "many", MetricType::Counter, {}};
  counter.metric.push_back(series({}, 123'456'789'012));
  counter.metric.push_back(series({{"name", "large"}}, 1e300));
  MetricFamily histogram{"c_seconds", "how long", MetricType::Histogram, {}};
  ClientMetric durations;
  durations.label = {{"route", "x"}};
  durations.histogram.sample_count = 3;
  durations.histogram.sample_sum = 1.5;
  durations.histogram.bucket = {{1, 0.25}, {2, 1}};
  histogram.metric.push_back(durations);
  return {gauge, counter, histogram};
}

TEST(MetricsText, IsWhatTheLibraryWrites) {
  std::string text;
  for (const MetricFamily& family : samples()) append_family(text, family);
  std::istringstream ours(text);
  std::istringstream theirs(prometheus::TextSerializer().Serialize(samples()));
  std::size_t lines = 0;
  for (std::string one, other; std::getline(ours, one); ++lines) {
    ASSERT_TRUE(std::getline(theirs, other)) << one;
    if (one == other) continue;
    const auto end = one.rfind(' ');
    EXPECT_EQ(one.substr(0, end), other.substr(0, other.rfind(' ')));
    EXPECT_DOUBLE_EQ(std::stod(one.substr(end)), std::stod(other.substr(other.rfind(' '))));
  }
  std::string more;
  EXPECT_FALSE(std::getline(theirs, more)) << more;
  EXPECT_EQ(lines, 16u);
}

}  // namespace
}  // namespace moenet
