// Any text as the rows of `show protocols`; where a line begins with a blank, as the details of `show protocols all`.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "bird/reply.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moenet::bird;
  Reply reply;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    reply.lines.push_back({text.starts_with(' ') ? 1006 : 1002, std::string(text.substr(0, end))});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  reply.lines.push_back({0, ""});
  if (const auto rows = parse_protocols(reply)) {
    for (const ProtocolStatus& row : *rows) (void)row.is_established();
  }
  (void)parse_route_counts(reply);
  return 0;
}
