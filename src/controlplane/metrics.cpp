#include "controlplane/metrics.h"

#include <algorithm>
#include <prometheus/metric_family.h>

#include "base/metrics_text.h"

namespace moenet::controlplane {

namespace {

using prometheus::MetricType;
using Labels = std::vector<prometheus::ClientMetric::Label>;

// An agent's heartbeats are 30 s apart: this one has missed three.
constexpr UnixMs kSilentAfter = 90'000;

// A family under construction, which is written when it ends.
class Family {
 public:
  Family(std::string& text, std::string name, MetricType type, std::string help)
      : text_(text), family_{std::move(name), std::move(help), type, {}} {}
  ~Family() {
    if (!family_.metric.empty()) append_family(text_, family_);
  }
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;

  Family& add(Labels labels, double value) {
    auto& metric = family_.metric.emplace_back();
    metric.label = std::move(labels);
    metric.gauge.value = metric.counter.value = value;
    return *this;
  }
  Family& add(Labels labels, const RequestCounts::Durations& durations) {
    auto& metric = family_.metric.emplace_back();
    metric.label = std::move(labels);
    metric.histogram.sample_count = durations.count;
    metric.histogram.sample_sum = durations.sum_seconds;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < durations.buckets.size(); ++i) {
      below += durations.buckets[i];
      metric.histogram.bucket.push_back({below, RequestCounts::kBounds[i]});
    }
    return *this;
  }

 private:
  std::string& text_;
  prometheus::MetricFamily family_;
};

double number(std::uint64_t value) { return static_cast<double>(value); }

std::string lower_name(model::SessionStatus status) {
  std::string name(model::name_of(status));
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

class Writer {
 public:
  explicit Writer(const MetricsSource& source) : source_(source) {}

  std::string write() {
    gauge("moenet_controlplane_build_info", "1, of this version").add({{"version", std::string(source_.version)}}, 1);
    write_network();
    write_requests();
    write_database();
    write_webhooks();
    write_queries();
    return std::move(text_);
  }

 private:
  Family gauge(std::string name, std::string help) {
    return {text_, std::move(name), MetricType::Gauge, std::move(help)};
  }
  Family counter(std::string name, std::string help) {
    return {text_, std::move(name), MetricType::Counter, std::move(help)};
  }

  void write_network();
  void write_requests();
  void write_database();
  void write_webhooks();
  void write_queries();

  const MetricsSource& source_;
  std::string text_;
};

void Writer::write_network() {
  if (source_.nodes) {
    const UnixMs now = std::chrono::duration_cast<std::chrono::milliseconds>(source_.now.time_since_epoch()).count();
    std::map<std::string, double> states{{"seen", 0}, {"silent", 0}, {"never", 0}};
    Family age = gauge("moenet_controlplane_node_last_seen_age_seconds", "Since the node's last heartbeat");
    for (const Node& node : *source_.nodes) {
      ++states[node.last_seen == 0 ? "never" : now - node.last_seen <= kSilentAfter ? "seen" : "silent"];
      if (node.last_seen != 0) age.add({{"node", node.name}}, static_cast<double>(now - node.last_seen) / 1'000);
    }
    Family nodes = gauge("moenet_controlplane_nodes", "Nodes, by whether they were heard of within 90 s");
    for (const auto& [state, count] : states) nodes.add({{"state", state}}, count);
  }
  if (source_.sessions) {
    Family sessions = gauge("moenet_controlplane_sessions", "Sessions, by status");
    for (std::int64_t i = 0; const auto status = model::session_status_from_int(i); ++i) {
      const auto count = source_.sessions->find(*status);
      if (*status == model::SessionStatus::deleted) continue;  // such rows are gone
      sessions.add({{"status", lower_name(*status)}},
                   count == source_.sessions->end() ? 0 : static_cast<double>(count->second));
    }
  }
}

void Writer::write_requests() {
  {
    Family answers = counter("moenet_controlplane_requests_total", "Answers, by kind of path and HTTP status");
    for (const auto& [key, count] : source_.requests.answers) {
      answers.add({{"route", std::string(key.first)}, {"code", std::to_string(key.second)}}, number(count));
    }
  }
  {
    Family durations(text_, "moenet_controlplane_request_duration_seconds", MetricType::Histogram,
                     "Until there was an answer, or a read began to wait");
    for (const auto& [route, taken] : source_.requests.durations) durations.add({{"route", std::string(route)}}, taken);
  }
  gauge("moenet_controlplane_waiting_reads", "Reads that wait for a change").add({}, number(source_.waiting_reads));
  gauge("moenet_controlplane_queued_requests", "Requests that wait for a worker").add({}, number(source_.queue.jobs));
  gauge("moenet_controlplane_queued_bytes", "Of their bodies").add({}, number(source_.queue.bytes));
}

void Writer::write_database() {
  gauge("moenet_controlplane_database_up", "Whether the database answered this scrape")
      .add({}, source_.nodes && source_.sessions && source_.waiting_deliveries ? 1 : 0);
  counter("moenet_controlplane_database_transactions_total", "Transactions that read, and those that wrote")
      .add({{"kind", "read"}}, number(source_.store.reads))
      .add({{"kind", "write"}}, number(source_.store.writes));
  counter("moenet_controlplane_database_errors_total", "Calls that the database failed")
      .add({}, number(source_.store.errors));
  counter("moenet_controlplane_database_retries_total", "Calls that were repeated on a new connection")
      .add({}, number(source_.store.reconnects));
  counter("moenet_controlplane_database_notifications_total", "Changes told by other control planes")
      .add({}, number(source_.store.notifications));
  counter("moenet_controlplane_readings_total", "Readings of sessions and links that came, by whether they were taken")
      .add({{"outcome", "taken"}}, number(source_.store.readings_taken))
      .add({{"outcome", "ignored"}}, number(source_.store.readings_ignored));
}

void Writer::write_webhooks() {
  counter("moenet_controlplane_webhook_deliveries_total", "Attempts that went well or failed, and deliveries given up")
      .add({{"outcome", "delivered"}}, number(source_.webhooks.delivered))
      .add({{"outcome", "failed"}}, number(source_.webhooks.failed))
      .add({{"outcome", "given_up"}}, number(source_.webhooks.given_up))
      .add({{"outcome", "dropped"}}, number(source_.store.deliveries_dropped));
  if (source_.waiting_deliveries) {
    gauge("moenet_controlplane_webhook_waiting_deliveries", "Deliveries that wait for their webhook")
        .add({}, static_cast<double>(*source_.waiting_deliveries));
  }
}

void Writer::write_queries() {
  {
    Family queries =
        counter("moenet_controlplane_queries_total", "What became of queries to nodes that were asked here");
    for (const auto& [outcome, count] : source_.queries.outcomes)
      queries.add({{"outcome", std::string(name_of(outcome))}}, number(count));
  }
  gauge("moenet_controlplane_open_queries",
        "Queries that a node has not answered yet, here or at another control plane")
      .add({}, number(source_.queries.open));
  gauge("moenet_controlplane_waiting_query_reads", "Agents that wait here for queries")
      .add({}, number(source_.queries.waiting_reads));
}

}  // namespace

std::string metrics_text(const MetricsSource& source) { return Writer(source).write(); }

}  // namespace moenet::controlplane
