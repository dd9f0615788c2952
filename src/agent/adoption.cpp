#include "agent/adoption.h"

#include <algorithm>
#include <memory>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "agent/ownership_mark.h"
#include "base/file.h"
#include "bird/peer_folder.h"

namespace moenet::agent {
namespace {

constexpr std::size_t kMostFileBytes = 64 * 1024;  // chosen: a file of one session has some 500 bytes
constexpr std::string_view kBlank = " \t\r";

// The words of a BIRD file, without comments and strings; a brace or semicolon is a word of its own.
std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  const auto skip_to = [&](std::string_view end, std::size_t from) {
    const auto found = text.find(end, from);
    at = found == text.npos ? text.size() : found + end.size();
  };
  while (at < text.size()) {
    const char c = text[at];
    if (c == '#') {
      skip_to("\n", at);
    } else if (text.substr(at).starts_with("/*")) {
      skip_to("*/", at + 2);
    } else if (c == '"') {
      skip_to("\"", at + 1);
    } else if (kBlank.find(c) != kBlank.npos || c == '\n') {
      ++at;
    } else if (c == '{' || c == '}' || c == ';') {
      words.push_back(text.substr(at++, 1));
    } else {
      const auto end = std::min(text.find_first_of(" \t\r\n{};\"#", at), text.size());
      words.push_back(text.substr(at, end - at));
      at = end;
    }
  }
  return words;
}

std::string path_of(const AgentConfig& config, const std::string& file) { return config.bird.peer_folder + "/" + file; }

class Finder {
 public:
  static Result<Finder> open(const AgentConfig& config, Deadline deadline) {
    Finder finder(config, deadline);
    TRY(auto netlink, net::NetlinkSocket::open(net::NetlinkFamily::route));
    TRY(finder.links_, net::list_links(netlink, deadline));
    auto kernel = net::open_kernel_wireguard();
    if (!kernel && kernel.error().code != Errc::invalid) return std::unexpected(kernel.error());
    if (kernel) finder.kernel_ = std::move(*kernel);
    net::UserspaceWireGuard userspace;
    userspace.program = config.wireguard.userspace_program;
    finder.userspace_ = net::open_userspace_wireguard(std::move(userspace));
    return finder;
  }

  Result<Adoption> look(const model::DesiredPeering& peering) {
    Adoption adoption{peering.owner, "", "", "", ""};
    if (peering.tunnel->type == model::TunnelType::loopback) return adoption;
    TRY_VOID(look_at_link(*peering.tunnel, adoption));
    if (peering.bird_file) TRY_VOID(look_at_file(peering, adoption));
    return adoption;
  }

 private:
  Finder(const AgentConfig& config, Deadline deadline) : config_(config), deadline_(deadline) {}

  Result<void> look_at_link(const model::Tunnel& wanted, Adoption& adoption) {
    const auto link = std::ranges::find(links_, wanted.name, &net::Link::name);
    if (link == links_.end() || read_mark(link->alias)) return {};
    adoption.link = link->name;
    adoption.mark = write_mark({wanted.owner, wanted.configured_endpoint});
    TRY(const std::string reason, wanted.gre ? reason_against(wanted, *link) : reason_against_device(wanted, *link));
    if (!reason.empty()) adoption.reason = fmt::format("link {}: {}", link->name, reason);
    return {};
  }

  Result<std::string> reason_against_device(const model::Tunnel& wanted, const net::Link& link) {
    net::WireGuard* backend = nullptr;
    if (kernel_ && link.kind == kernel_->link_kind()) backend = kernel_.get();
    if (link.kind == userspace_->link_kind()) backend = userspace_.get();
    auto device = backend != nullptr ? backend->get(link.name, deadline_)
                                     : Result<net::WgDevice>(fail(Errc::not_found, "no WireGuard device"));
    if (!device && device.error().code != Errc::not_found) return std::unexpected(device.error());
    return device ? reason_against(wanted, *device) : "it is no WireGuard device";
  }

