#include "agent/kernel_settings.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace moenet::agent {
namespace {

struct Rule {
  std::string_view key;
  std::int64_t wanted;
  std::string_view why;
};

// The kernel filters by the larger of `all` and the interface's own value (ip-sysctl.rst), and gives `default` to
// interfaces made later. Forwarding comes first: a change of it resets other settings.
constexpr std::string_view kForwards = "a router forwards";
constexpr std::string_view kAsymmetric = "paths through DN42 differ by direction, and the filter drops the way back";
constexpr std::array<Rule, 5> kHostRules{{
    {"net.ipv4.ip_forward", 1, kForwards},
    {"net.ipv6.conf.all.forwarding", 1, kForwards},
    {"net.ipv6.conf.default.forwarding", 1, kForwards},
    {"net.ipv4.conf.all.rp_filter", 0, kAsymmetric},
    {"net.ipv4.conf.default.rp_filter", 0, kAsymmetric},
}};
// fib_validate_source() drops what comes from an address that this node has itself, with rp_filter 0 too.
constexpr Rule kAcceptLocal{"accept_local", 1, "another node answers from an address that this node has too (anycast)"};

// Interfaces read again per look, beside new ones (chosen: 0.3 ms; a node of 1,000 tunnels is through in 32 looks).
constexpr std::size_t kTurn = 32;

KernelSetting setting_of(const net::Sysctl& sysctl, net::SysctlKey key, const Rule& rule) {
  const auto value = sysctl.read(key);
  return {std::move(key), value ? std::optional(*value) : std::nullopt, rule.wanted, rule.why};
}

void add_interface(std::vector<KernelSetting>& settings, const net::Sysctl& sysctl, const std::string& interface,
                   const Rule& rule) {
  auto key = net::SysctlKey::of_interface(IpFamily::v4, interface, rule.key);
  if (!key) return;  // a name that sysctl(8) could not say; none of ours is like that
  auto setting = setting_of(sysctl, std::move(*key), rule);
  if (setting.is) settings.push_back(std::move(setting));
}

}  // namespace

std::vector<KernelSetting> check_kernel_settings(const net::Sysctl& sysctl, const KernelSettings& config,
                                                 std::span<const std::string> interfaces) {
  std::vector<KernelSetting> settings;
  settings.reserve(kHostRules.size() + 2 * interfaces.size());
  for (const auto& rule : kHostRules)
    settings.push_back(setting_of(sysctl, net::SysctlKey::parse(rule.key).value(), rule));
  for (const auto& interface : interfaces) {
    add_interface(settings, sysctl, interface, {"rp_filter", 0, kAsymmetric});
    if (config.accept_local) add_interface(settings, sysctl, interface, kAcceptLocal);
  }
  return settings;
}

AppliedSettings apply_kernel_settings(const net::Sysctl& sysctl, std::span<const KernelSetting> settings) {
  AppliedSettings applied;
  for (const auto& setting : settings) {
    if (!setting.is || setting.holds()) continue;
    if (auto written = sysctl.write(setting.key, setting.wanted)) {
      applied.changed.push_back(setting);
    } else {
      applied.failed.push_back(std::move(written).error());
    }
  }
  return applied;
}

KernelWatch::Look KernelWatch::look(std::span<const std::string> interfaces) {
  const std::set<std::string> now(interfaces.begin(), interfaces.end());
  std::vector<std::string> due;
  std::ranges::set_difference(now, known_, std::back_inserter(due));
  auto next = now.lower_bound(next_);
  for (std::size_t i = 0; i < std::min(kTurn, now.size()); ++i) {
    if (next == now.end()) next = now.begin();
    if (known_.contains(*next)) due.push_back(*next);
    ++next;
  }
  next_ = next == now.end() ? "" : *next;
  known_ = now;

  Look look;
  for (auto& setting : check_kernel_settings(sysctl_, config_, due)) {
    if (!setting.holds()) look.wrong.push_back(std::move(setting));
  }
  if (config_.manage_settings) look.applied = apply_kernel_settings(sysctl_, look.wrong);
  return look;
}

}  // namespace moenet::agent
