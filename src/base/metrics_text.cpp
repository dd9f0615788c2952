#include "base/metrics_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

namespace moenet {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

// Whole numbers below it are exact in a double, and are written without an exponent.
constexpr double kExact = 9'007'199'254'740'992;  // 2^53

void append_number(std::string& text, double value) {
  if (std::isnan(value)) {
    text += "NaN";
  } else if (std::isinf(value)) {
    text += value < 0 ? "-Inf" : "+Inf";
  } else {
    std::array<char, 32> digits;  // of the shortest form that reads as the same: at most 24
    const bool is_whole = std::abs(value) < kExact && value == std::trunc(value);
    const auto end = is_whole
                         ? std::to_chars(digits.data(), digits.data() + digits.size(), static_cast<std::int64_t>(value))
                         : std::to_chars(digits.data(), digits.data() + digits.size(), value);
    text.append(digits.data(), end.ptr);
  }
}

// One pass: nearly no text has anything to escape.
void append_escaped(std::string& text, std::string_view value, bool with_quotes) {
  const auto needs_escape = [with_quotes](char c) { return c == '\\' || c == '\n' || (with_quotes && c == '"'); };
  for (;;) {
    const auto at = std::ranges::find_if(value, needs_escape);
    text.append(value.begin(), at);
    if (at == value.end()) return;
    text += '\\';
    text += *at == '\n' ? 'n' : *at;
    value = {at + 1, value.end()};
  }
}

// `bound`: of a histogram's bucket.
void append_series(std::string& text, std::string_view name, std::string_view suffix,
                   const std::vector<ClientMetric::Label>& labels, double value, const double* bound = nullptr) {
  text.append(name).append(suffix);
  char before = '{';
  for (const auto& label : labels) {
    text += before;
    text.append(label.name).append("=\"");
    append_escaped(text, label.value, true);
    text += '"';
    before = ',';
  }
  if (bound != nullptr) {
    text += before;
    text += "le=\"";
    append_number(text, *bound);
    text += '"';
  }
  if (!labels.empty() || bound != nullptr) text += '}';
  text += ' ';
  append_number(text, value);
  text += '\n';
}

void append_histogram(std::string& text, std::string_view name, const ClientMetric& metric) {
  const auto& histogram = metric.histogram;
  const auto count = static_cast<double>(histogram.sample_count);
  append_series(text, name, "_count", metric.label, count);
  append_series(text, name, "_sum", metric.label, histogram.sample_sum);
  for (const auto& bucket : histogram.bucket) {
    append_series(text, name, "_bucket", metric.label, static_cast<double>(bucket.cumulative_count),
                  &bucket.upper_bound);
  }
  constexpr double kAll = std::numeric_limits<double>::infinity();
  append_series(text, name, "_bucket", metric.label, count, &kAll);
}

}  // namespace

void append_family(std::string& text, const prometheus::MetricFamily& family) {
  const bool is_histogram = family.type == MetricType::Histogram;
  const bool is_counter = family.type == MetricType::Counter;
  text.append("# HELP ").append(family.name).append(" ");
  append_escaped(text, family.help, false);
  text.append("\n# TYPE ").append(family.name);
  text += is_histogram ? " histogram\n" : is_counter ? " counter\n" : " gauge\n";
  for (const ClientMetric& metric : family.metric) {
    if (is_histogram) {
      append_histogram(text, family.name, metric);
    } else {
      append_series(text, family.name, "", metric.label, is_counter ? metric.counter.value : metric.gauge.value);
    }
  }
}

}  // namespace moenet
