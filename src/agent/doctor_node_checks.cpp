#include <algorithm>
#include <tuple>

#include <fmt/format.h>

#include "agent/doctor_checks.h"
#include "base/log.h"

namespace moenet::agent {
namespace {

using net::KindSupport;
using State = CheckState;

// The last good state of 10,000 sessions is 7 MB, and is written beside the old one before it takes its place.
constexpr std::uint64_t kLeastDisk = 16u << 20;
constexpr std::uint64_t kLittleDisk = 100u << 20;  // chosen: room for a day's log
constexpr std::uint64_t kLeastFiles = 16;
// Beyond these a sentence is no help any more (chosen).
constexpr std::size_t kMostNamed = 4;
constexpr std::size_t kMostCommands = 20;

bool is_usable(KindSupport support) { return support == KindSupport::present || support == KindSupport::loadable; }

// Half a sentence.
std::string_view words_for(KindSupport support) {
  switch (support) {
    case KindSupport::present: return "is in the kernel";
    case KindSupport::loadable: return "is a module that the kernel loads when it is needed";
    case KindSupport::absent: return "is not in this kernel";
    case KindSupport::unknown: return "is not loaded, and no module folder shows whether it could be";
  }
  return "";
}

}  // namespace

std::string listed(const std::vector<std::string>& items, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(items.size(), most); ++i) text += (i == 0 ? "" : ", ") + items[i];
  if (items.size() > most) text += fmt::format(" and {} more", items.size() - most);
  return text;
}

Check judge_config(const ConfigFact& config) {
  const std::string look = config.path.empty() ? "moenet-agent -c FILE check-config"
                                               : fmt::format("moenet-agent -c {} check-config", config.path);
  if (config.is_hidden) return {"configuration", State::skipped, config.path + " may be read by root only", ""};
  if (!config.faults.empty()) {
    const auto& first = config.faults.front();
    return {"configuration", State::problem,
            config.faults.size() == 1 ? first : fmt::format("{} faults, the first: {}", config.faults.size(), first),
            look};
  }
  if (!config.warnings.empty())
    return {"configuration", State::warning, fmt::format("{}: {}", config.path, listed(config.warnings, kMostNamed)),
            look};
  if (!config.is_complete)
    return {"configuration", State::ok, fmt::format("{} is good; the rest comes from the control plane", config.path),
            ""};
  return {"configuration", State::ok, fmt::format("{} is good, node {}", config.path, config.node), ""};
}

Check judge_agent(const AgentFact& agent) {
  if (agent.pid) return {"agent", State::ok, fmt::format("it runs (pid {})", *agent.pid), ""};
  return {"agent", State::warning, "no agent runs on this node", "systemctl enable --now moenet-agent"};
}

Check judge_capabilities(const CapabilityFact& capabilities) {
  std::vector<std::string> missing;
  if (!capabilities.net_admin) missing.emplace_back("CAP_NET_ADMIN");
  if (!capabilities.net_raw) missing.emplace_back("CAP_NET_RAW");
  if (missing.empty()) return {"capabilities", State::ok, capabilities.whose + " CAP_NET_ADMIN and CAP_NET_RAW", ""};
  return {"capabilities", capabilities.net_admin ? State::warning : State::problem,
          fmt::format("{} no {}", capabilities.whose, listed(missing, 2)),
          "systemctl edit moenet-agent  # [Service] CapabilityBoundingSet= and AmbientCapabilities= with " +
              listed(missing, 2) + "; in a container: --cap-add NET_ADMIN --cap-add NET_RAW"};
}

Check judge_icmp(const IcmpFact& icmp) {
  if (icmp.access == net::IcmpAccess::raw)
    return {"icmp", State::ok, icmp.whose + " raw sockets to measure its neighbors with", ""};
  if (icmp.access == net::IcmpAccess::datagram)
    return {"icmp", State::ok, icmp.whose + " no raw sockets, but datagram ICMP to measure its neighbors with", ""};
  return {"icmp", State::problem,
          fmt::format("{} neither CAP_NET_RAW nor a group in net.ipv4.ping_group_range ({}): no neighbor's round trip "
                      "time can be measured",
                      icmp.whose, escape_for_log(icmp.group_range)),
          "sysctl -w net.ipv4.ping_group_range=\"0 2147483647\"  # as systemd sets it\n"
          "# or: systemctl edit moenet-agent  # [Service] CapabilityBoundingSet= and AmbientCapabilities= with "
          "CAP_NET_RAW"};
}

