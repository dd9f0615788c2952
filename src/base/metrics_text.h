// Families as Prometheus' text format 0.0.4 (prometheus.io, "Exposition formats"). The library has a serializer too;
// with the streams that it writes through, 1,000 sessions take 50 ms, which is too long on an API's one thread
// (docs/benchmarks.md). A test holds both to the same text. Pure.
#pragma once

#include <prometheus/metric_family.h>
#include <string>

namespace moenet {

// Of a counter, gauge or histogram.
void append_family(std::string& text, const prometheus::MetricFamily& family);

}  // namespace moenet
