// Log lines: whatever the text is, its escaped form is valid UTF-8 without a control character or an unescaped quote.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/log.h"
#include "base/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string escaped = moenet::escape_for_log({reinterpret_cast<const char*>(bytes), size});
  bool is_escaped = false;
  for (std::string_view rest = escaped; !rest.empty();) {
    const moenet::Utf8Character next = moenet::first_utf8_character(rest);
    if (!next.valid || next.code < 0x20 || next.code == 0x7F) std::abort();
    if (next.code == '"' && !is_escaped) std::abort();
    is_escaped = next.code == '\\' && !is_escaped;
    rest.remove_prefix(next.bytes);
  }
  return 0;
}
