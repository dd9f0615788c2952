// What the service manager is told, by the protocol of sd_notify(3): one datagram to the socket that $NOTIFY_SOCKET
// names. Without that variable nothing happens. Ours, because libsystemd brings five libraries along for it (decision
// 0006).
#pragma once

#include <string_view>

namespace moenet {

// `state`: assignments separated by newlines, such as "READY=1\nSTATUS=text". Failures are ignored, as sd_notify(3)
// advises.
void sd_notify(std::string_view state);

}  // namespace moenet
