#include "agent/privileges.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <vector>

namespace moenet::agent {
namespace {

enum class For { daemons, agent, root };

struct Kept {
  cap_value_t capability;
  For whom;
};

constexpr Kept kKept[] = {
    {CAP_NET_ADMIN, For::daemons},         // links, WireGuard, nftables and the sysctls of networks; a daemon's tun
    {CAP_NET_BIND_SERVICE, For::daemons},  // a listen port below 1024
    {CAP_NET_RAW, For::agent},             // echoes, through the link that is meant
    // BIRD's socket, and files for BIRD's group in BIRD's folders. A user of its own is in that group instead.
    {CAP_DAC_OVERRIDE, For::root},
    {CAP_CHOWN, For::root},
    {CAP_FOWNER, For::root},
};

using Capabilities = std::unique_ptr<_cap_struct, decltype([](cap_t sets) { ::cap_free(sets); })>;

bool may_keep(cap_t held, const Kept& kept) {
  cap_flag_value_t value = CAP_CLEAR;
  return (kept.whom != For::root || ::geteuid() == 0) &&
         ::cap_get_flag(held, kept.capability, CAP_PERMITTED, &value) == 0 && value == CAP_SET;
}

}  // namespace

Result<void> drop_privileges() {
  const Capabilities held(::cap_get_proc());
  const Capabilities sets(::cap_init());
  if (!held || !sets) return std::unexpected(error_from_errno(errno, "look at the capabilities of this process"));
  std::vector<cap_value_t> own;
  std::vector<cap_value_t> inherited;
  for (const Kept& kept : kKept) {
    if (!may_keep(held.get(), kept)) continue;
    own.push_back(kept.capability);
    if (kept.whom == For::daemons) inherited.push_back(kept.capability);
  }
  // Without CAP_SETPCAP that set stays as it is, and no_new_privs makes it worthless.
  for (cap_value_t capability = 0; CAP_IS_SUPPORTED(capability); ++capability) {
    if (std::ranges::find(own, capability) == own.end()) (void)::cap_drop_bound(capability);
  }
  for (const cap_flag_t flag : {CAP_PERMITTED, CAP_EFFECTIVE})
    (void)::cap_set_flag(sets.get(), flag, static_cast<int>(own.size()), own.data(), CAP_SET);
  (void)::cap_set_flag(sets.get(), CAP_INHERITABLE, static_cast<int>(inherited.size()), inherited.data(), CAP_SET);
  (void)::cap_reset_ambient();
  if (::cap_set_proc(sets.get()) != 0) return std::unexpected(error_from_errno(errno, "drop capabilities"));
  for (const cap_value_t capability : inherited) (void)::cap_set_ambient(capability, CAP_SET);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return std::unexpected(error_from_errno(errno, "give up new privileges"));
  return {};
}

}  // namespace moenet::agent
