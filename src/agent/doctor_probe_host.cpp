#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <linux/capability.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/doctor_probes.h"
#include "agent/node_lock.h"
#include "base/file.h"

namespace moenet::agent {
namespace {

std::string kernel_release() {
  utsname names{};
  return ::uname(&names) == 0 ? names.release : "";
}

// Where execvp(3) would find it; empty: nowhere.
std::string program_path(const std::string& program) {
  const auto is_program = [](const std::string& path) { return ::access(path.c_str(), X_OK) == 0; };
  if (program.contains('/')) return is_program(program) ? program : "";
  const char* path = ::secure_getenv("PATH");
  std::string_view folders = path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin";
  while (!folders.empty()) {
    const std::string_view folder = folders.substr(0, folders.find(':'));
    folders.remove_prefix(std::min(folder.size() + 1, folders.size()));
    const std::string candidate = fmt::format("{}/{}", folder, program);
    if (!folder.empty() && is_program(candidate)) return candidate;
  }
  return "";
}

// The rest of the line "NAME:\t..." of /proc/PID/status; empty when it shows none.
std::string status_line(const std::string& process, std::string_view name) {
  const auto text = read_file(fmt::format("/proc/{}/status", process), 64u << 10);
  const std::string begin = fmt::format("\n{}:\t", name);
  const std::size_t at = text ? text->find(begin) : std::string::npos;
  if (at == std::string::npos) return {};
  const std::size_t from = at + begin.size();
  return text->substr(from, text->find('\n', from) - from);
}

// As in "CapEff:\t000001ffffffffff".
std::optional<std::uint64_t> effective_capabilities(const std::string& process) {
  const std::string line = status_line(process, "CapEff");
  std::uint64_t bits = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), bits, 16);
  return error == std::errc() ? std::optional(bits) : std::nullopt;
}

// Whole numbers between blanks.
std::vector<std::uint32_t> numbers_in(std::string_view text) {
  std::vector<std::uint32_t> numbers;
  for (const char *at = text.data(), *end = at + text.size(); at != end;) {
    std::uint32_t number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error == std::errc()) numbers.push_back(number);
    at = next == at ? at + 1 : next;
  }
  return numbers;
}

// Whose abilities count: the agent's where one runs, else ours, which say something only as root.
struct Whose {
  std::string words;
  std::string process;
};
std::optional<Whose> whose_abilities(const Probed<AgentFact>& agent) {
  const auto* running = std::get_if<AgentFact>(&agent);
  if (running != nullptr && running->pid) return Whose{"the running agent has", fmt::format("{}", *running->pid)};
  if (!is_root()) return std::nullopt;
  return Whose{"this process has", "self"};
}

// A text at group.key of the configuration file, or nothing.
std::string text_in(const boost::json::value& file, std::string_view group, std::string_view key) {
  const auto* root = file.if_object();
  const auto* section = root == nullptr ? nullptr : root->if_contains(group);
  const auto* object = section == nullptr ? nullptr : section->if_object();
  const auto* value = object == nullptr ? nullptr : object->if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : "";
}

struct SecretFile {
  std::string path;
  std::string what;
  mode_t forbidden;  // permission bits
};

std::vector<SecretFile> secret_files(const AgentConfig& config, const ConfigSource& source) {
  // The agent refuses a key that its group may read (agent/keys); a token's group may be meant.
  std::vector<SecretFile> files{{config.wireguard.private_key_path, "the private key", 077}};
  bool holds_token = false;
  for (const std::string_view group : {"controlPlane", "bootstrap", "api"}) {
    holds_token = holds_token || !text_in(source.file, group, "token").empty();
    const std::string file = text_in(source.file, group, "tokenFile");
    if (!file.empty()) files.push_back({file, "the token file", 007});
  }
  if (holds_token) files.push_back({source.path, "the configuration, which holds a token,", 007});
  return files;
}

}  // namespace

bool is_root() { return ::geteuid() == 0; }

Skipped for_root_only(std::string_view what) { return {fmt::format("{} shows to root only", what)}; }

Probed<AgentFact> probe_agent(const AgentConfig& config) {
  const auto holder = lock_holder(config.state_folder);
  if (!holder && holder.error().code == Errc::denied) return for_root_only("whether an agent runs");
  if (!holder) return Skipped{holder.error().what};
  return AgentFact{*holder};
}

