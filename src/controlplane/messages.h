// Messages: what the control planes on one database tell each other and nobody keeps. Where there is only one, nobody
// hears them. One may get lost, as with a connection: who waits for an answer to one also has a time.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace moenet::controlplane {

// Chosen: NOTIFY of PostgreSQL takes less than 8,000 bytes, of which 40 say whose the message is.
inline constexpr std::size_t kMostMessageText = 7'800;

class Messages {
 public:
  using Listener = std::function<void(std::string_view text)>;

  virtual ~Messages() = default;

  // Called for each message of another control plane, one at a time, on a thread of the other side; it must not block
  // for long. When it was taken away ({}), it is not called any more.
  virtual void set_message_listener(Listener listener) = 0;
  // All of them in this order, or none. Each is valid UTF-8 without NUL, of at most kMostMessageText bytes. Errors:
  // invalid, unavailable.
  virtual Result<void> tell(const std::vector<std::string>& texts) = 0;
};

}  // namespace moenet::controlplane
