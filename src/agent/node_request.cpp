#include "agent/node_request.h"

#include <boost/json.hpp>

#include "model/json_reader.h"

namespace moenet::agent {
namespace {

// IFNAMSIZ without its NUL (linux/if.h); "dn42_4294967295" is as long.
constexpr std::size_t kNameBytesMax = 15;

bool is_name(std::string_view text) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  return !text.empty() && text.find_first_not_of(kAllowed) == text.npos;
}

}  // namespace

Result<RestartSession> read_restart(std::string_view body) {
  TRY(const auto document, model::parse_json(body));
  std::vector<model::JsonFault> faults;
  const model::JsonReader reader(document, faults);
  RestartSession request;
  request.name = reader.text("peer_name", kNameBytesMax).value_or("");
  if (faults.empty() && !is_name(request.name)) reader.note("peer_name", "\"dn42_<asn>\" or an interface's name");
  const bool wg_only = reader.boolean("wg_only").value_or(false);
  const bool bgp_only = reader.boolean("bgp_only").value_or(false);
  if (wg_only && bgp_only) reader.note("bgp_only", "false, or wg_only is");
  if (!faults.empty()) return fail(Errc::invalid, texts_of(faults));
  request.tunnel = !bgp_only;
  request.bgp = !wg_only;
  return request;
}

}  // namespace moenet::agent
