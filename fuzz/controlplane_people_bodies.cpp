// What people send the control plane: sessions, nodes, settings, users, tokens, queries. No crash, and a draft that was
// taken is the same after it was kept.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

#include "controlplane/node_draft.h"
#include "controlplane/people_body.h"
#include "controlplane/query_body.h"
#include "controlplane/session_draft.h"
#include "controlplane/settings.h"
#include "model/json_reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet::controlplane;
  const auto body = moenet::model::parse_json({reinterpret_cast<const char*>(bytes), size});
  if (!body) return 0;
  (void)new_user(*body);
  (void)new_token(*body, moenet::WallTime(std::chrono::seconds(1'700'000'000)));
  (void)read_query_draft(*body);
  (void)merge_node({}, *body);
  if (const auto draft = merge_draft({}, *body)) {
    Node node;
    node.id = 7;
    node.name = "jp1";
    if (const auto row = apply_draft({}, *draft, {}, node)) {
      const auto again = apply_draft({}, draft_of(*row), {}, node);
      if (!again || boost::json::serialize(agent_view(*again)) != boost::json::serialize(agent_view(*row)))
        std::abort();
    }
  }
  if (const auto settings = merge_settings({}, *body)) {
    std::vector<std::string> faults;
    const Settings again = read_settings(write_settings_with_secrets(*settings), faults);
    if (!faults.empty() || !(again == *settings)) std::abort();
  }
  return 0;
}
