#include "agent/service.h"

#include <ctime>

#include <fmt/format.h>

#include "base/sd_notify.h"

namespace moenet::agent {

void notify_ready(std::string_view status) { sd_notify(fmt::format("READY=1\nSTATUS={}", status)); }

void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  sd_notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
}

void notify_stopping() { sd_notify("STOPPING=1"); }

void notify_alive() { sd_notify("WATCHDOG=1"); }

}  // namespace moenet::agent
