// What `show protocols all` of 5,000 peers costs: cut from the control socket's bytes and read. Budget: 60 ms together.
// The reply is a real one of BIRD 3.1.8, whose Established session is repeated.
#include <fstream>
#include <sstream>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "base/thread_cpu.h"
#include "bird/protocol_detail.h"

namespace moenet::bird {
namespace {

constexpr int kPeers = 5'000;
constexpr std::size_t kReadBytes = 64 * 1024;  // of BirdClient
constexpr double kBudgetMs = 60;

std::string text_of_5000_peers() {
  std::ifstream file(MOENET_SOURCE_DIR "/tests/bird/fixtures/bird-3.1.8/faults.txt");
  std::ostringstream whole;
  whole << file.rdbuf();
  const std::string text = whole.str();
  const std::size_t begin = text.find("1002-dn42_up");
  const std::size_t end = text.find("1002-dn42_second");
  if (begin == text.npos || end == text.npos) return "";
  std::string reply = text.substr(0, text.find('\n') + 1);
  for (int n = 0; n < kPeers; ++n) {
    std::string peer = text.substr(begin, end - begin);
    peer.replace(5, 7, "dn42_424242" + std::to_string(1000 + n));
    reply += peer;
  }
  return reply + "0000 \n";
}

std::optional<Reply> cut(const std::string& bytes) {
  ReplyReader reader;
  for (std::size_t at = 0; at < bytes.size(); at += kReadBytes) {
    if (!reader.feed(std::string_view(bytes).substr(at, kReadBytes))) return std::nullopt;
  }
  return reader.next();
}

void cut_reply(benchmark::State& state) {
  const std::string bytes = text_of_5000_peers();
  for (auto _ : state) benchmark::DoNotOptimize(cut(bytes));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(cut_reply)->Unit(benchmark::kMillisecond);

void read_details(benchmark::State& state) {
  const auto reply = cut(text_of_5000_peers());
  for (auto _ : state) {
    const auto details = parse_protocol_details(*reply);
    if (!details || details->size() != kPeers) state.SkipWithError("not all peers were read");
  }
}
BENCHMARK(read_details)->Unit(benchmark::kMillisecond);

double whole_milliseconds = 0;  // a mean, of this thread's CPU

void cut_and_read(benchmark::State& state) {
  const std::string bytes = text_of_5000_peers();
  const auto begun = thread_cpu();
  for (auto _ : state) {
    const auto details = parse_protocol_details(*cut(bytes));
    if (!details || details->size() != kPeers) state.SkipWithError("not all peers were read");
  }
  const std::chrono::duration<double, std::milli> spent = thread_cpu() - begun;
  whole_milliseconds = spent.count() / static_cast<double>(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
}
BENCHMARK(cut_and_read)->Unit(benchmark::kMillisecond);

bool judge() {
  const bool is_within = whole_milliseconds < kBudgetMs;
  fmt::print("\n{} peers cut and read: {:.1f} ms of CPU (budget {}): {}\n", kPeers, whole_milliseconds, kBudgetMs,
             is_within ? "pass" : "FAIL");
  return is_within;
}

}  // namespace
}  // namespace moenet::bird

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return moenet::bird::judge() ? EXIT_SUCCESS : EXIT_FAILURE;
}