Check judge_wireguard(const WireGuardFact& wireguard) {
  const std::string kernel = fmt::format("the kernel's WireGuard {}", words_for(wireguard.kernel));
  const bool wants_kernel = wireguard.backend != WireGuardBackend::userspace;
  const bool wants_userspace = wireguard.backend != WireGuardBackend::kernel;
  const std::string program = escape_for_log(wireguard.program);
  if (wants_kernel && is_usable(wireguard.kernel)) {
    const auto words = wireguard.kernel == KindSupport::present ? "is there" : "is loaded when it is needed";
    return {"wireguard", State::ok, fmt::format("the kernel's WireGuard {}", words), ""};
  }
  if (wants_userspace && !wireguard.program_path.empty() && wireguard.has_tun)
    return {"wireguard", State::ok, fmt::format("tunnels run in userspace by {}", wireguard.program_path), ""};
  if (!wants_userspace)
    return {"wireguard", State::problem, kernel,
            "modprobe wireguard  # or wireguard.backend \"auto\" with wireguard-go"};
  const std::string before = wants_kernel ? kernel + ", and " : "";
  if (wireguard.program_path.empty())
    return {"wireguard", State::problem, fmt::format("{}{} is not installed", before, program),
            "apt-get install wireguard-go  # or a kernel that has it: modprobe wireguard"};
  return {"wireguard", State::problem, before + "there is no /dev/net/tun for userspace tunnels",
          "modprobe tun  # in a container: --device /dev/net/tun"};
}

Check judge_loopback_link(const LoopbackFact& loopback) {
  if (loopback.wanted == LoopbackKind::none)
    return {"loopback-link", State::ok, "the node's addresses are the operator's to place (loopback.kind \"none\")",
            ""};
  if (loopback.wanted == LoopbackKind::lo) return {"loopback-link", State::ok, "the node's addresses go onto lo", ""};
  bool may_be_there = false;
  std::string lacking;
  for (const auto& [kind, name, support] :
       {std::tuple(LoopbackKind::dummy, "dummy", loopback.dummy), std::tuple(LoopbackKind::ifb, "ifb", loopback.ifb),
        std::tuple(LoopbackKind::bridge, "bridge", loopback.bridge)}) {
    if (loopback.wanted != LoopbackKind::automatic && loopback.wanted != kind) continue;
    if (is_usable(support))
      return {"loopback-link", State::ok, fmt::format("the link kind {} {}", name, words_for(support)), ""};
    may_be_there = may_be_there || support == KindSupport::unknown;
    lacking += fmt::format("{}the link kind {} {}", lacking.empty() ? "" : "; ", name, words_for(support));
  }
  const std::string_view kind = loopback.wanted == LoopbackKind::ifb      ? "ifb"
                                : loopback.wanted == LoopbackKind::bridge ? "bridge"
                                                                          : "dummy";
  return {"loopback-link", may_be_there ? State::warning : State::problem,
          lacking + ": the node's addresses have no link",
          fmt::format("modprobe {}  # for good: echo {} >/etc/modules-load.d/moenet.conf\n"
                      "# where the kernel has none: \"loopback\": {{\"kind\": \"lo\"}} in the configuration, then: "
                      "systemctl reload moenet-agent",
                      kind, kind)};
}

Check judge_gre(const LinkKindFact& kinds) {
  if (is_usable(kinds.gre) && is_usable(kinds.ip6gre))
    return {"gre", State::ok, "the kernel can make gre and ip6gre links", ""};
  const bool lacks_both = !is_usable(kinds.gre) && !is_usable(kinds.ip6gre);
  const std::string_view kind = is_usable(kinds.gre) ? "ip6gre" : "gre";
  return {"gre", State::warning,
          fmt::format("the link kind {}{} {}: sessions of that type cannot come up", kind,
                      lacks_both ? " (and ip6gre)" : "", words_for(is_usable(kinds.gre) ? kinds.ip6gre : kinds.gre)),
          lacks_both             ? "modprobe -a ip_gre ip6_gre"
          : is_usable(kinds.gre) ? "modprobe ip6_gre"
                                 : "modprobe ip_gre"};
}

