#include "agent/service.h"

#include <ctime>

#include <fmt/format.h>

#include "base/service_manager.h"

namespace moenet::agent {

void notify_ready(std::string_view status) { tell_service_manager(fmt::format("READY=1\nSTATUS={}", status)); }

void notify_reloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  tell_service_manager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000 + now.tv_nsec / 1000));
}

void notify_stopping() { tell_service_manager("STOPPING=1"); }

void notify_alive() { tell_service_manager("WATCHDOG=1"); }

}  // namespace moenet::agent
