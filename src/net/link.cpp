#include "net/link.h"

#include <algorithm>
#include <linux/netlink.h>
#include <map>
#include <random>

#include <fmt/format.h>

#include "net/rtnl_codec.h"
#include "net/settled_dump.h"

namespace moenet::net {

namespace {

nlmsghdr* header_of(NetlinkBytes& message) { return reinterpret_cast<nlmsghdr*>(message.data()); }

std::span<const std::uint8_t> bytes_of(const nlmsghdr* message) {
  return {reinterpret_cast<const std::uint8_t*>(message), message->nlmsg_len};
}

Result<std::vector<Link>> dump_once(NetlinkSocket& socket, Deadline deadline) {
  std::map<int, Link> links;
  Result<void> fault;
  NetlinkBytes link_dump = encode_link_dump();
  TRY_VOID(socket.request(
      header_of(link_dump),
      [&](const nlmsghdr* message) {
        auto link = decode_link(bytes_of(message));
        if (!link) fault = std::unexpected(link.error());
        if (link && *link) links.insert_or_assign((**link).index, std::move(**link));
      },
      deadline));
  NetlinkBytes address_dump = encode_address_dump();
  TRY_VOID(socket.request(
      header_of(address_dump),
      [&](const nlmsghdr* message) {
        auto address = decode_address(bytes_of(message));
        if (!address) fault = std::unexpected(address.error());
        if (!address || !*address) return;
        if (const auto link = links.find((**address).first); link != links.end()) {
          link->second.addresses.push_back(std::move((**address).second));
        }
      },
      deadline));
  TRY_VOID(fault);
  std::vector<Link> sorted;
  sorted.reserve(links.size());
  for (auto& [index, link] : links) {
    std::ranges::sort(link.addresses);
    sorted.push_back(std::move(link));
  }
  return sorted;
}

// The steps of a change: messages one after another, and what to say when one fails.
struct Steps {
  NetlinkBytes messages;
  struct Step {
    std::string action;
    std::optional<Errc> harmless;  // a refusal which means that there is nothing to do
  };
  std::vector<Step> steps;

