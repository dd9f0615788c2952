// What a DN42 router needs of the kernel's settings: forwarding, no reverse path filter, and where addresses are shared
// accept_local. Judged by each look, and set only when the operator allows it (config `kernel.manageSettings`).
// Redirects, conntrack and the like are the operator's own.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config.h"
#include "base/result.h"
#include "net/sysctl.h"

namespace moenet::agent {

// One setting as it is and as it should be.
struct KernelSetting {
  net::SysctlKey key;
  std::optional<std::int64_t> is;  // absent: it cannot be read, as IPv6's where the kernel has none
  std::int64_t wanted = 0;
  std::string_view why;  // half a sentence, of static storage

  bool holds() const { return is == wanted; }
  friend bool operator==(const KernelSetting&, const KernelSetting&) = default;
};

// The settings of the host and of `interfaces` (our tunnels; those that are gone are passed over), whether they hold or
// not. Costs a read of some 10 µs (measured) for each: five for the host, one or two per
// interface.
std::vector<KernelSetting> check_kernel_settings(const net::Sysctl& sysctl, const KernelSettings& config,
                                                 std::span<const std::string> interfaces);

struct AppliedSettings {
  std::vector<KernelSetting> changed;  // with `is` as it was before
  std::vector<Error> failed;           // one for each that could not be written, with its key
};
// Writes those that differ, without asking whether it may. One that cannot be read is not written.
AppliedSettings apply_kernel_settings(const net::Sysctl& sysctl, std::span<const KernelSetting> settings);

// The watch that a running agent keeps: at each look the host's settings, all interfaces that are new, and some of the
// others in turn, because udev sets a link's rp_filter again a moment after its creation (systemd's
// 99-systemd.rules). Not thread-safe.
class KernelWatch {
 public:
  explicit KernelWatch(KernelSettings config, net::Sysctl sysctl = net::Sysctl())
      : config_(config), sysctl_(std::move(sysctl)) {}

  struct Look {
    std::vector<KernelSetting> wrong;  // as found, those that were then put right too
    AppliedSettings applied;           // empty unless config.manage_settings
  };
  // `interfaces`: all our tunnels, in any order.
  Look look(std::span<const std::string> interfaces);

 private:
  KernelSettings config_;
  net::Sysctl sysctl_;
  std::set<std::string> known_;
  std::string next_;  // the turn goes on with the first name not before this one
};

}  // namespace moenet::agent