  Result<void> look_at_file(const model::DesiredPeering& peering, Adoption& adoption) {
    const std::string& name = peering.bird_file->name;
    auto text = read_file(path_of(config_, name), kMostFileBytes);
    if (!text && text.error().code == Errc::not_found) return {};
    if (!text) return std::unexpected(text.error());
    if (bird::owner_in(*text)) return {};
    adoption.file = name;
    const std::string reason = reason_against(peering.protocol, *text);
    if (!reason.empty() && adoption.reason.empty()) adoption.reason = fmt::format("file {}: {}", name, reason);
    return {};
  }

  const AgentConfig& config_;
  Deadline deadline_;
  std::vector<net::Link> links_;
  std::unique_ptr<net::WireGuard> kernel_;  // null where the kernel has none
  std::unique_ptr<net::WireGuard> userspace_;
};

}  // namespace

std::string reason_against(const model::Tunnel& wanted, const net::WgDevice& device) {
  if (device.private_key != wanted.private_key) return "its private key is not this node's";
  for (const auto& peer : wanted.peers) {
    if (std::ranges::find(device.peers, peer.public_key, &net::WgPeer::public_key) == device.peers.end())
      return fmt::format("it has no peer with the key {}", peer.public_key.base64());
  }
  return "";
}

std::string reason_against(const model::Tunnel& wanted, const net::Link& link) {
  if (!link.gre || link.kind != model::name_of(wanted.type))
    return fmt::format("it is no {} tunnel to one peer", model::name_of(wanted.type));
  if (wanted.gre->remote && wanted.gre->remote != link.gre->remote)
    return fmt::format("it leads to {}, not to {}", link.gre->remote->text(), wanted.gre->remote->text());
  return wanted.gre->key == link.gre->key ? "" : "it has another key";
}

std::string reason_against(std::string_view protocol, std::string_view file_text) {
  const auto words = words_of(file_text);
  const std::string expected = fmt::format("it holds something else than `protocol bgp {}`", protocol);
  if (words.size() < 3 || words[0] != "protocol" || words[1] != "bgp" || words[2] != protocol) return expected;
  int depth = 0;
  for (std::size_t i = 3; i < words.size(); ++i) {
    depth += words[i] == "{" ? 1 : words[i] == "}" ? -1 : 0;
    // behind the end of the protocol a semicolon may stand
    if (words[i] == "}" && depth == 0)
      return i + 1 == words.size() || (i + 2 == words.size() && words[i + 1] == ";") ? "" : expected;
  }
  return expected;
}

Result<std::vector<Adoption>> find_adoptions(const AgentConfig& config, const model::DesiredState& desired,
                                             Deadline deadline) {
  std::vector<Adoption> found;
  TRY(auto finder, Finder::open(config, deadline));
  for (const auto& peering : desired.peerings) {
    if (peering.intent != model::Intent::present) continue;
    TRY(auto adoption, finder.look(peering));
    if (!adoption.link.empty() || !adoption.file.empty()) found.push_back(std::move(adoption));
  }
  return found;
}

Result<void> adopt(const AgentConfig& config, const Adoption& adoption, Deadline deadline) {
  if (!adoption.link.empty()) {
    TRY(auto netlink, net::NetlinkSocket::open(net::NetlinkFamily::route));
    TRY(const int index, net::index_of(netlink, adoption.link, deadline));
    net::LinkChange change;
    change.alias = adoption.mark;
    TRY_VOID(net::change_link(netlink, index, adoption.link, change, deadline));
  }
  if (adoption.file.empty()) return {};
  const std::string path = path_of(config, adoption.file);
  TRY(const auto text, read_file(path, kMostFileBytes));
  struct ::stat before{};
  if (::stat(path.c_str(), &before) != 0) return fail(Errc::not_found, fmt::format("{} is gone", path));
  TRY_VOID(atomic_write_file(path, bird::ownership_line(adoption.owner) + text, before.st_mode & 07777));
  if (::chown(path.c_str(), before.st_uid, before.st_gid) != 0)
    return fail(Errc::denied, fmt::format("{} cannot have its owner back", path));
  return {};
}

}  // namespace moenet::agent