Probed<CapabilityFact> probe_capabilities(const Probed<AgentFact>& agent) {
  const auto whose = whose_abilities(agent);
  if (!whose) return for_root_only("what the agent may do");
  const auto bits = effective_capabilities(whose->process);
  if (!bits) return Skipped{"/proc does not show them"};
  const auto has = [&](unsigned capability) { return (*bits >> capability & 1) != 0; };
  return CapabilityFact{whose->words, has(CAP_NET_ADMIN), has(CAP_NET_RAW)};
}

std::optional<net::IcmpAccess> icmp_access_of(bool has_net_raw, const std::vector<std::uint32_t>& groups,
                                              std::string_view group_range) {
  if (has_net_raw) return net::IcmpAccess::raw;
  const auto range = numbers_in(group_range);
  const bool is_named = range.size() == 2 && std::ranges::any_of(groups, [&](std::uint32_t group) {
                          return range[0] <= group && group <= range[1];
                        });
  return is_named ? std::optional(net::IcmpAccess::datagram) : std::nullopt;
}

Probed<IcmpFact> probe_icmp(const Probed<AgentFact>& agent) {
  const auto whose = whose_abilities(agent);
  if (!whose) return for_root_only("how the agent may measure its neighbors");
  const auto bits = effective_capabilities(whose->process);
  if (!bits) return Skipped{"/proc does not show what the agent may do"};
  auto groups = numbers_in(status_line(whose->process, "Groups"));
  const auto ids = numbers_in(status_line(whose->process, "Gid"));  // real, effective, saved, of the file system
  if (ids.size() > 1) groups.push_back(ids[1]);
  std::string range = read_file("/proc/sys/net/ipv4/ping_group_range", 1024).value_or("");
  while (!range.empty() && range.back() == '\n') range.pop_back();
  std::ranges::replace(range, '\t', ' ');
  const auto access = icmp_access_of((*bits >> CAP_NET_RAW & 1) != 0, groups, range);
  return IcmpFact{whose->words, access, std::move(range)};
}

WireGuardFact probe_wireguard(const WireGuardSettings& settings) {
  return {settings.backend, net::support_of(net::kWireGuardKind, kernel_release()), settings.userspace_program,
          program_path(settings.userspace_program), ::access("/dev/net/tun", F_OK) == 0};
}

LoopbackFact probe_loopback(LoopbackKind wanted) {
  const std::string release = kernel_release();
  LoopbackFact fact;
  fact.wanted = wanted;
  fact.dummy = net::support_of(net::kDummyKind, release);
  if (wanted == LoopbackKind::dummy || fact.dummy == net::KindSupport::present) return fact;
  fact.ifb = net::support_of(net::kIfbKind, release);
  fact.bridge = net::support_of(net::kBridgeKind, release);
  return fact;
}

LinkKindFact probe_link_kinds() {
  const std::string release = kernel_release();
  return {net::support_of(net::kGreKind, release), net::support_of(net::kIp6GreKind, release)};
}

bool probe_clock() {
  timex state{};  // modes 0: only read (adjtimex(2))
  return ::adjtimex(&state) >= 0 && (state.status & STA_UNSYNC) == 0;
}

DiskFact probe_disk(const std::string& folder) {
  DiskFact fact;
  fact.folder = folder;
  // The folder is made at the first start: until then where it will be.
  std::filesystem::path there = folder;
  struct statvfs status{};
  while (::statvfs(there.c_str(), &status) != 0 && there != there.root_path()) there = there.parent_path();
  fact.free_bytes = static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
  fact.free_files = status.f_favail;
  fact.counts_files = status.f_files != 0;
  fact.is_read_only = (status.f_flag & ST_RDONLY) != 0;
  return fact;
}

Probed<SecretsFact> probe_secrets(const AgentConfig& config, const ConfigSource& source) {
  SecretsFact fact;
  for (const auto& file : secret_files(config, source)) {
    struct stat status{};
    if (::stat(file.path.c_str(), &status) != 0) {
      if (errno == EACCES) return for_root_only(file.what);
      continue;  // not there (yet): others say so
    }
    ++fact.files;
    if ((status.st_mode & file.forbidden) != 0) fact.open.push_back({file.path, file.what, status.st_mode & 07777});
  }
  return fact;
}

}  // namespace moenet::agent
