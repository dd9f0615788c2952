// The queries of a control plane, from bytes to questions: no crash, no more than is taken, and nothing that the node
// does not offer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/query_list.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet::agent;
  static const LookingGlassSettings kSettings;
  const auto queries = read_queries({reinterpret_cast<const char*>(bytes), size}, kSettings);
  if (!queries) return 0;
  if (queries->size() > kMostQueries) std::abort();
  for (const Query& query : *queries) {
    if (query.id.empty() || query.id.find_first_of("/%?#. \r\n") != query.id.npos) std::abort();
    if (query.left < std::chrono::seconds(0) || query.left > std::chrono::seconds(60)) std::abort();
    if (!query.question) continue;
    const bool is_offered = std::holds_alternative<PingQuestion>(*query.question) ||
                            std::holds_alternative<RouteQuestion>(*query.question) ||
                            std::holds_alternative<PathQuestion>(*query.question);
    if (!is_offered) std::abort();
  }
  return 0;
}
