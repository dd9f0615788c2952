// What control planes tell each other over the database: no crash, and what was taken is the same when it is told
// again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <variant>

#include "controlplane/query_message.h"
#include "controlplane/sql_listener.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet::controlplane;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  if (const auto message = read_query_message(text)) {
    if (const auto* asked = std::get_if<QueryAsked>(&*message)) {
      if (read_query_message(write_message(*asked)) != message) std::abort();
    } else if (const auto* part = std::get_if<QueryAnswerPart>(&*message)) {
      if (part->part < 1 || part->part > part->parts) std::abort();
    }
  }
  if (const auto message = read_change_message(text)) {
    const auto again = read_change_message(write_change_message(*message));
    if (!again || again->tokens != message->tokens) std::abort();
    if (!again->all && again->changes != message->changes) std::abort();  // a list too long for one becomes "all"
  }
  if (const auto message = read_plain_message(text)) {
    const auto again = read_plain_message(write_plain_message(*message));
    if (!again || again->text != message->text) std::abort();
  }
  return 0;
}
