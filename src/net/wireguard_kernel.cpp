// The kernel's WireGuard: links by rtnetlink, devices by generic netlink.
#include <cerrno>
#include <linux/netlink.h>
#include <linux/wireguard.h>

#include <fmt/format.h>

#include "base/secret.h"
#include "net/link.h"
#include "net/netlink.h"
#include "net/wireguard.h"
#include "net/wireguard_genl_codec.h"

namespace moenet::net {

namespace {

// As for links: a dump that changed while it was read is read again.
constexpr int kDumpAttempts = 4;

nlmsghdr* header_of(std::vector<std::uint8_t>& message) { return reinterpret_cast<nlmsghdr*>(message.data()); }

std::span<const std::uint8_t> bytes_of(const nlmsghdr* message) {
  return {reinterpret_cast<const std::uint8_t*>(message), message->nlmsg_len};
}

// The messages of a change, which hold keys.
struct WipedMessages {
  std::vector<std::vector<std::uint8_t>> messages;

  explicit WipedMessages(std::vector<std::vector<std::uint8_t>> made) : messages(std::move(made)) {}
  WipedMessages(const WipedMessages&) = delete;
  WipedMessages& operator=(const WipedMessages&) = delete;
  ~WipedMessages() {
    for (auto& message : messages) wipe(message.data(), message.size());
  }
};

class KernelWireGuard final : public WireGuard {
 public:
  KernelWireGuard(NetlinkSocket route, NetlinkSocket generic, std::uint16_t family)
      : route_(std::move(route)), generic_(std::move(generic)), family_(family) {}

  Result<std::vector<std::string>> list(Deadline deadline) override {
    TRY(const auto links, list_links(route_, deadline));
    std::vector<std::string> names;
    for (const auto& link : links) {
      if (link.kind == link_kind()) names.push_back(link.name);
    }
    return names;
  }

  Result<WgDevice> get(std::string_view name, Deadline deadline) override {
    for (int attempt = 1;; ++attempt) {
      auto device = get_once(name, deadline);
      if (device) return device;
      if (device.error().code != Errc::unavailable || attempt == kDumpAttempts) {
        return std::unexpected(with_context(std::move(device).error(), fmt::format("get wg device {}", name)));
      }
    }
  }

  Result<void> set(std::string_view name, const WgChange& change, Deadline deadline) override {
    WipedMessages made(encode_wg_set(family_, name, change));
    for (auto& message : made.messages) {
      auto done = generic_.request(header_of(message), {}, deadline);
      if (done) continue;
      // The one address that the kernel binds is the listen port's.
      if (done.error().code == Errc::conflict && change.listen_port) {
        return fail(Errc::conflict,
                    fmt::format("set wg device {}: listen port {} is in use", name, *change.listen_port));
      }
      return std::unexpected(with_context(std::move(done).error(), fmt::format("set wg device {}", name)));
    }
    return {};
  }

  std::vector<Result<void>> create(const std::vector<NewDevice>& devices, Deadline deadline) override {
    std::vector<Result<void>> results;
    for (const auto& created : create_links(route_, link_kind(), devices, deadline)) {
      results.push_back(created ? Result<void>() : std::unexpected(created.error()));
    }
    return results;
  }

  Result<void> remove(std::string_view name, Deadline deadline) override {
    const auto index = index_of(route_, name, deadline);
    if (!index && index.error().code == Errc::not_found) return {};
    if (!index) return std::unexpected(index.error());
    auto done = delete_link(route_, *index, name, deadline);  // acknowledged when the link is gone
    return !done && done.error().code == Errc::not_found ? Result<void>() : done;
  }

  std::string_view link_kind() const override { return "wireguard"; }

 private:
  Result<WgDevice> get_once(std::string_view name, Deadline deadline) {
    WgDevice device;
    Result<void> fault;
    auto message = encode_wg_get(family_, name);
    TRY_VOID(generic_.request(
        header_of(message),
        [&](const nlmsghdr* answer) {
          if (auto read = decode_wg_device(bytes_of(answer), device); !read && fault) fault = read;
        },
        deadline));
    TRY_VOID(fault);
    sort_wg_device(device);
    return device;
  }

  NetlinkSocket route_;
  NetlinkSocket generic_;
  std::uint16_t family_;
};

}  // namespace

Result<std::unique_ptr<WireGuard>> open_kernel_wireguard() {
  TRY(auto route, NetlinkSocket::open(NetlinkFamily::route));
  TRY(auto generic, NetlinkSocket::open(NetlinkFamily::generic));
  Result<std::uint16_t> family = fail(Errc::internal, "no answer");
  auto query = encode_family_query(WG_GENL_NAME);
  // Loading the module takes a slow machine well under a second; ten are for a boot under load (chosen).
  const auto asked = generic.request(
      header_of(query), [&](const nlmsghdr* answer) { family = decode_family(bytes_of(answer)); },
      Deadline::after(std::chrono::seconds(10)));
  if (!asked && asked.error().code == Errc::not_found) return fail(Errc::invalid, "this kernel has no WireGuard");
  if (!asked) return std::unexpected(with_context(asked.error(), "ask the kernel for WireGuard"));
  if (!family) return std::unexpected(with_context(family.error(), "ask the kernel for WireGuard"));
  return std::make_unique<KernelWireGuard>(std::move(route), std::move(generic), *family);
}

}  // namespace moenet::net
