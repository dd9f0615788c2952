// Bodies of the agent's own API: no crash, and only what a tool may be asked comes out. The first byte names the tool.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/maintenance.h"
#include "agent/node_request.h"
#include "agent/tools_question.h"
#include "bird/protocol_order.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet::agent;
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  const Tool tool = kTools[bytes[0] % std::size(kTools)];
  if (const auto question = read_tool_question(tool, body)) {
    const auto* dig = std::get_if<DigQuestion>(&*question);
    if ((dig != nullptr) != (tool == Tool::dig)) std::abort();
  }
  if (const auto options = read_maintenance_options(body)) {
    if (!moenet::bird::check_shutdown_message(options->message)) std::abort();
  }
  if (const auto restart = read_restart(body); restart && restart->name.empty()) std::abort();
  return 0;
}
