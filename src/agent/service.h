// What systemd is told (sd_notify(3)): ready, reloading, stopping, alive. Without systemd all of it does nothing.
#pragma once

#include <string_view>

namespace moenet::agent {

void notify_ready(std::string_view status);
void notify_reloading();
void notify_stopping();
// Feeds the watchdog, when the unit has one.
void notify_alive();

}  // namespace moenet::agent