Check judge_kernel_settings(const std::vector<KernelSetting>& settings) {
  std::vector<std::string> wrong;
  std::string command;
  std::vector<std::string> unreadable;
  for (const auto& setting : settings) {
    if (setting.holds()) continue;
    if (!setting.is) {
      unreadable.push_back(setting.key.text());
      continue;
    }
    wrong.push_back(fmt::format("{} is {}, not {} ({})", setting.key.text(), *setting.is, setting.wanted, setting.why));
    if (wrong.size() <= kMostCommands) command += fmt::format(" {}={}", setting.key.text(), setting.wanted);
  }
  if (wrong.empty() && unreadable.empty())
    return {"kernel-settings", State::ok, fmt::format("all {} are as a router needs them", settings.size()), ""};
  if (wrong.empty())
    return {"kernel-settings", State::warning,
            fmt::format("cannot be read: {} (is this family off in the kernel?)", listed(unreadable, kMostNamed)),
            "sysctl " + unreadable.front()};
  return {
      "kernel-settings", State::problem, listed(wrong, kMostNamed),
      fmt::format("sysctl -w{}\n# for good: \"kernel\": {{\"manageSettings\": true}} in the configuration, or a file "
                  "in /etc/sysctl.d that sorts after 50-default.conf",
                  command)};
}

Check judge_ports(const PortFact& ports) {
  using Use = PortClash::Use;
  if (ports.clashes.empty())
    return {"ports", State::ok,
            fmt::format("no other program has a port of ours ({} sessions, {} mesh neighbors)", ports.sessions,
                        ports.neighbors),
            ""};
  std::vector<std::string> taken;
  std::string remedy;
  bool is_needed = false;
  for (const auto& clash : ports.clashes) {
    const bool is_tcp = clash.use == Use::api;
    taken.push_back(
        fmt::format("{} port {} of {} is held by {}", is_tcp ? "TCP" : "UDP", clash.port, clash.what, clash.holder));
    if (taken.size() <= kMostNamed) {
      const std::string_view instead = clash.use == Use::api ? ", or give server.listen another port"
                                       : clash.use == Use::session
                                           ? ", or give the session another port"
                                           : " or move it: the port of a mesh tunnel is 51820 + the node's id";
      remedy += fmt::format("{}ss -l{}np 'sport = :{}'  # stop that program{}", remedy.empty() ? "" : "\n",
                            is_tcp ? "t" : "u", clash.port, instead);
    }
    is_needed = is_needed || clash.is_needed;
  }
  return {"ports", is_needed ? State::problem : State::warning, listed(taken, kMostNamed), remedy};
}

Check judge_link_names(const LinkNameFact& names) {
  if (names.taken.empty())
    return {"link-names", State::ok, fmt::format("no other link has a name of ours ({})", names.names), ""};
  std::vector<std::string> taken;
  std::string remedy;
  for (const auto& clash : names.taken) {
    taken.push_back(fmt::format("the link {} is not the agent's, and {} needs the name", clash.name, clash.what));
    if (taken.size() > kMostNamed) continue;
    remedy += fmt::format(
        "{0}ip -d link show dev {1}  # not needed: ip link delete {1}; else: ip link set {1} down; ip link set {1} "
        "name "
        "OTHER",
        remedy.empty() ? "" : "\n", clash.name);
  }
  return {"link-names", State::problem, listed(taken, kMostNamed), remedy};
}

Check judge_disk(const DiskFact& disk) {
  const std::string look = fmt::format("df -h {0}; df -i {0}", disk.folder);
  if (disk.is_read_only)
    return {"disk", State::problem, disk.folder + " is on a file system that is mounted read-only",
            fmt::format("mount -o remount,rw \"$(findmnt -nT {} -o TARGET)\"", disk.folder)};
  const std::string free = fmt::format("{} MB are free for {}", disk.free_bytes >> 20, disk.folder);
  if (disk.counts_files && disk.free_files < kLeastFiles)
    return {"disk", State::problem, fmt::format("{} more files fit where {} is", disk.free_files, disk.folder), look};
  if (disk.free_bytes < kLeastDisk) return {"disk", State::problem, "only " + free, look};
  if (disk.free_bytes < kLittleDisk) return {"disk", State::warning, "only " + free, look};
  return {"disk", State::ok, free, ""};
}

Check judge_secrets(const SecretsFact& secrets) {
  if (secrets.open.empty())
    return {"secrets", State::ok, fmt::format("no other user may read the files that hold secrets ({})", secrets.files),
            ""};
  std::vector<std::string> open;
  std::string paths;
  for (const auto& file : secrets.open) {
    open.push_back(fmt::format("{} {} has mode {:04o}, others may read it", file.what, file.path, file.mode));
    paths += " " + file.path;
  }
  return {"secrets", State::problem, listed(open, kMostNamed), "chmod 600" + paths};
}

Check judge_firewall(const FirewallFact& firewall) {
  if (firewall.hostile.empty()) return {"firewall", State::ok, "no other chain drops what it does not know", ""};
  return {"firewall", State::warning, "drops what it does not know: " + listed(firewall.hostile, kMostNamed),
          firewall.remedy};
}

}  // namespace moenet::agent
