// Any bytes as BIRD's side of the control socket: the first byte says how they are cut into reads.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bird/reply.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moenet::bird;
  if (size == 0) return 0;
  const std::size_t piece = std::size_t{data[0]} + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ReplyReader reader(64 * 1024);
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    if (!reader.feed(bytes.substr(at, piece))) break;
    while (const auto reply = reader.next()) {
      (void)reply->text();
      (void)parse_greeting(*reply);
      (void)parse_config_error(*reply);
    }
  }
  return 0;
}
