// The bird-config answer, from bytes to a policy: no crash, and what was accepted holds nothing that could leave its
// place in BIRD's language.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <boost/json/value.hpp>

#include "model/routing_policy.h"
#include "model/session_json.h"

namespace {

bool is_word(std::string_view text, std::size_t longest) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return text.size() <= longest && std::all_of(text.begin(), text.end(), is_allowed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet;
  const auto data = model::read_envelope({reinterpret_cast<const char*>(bytes), size});
  if (!data) return 0;
  const auto read = model::read_bird_config(*data);
  if (!read) return 0;
  const model::RoutingPolicy& policy = read->policy;
  for (const model::RpkiServer& server : policy.rpki_servers) {
    if (server.name.empty() || !is_word(server.name, 32) || server.remote.port == 0) std::abort();
  }
  for (const auto* names : {&policy.latency, &policy.bandwidth, &policy.crypto, &policy.region}) {
    for (const auto& [name, value] : *names) {
      if (name.empty() || !is_word(name, 32)) std::abort();
    }
  }
  const bool is_named = read->node.continent.empty() || policy.origin.contains(read->node.continent);
  if (!is_named || policy.asn == 0 || policy.as_path_max_len == 0) std::abort();
  if (!std::is_sorted(policy.blocked_prefixes.begin(), policy.blocked_prefixes.end())) std::abort();
  return 0;
}
