// What the reports of nodes cost the control plane: a node of 100 sessions each minute, from the body as sent to the
// commit, its series kept as far as tests/controlplane/sql_samples_test.cpp keeps them. On SQLite the disk is real; of
// PostgreSQL only our side of the connection is CPU of this thread.
#include <algorithm>
#include <ctime>

#include <benchmark/benchmark.h>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "controlplane/agent_api.h"
#include "controlplane/test_databases.h"

namespace moenet::controlplane {
namespace {

constexpr int kNodes = 20;
constexpr int kSessions = 100;
constexpr std::int64_t kStart = 1'700'006'400;

double process_cpu() {
  timespec spent{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return static_cast<double>(spent.tv_sec) + static_cast<double>(spent.tv_nsec) / 1e9;
}

std::string name_of_node(int node) { return fmt::format("node{}", node); }

std::string report_of(const std::vector<StoredSession>& rows, std::int64_t at) {
  boost::json::array sessions;
  for (const StoredSession& row : rows) {
    const std::int64_t age = at - kStart;
    sessions.push_back(boost::json::object{{"name", fmt::format("dn42_{}", row.asn)},
                                           {"type", "bgp"},
                                           {"state", "Established"},
                                           {"info", ""},
                                           {"since", "2026-01-01T00:00:00Z"},
                                           {"routes_imported", 900 + age % 50},
                                           {"routes_exported", 1'100},
                                           {"uuid", row.uuid},
                                           {"asn", row.asn},
                                           {"mtu", 1'420},
                                           {"wireguard", {{"handshake_age", 42}, {"rx", age * 99'000}, {"tx", age}}},
                                           {"rtt", {{"ms", 41.25}, {"loss", 0.5}, {"tier", 3}}}});
  }
  return boost::json::serialize(boost::json::object{{"node_id", "x"}, {"timestamp", at}, {"sessions", sessions}});
}

void reports(benchmark::State& state, const testing::DatabaseKind& kind) {
  const auto database = kind.make();
  const auto store = database->open();
  std::vector<std::vector<StoredSession>> sessions(kNodes);
  for (int node = 0; node < kNodes; ++node) {
    const auto id =
        testing::must(store->add_node(testing::kTester, testing::node_of(0, name_of_node(node), 101, false, "1G"),
                                      hash_of_token(name_of_node(node))))
            .id;
    for (int i = 0; i < kSessions; ++i) {
      StoredSession row;
      row.uuid = make_uuid();
      row.node = id;
      row.asn = static_cast<model::Asn>(1 + i);
      row.interface_name = fmt::format("dn42-{}", i);
      sessions[static_cast<std::size_t>(node)].push_back(testing::must(store->add_session(testing::kTester, row)));
    }
  }
  std::int64_t now = kStart;
  Access access(*store, {Secret("admin"), Secret("shared")});
  const AgentApi api(*store, access, [&] { return WallTime(std::chrono::seconds(now)); });
  http::Request request;
  request.method = "POST";
  request.headers.set("Authorization", "Bearer shared");
  double spent = 0;
  int turn = 0;
  for (auto _ : state) {
    const int node = turn % kNodes;
    now = kStart + turn++ / kNodes * 60;
    request.body = report_of(sessions[static_cast<std::size_t>(node)], now);
    const double begun = process_cpu();
    const auto began = steady_now();
    const auto answer = api.act(request, name_of_node(node), "report");
    state.SetIterationTime(std::chrono::duration<double>(steady_now() - began).count());
    spent += process_cpu() - begun;
    if (answer.response.status != 200) state.SkipWithError("refused");
  }
  const double each = spent / static_cast<double>(state.iterations());
  state.counters["cpu_ms"] = each * 1e3;
  state.counters["cores_of_1000_nodes"] = each * 1'000 / 60;
}

}  // namespace
}  // namespace moenet::controlplane

int main(int argc, char** argv) {
  for (const auto& kind : moenet::controlplane::testing::database_kinds()) {
    benchmark::RegisterBenchmark(kind.name, moenet::controlplane::reports, kind)
        ->UseManualTime()
        ->Iterations(600)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