  void add(const NetlinkBytes& message, std::string action, std::optional<Errc> harmless = std::nullopt) {
    messages.insert(messages.end(), message.begin(), message.end());
    steps.push_back({std::move(action), harmless});
  }
};

std::string describe(const LinkAddress& address) {
  return address.peer ? address.local.text() + " peer " + address.peer->text() : address.local.text();
}

Steps steps_of(int index, std::string_view name, const LinkChange& change) {
  Steps steps;
  if (change.alias) steps.add(encode_set_alias(index, *change.alias), fmt::format("set the alias of {}", name));
  if (change.gre) steps.add(encode_set_gre(index, *change.gre), fmt::format("set the GRE header of {}", name));
  if (change.mtu_bytes) {
    steps.add(encode_set_mtu(index, *change.mtu_bytes),
              fmt::format("set the MTU of {} to {}", name, *change.mtu_bytes));
  }
  if (change.no_generated_address) {
    // EAFNOSUPPORT: a link without IPv6 makes no address of its own anyhow.
    steps.add(encode_set_no_generated_address(index), fmt::format("set addrgenmode none on {}", name), Errc::invalid);
  }
  // Before the addresses: the kernel makes the route to an IPv6 address's peer only when the link is up as the address
  // comes (addrconf_dad_begin() in net/ipv6/addrconf.c; seen on 6.18).
  if (change.up)
    steps.add(encode_set_up(index, *change.up), fmt::format("set {} {}", name, *change.up ? "up" : "down"));
  const auto add = [&](const LinkAddress& address) {
    steps.add(encode_add_address(index, address), fmt::format("add address {} to {}", describe(address), name));
  };
  const auto is_in_the_way = [&](const LinkAddress& added) {
    return std::ranges::any_of(change.remove_addresses, [&](const LinkAddress& removed) {
      return removed.local.address == added.local.address;
    });
  };
  for (const auto& address : change.add_addresses) {
    if (!is_in_the_way(address)) add(address);
  }
  for (const auto& address : change.remove_addresses) {
    steps.add(encode_remove_address(index, address), fmt::format("remove address {} from {}", describe(address), name),
              Errc::conflict);  // EADDRNOTAVAIL: it is not there
  }
  for (const auto& address : change.add_addresses) {
    if (is_in_the_way(address)) add(address);
  }
  return steps;
}

}  // namespace

Result<std::vector<Link>> list_links(NetlinkSocket& socket, Deadline deadline) {
  auto links = settled_dump([&] { return dump_once(socket, deadline); }, deadline);
  if (!links) return std::unexpected(with_context(std::move(links).error(), "list links"));
  return links;
}

Result<void> change_link(NetlinkSocket& socket, int index, std::string_view name, const LinkChange& change,
                         Deadline deadline) {
  Steps steps = steps_of(index, name, change);
  if (steps.steps.empty()) return {};
  auto outcomes = socket.batch(steps.messages, deadline);
  if (!outcomes) return std::unexpected(with_context(std::move(outcomes).error(), fmt::format("change link {}", name)));
  for (std::size_t i = 0; i < outcomes->size(); ++i) {
    const Result<void>& outcome = (*outcomes)[i];
    const auto& step = steps.steps[i];
    if (outcome || outcome.error().code == step.harmless) continue;
    return std::unexpected(with_context(outcome.error(), step.action));
  }
  return {};
}

std::vector<Result<int>> create_links(NetlinkSocket& socket, std::string_view kind, const std::vector<NewLink>& links,
                                      Deadline deadline) {
  static thread_local std::minstd_rand random(std::random_device{}());
  NetlinkBytes messages;
  std::vector<int> indexes;
  for (const auto& link : links) {
    // Kernels count up from 1 and wrap at 2^31: in this range nobody is, and a clash is refused by the kernel.
    const int index = std::uniform_int_distribution<int>(1 << 24, 1 << 30)(random);
    indexes.push_back(index);
    const NetlinkBytes create = encode_create_link(index, link.name, kind, link.gre);
    messages.insert(messages.end(), create.begin(), create.end());
    const NetlinkBytes mark = encode_set_alias(index, link.alias);
    messages.insert(messages.end(), mark.begin(), mark.end());
  }
  const auto outcomes = socket.batch(messages, deadline);
  std::vector<Result<int>> results;
  for (std::size_t i = 0; i < links.size(); ++i) {
    const std::string action = fmt::format("create link {} of kind {}", links[i].name, kind);
    if (!outcomes) {
      results.push_back(std::unexpected(with_context(outcomes.error(), action)));
    } else if (const auto& created = (*outcomes)[2 * i]; !created) {
      results.push_back(std::unexpected(with_context(created.error(), action)));
    } else if (const auto& marked = (*outcomes)[2 * i + 1]; !marked) {
      (void)delete_link(socket, indexes[i], links[i].name, deadline);
      results.push_back(
          std::unexpected(with_context(marked.error(), fmt::format("set the alias of {}", links[i].name))));
    } else {
      results.push_back(indexes[i]);
    }
  }
  return results;
}

Result<int> create_link(NetlinkSocket& socket, std::string_view name, std::string_view kind, std::string_view alias,
                        Deadline deadline, const std::optional<GreHeader>& gre) {
  return create_links(socket, kind, {{std::string(name), std::string(alias), gre}}, deadline).front();
}

Result<void> delete_link(NetlinkSocket& socket, int index, std::string_view name, Deadline deadline) {
  NetlinkBytes message = encode_delete_link(index);
  if (auto done = socket.request(header_of(message), {}, deadline); !done) {
    return std::unexpected(with_context(std::move(done).error(), fmt::format("delete link {}", name)));
  }
  return {};
}

Result<Link> find_link(NetlinkSocket& socket, std::string_view name, Deadline deadline) {
  std::optional<Link> found;
  Result<void> fault;
  NetlinkBytes message = encode_link_query(name);
  auto done = socket.request(
      header_of(message),
      [&](const nlmsghdr* answer) {
        auto link = decode_link(bytes_of(answer));
        if (!link)
          fault = std::unexpected(link.error());
        else if (*link)
          found = std::move(**link);
      },
      deadline);
  if (done) done = fault;
  if (!done) return std::unexpected(with_context(std::move(done).error(), fmt::format("find link {}", name)));
  if (!found) return fail(Errc::internal, fmt::format("find link {}: the kernel answered nothing", name));
  return *std::move(found);
}

Result<int> index_of(NetlinkSocket& socket, std::string_view name, Deadline deadline) {
  TRY(const Link link, find_link(socket, name, deadline));
  return link.index;
}

}  // namespace moenet::net
