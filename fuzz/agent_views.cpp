// The agent's documents as a terminal shows them, whoever answered on that port: no crash, and nothing that moves the
// cursor.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "agent/session_view.h"
#include "agent/status_view.h"

namespace {

void judge(const moenet::Result<std::string>& view) {
  if (!view) return;
  for (const char c : *view) {
    if ((c >= 0 && c < 0x20 && c != '\n') || c == 0x7F) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet::agent;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  judge(status_view(text));
  judge(sync_view(text));
  judge(maintenance_view(text));
  judge(session_view(text, text));
  return 0;
}
