#include "net/rtnl_codec.h"

#include <algorithm>
#include <array>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string>
#include <sys/socket.h>

#include <libmnl/libmnl.h>

#include "net/gre_codec.h"
#include "net/netlink_attributes.h"

namespace moenet::net {

namespace {

// Every message made here is a header, a few numbers and texts that the callers bound: names 15 bytes, aliases 255
// (IFALIASZ - 1), kinds 15.
constexpr std::size_t kMessageBytes = 1024;
constexpr std::size_t kMaxNameBytes = IFNAMSIZ - 1;
constexpr std::size_t kMaxAliasBytes = IFALIASZ - 1;

class Message {
 public:
  Message(std::uint16_t type, std::uint16_t flags)
      : bytes_(kMessageBytes), header_(mnl_nlmsg_put_header(bytes_.data())) {
    header_->nlmsg_type = type;
    header_->nlmsg_flags = flags;
  }
  template <class Extra>
  Extra* extra() {
    return static_cast<Extra*>(mnl_nlmsg_put_extra_header(header_, sizeof(Extra)));
  }
  void text(std::uint16_t type, std::string_view text, std::size_t limit) {
    const std::string bounded(text.substr(0, limit));
    mnl_attr_put_strz(header_, type, bounded.c_str());
  }
  nlmsghdr* header() { return header_; }
  NetlinkBytes finish() {
    bytes_.resize(MNL_ALIGN(header_->nlmsg_len));
    return std::move(bytes_);
  }

 private:
  NetlinkBytes bytes_;
  nlmsghdr* header_;
};

Message set_link(int index) {
  Message message(RTM_SETLINK, 0);
  message.extra<ifinfomsg>()->ifi_index = index;
  return message;
}

// `ip address` shows it as "proto 0x6d". Numbers below 16 are the kernel's (linux/if_addr.h); chosen: "m".
constexpr std::uint8_t kAddressProtocol = 0x6d;

NetlinkBytes address_message(std::uint16_t type, std::uint16_t flags, int index, const LinkAddress& address) {
  Message message(type, flags);
  auto* body = message.extra<ifaddrmsg>();
  const IpAddress& local = address.local.address;
  body->ifa_family = local.is_v4() ? AF_INET : AF_INET6;
  body->ifa_prefixlen = address.local.length;
  body->ifa_scope = local.is_link_local() ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  body->ifa_index = static_cast<std::uint32_t>(index);
  // Duplicate address detection would make the address unusable for a second or more, and a tunnel has no neighbours to
  // collide.
  if (local.is_v6() && type == RTM_NEWADDR) body->ifa_flags = IFA_F_NODAD;
  const auto put = [&](std::uint16_t attribute, const IpAddress& value) {
    mnl_attr_put(message.header(), attribute, value.bytes().size(), value.bytes().data());
  };
  put(IFA_LOCAL, local);
  put(IFA_ADDRESS, address.peer.value_or(local));
  if (type == RTM_NEWADDR) mnl_attr_put_u8(message.header(), IFA_PROTO, kAddressProtocol);
  return message.finish();
}

void put_link_info(Message& message, std::string_view kind, const std::optional<GreHeader>& gre) {
  nlattr* link_info = mnl_attr_nest_start(message.header(), IFLA_LINKINFO);
  message.text(IFLA_INFO_KIND, kind, kMaxNameBytes);
  if (gre) {
    nlattr* parameters = mnl_attr_nest_start(message.header(), IFLA_INFO_DATA);
    put_gre(message.header(), *gre);
    mnl_attr_nest_end(message.header(), parameters);
  }
  mnl_attr_nest_end(message.header(), link_info);
}

void read_link_info(ByteView link_info, Link& link) {
  ByteView parameters;
  each_attribute(link_info, [&](const Attribute& attribute) {
    if (attribute.type == IFLA_INFO_KIND) link.kind = attribute.text();
    if (attribute.type == IFLA_INFO_DATA) parameters = attribute.payload;
    return true;
  });
  link.gre = decode_gre(link.kind, parameters);
}

std::optional<IpAddress> address_of(const Attribute& attribute, unsigned char family) {
  std::array<std::uint8_t, 4> v4{};
  if (family == AF_INET && attribute.read(v4)) return IpAddress::v4(v4);
  std::array<std::uint8_t, 16> v6{};
  if (family == AF_INET6 && attribute.read(v6)) return IpAddress::v6(v6);
  return std::nullopt;
}

}  // namespace

NetlinkBytes encode_link_dump() {
  Message message(RTM_GETLINK, NLM_F_DUMP);
  message.extra<ifinfomsg>();
  mnl_attr_put_u32(message.header(), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  return message.finish();
}

NetlinkBytes encode_address_dump() {
  Message message(RTM_GETADDR, NLM_F_DUMP);
  message.extra<ifaddrmsg>();
  return message.finish();
}

NetlinkBytes encode_link_query(std::string_view name) {
  Message message(RTM_GETLINK, 0);
  message.extra<ifinfomsg>();
  message.text(IFLA_IFNAME, name, kMaxNameBytes);
  mnl_attr_put_u32(message.header(), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  return message.finish();
}

NetlinkBytes encode_create_link(int index, std::string_view name, std::string_view kind,
                                const std::optional<GreHeader>& gre) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.extra<ifinfomsg>()->ifi_index = index;
  message.text(IFLA_IFNAME, name, kMaxNameBytes);
  put_link_info(message, kind, gre);
  return message.finish();
}

NetlinkBytes encode_delete_link(int index) {
  Message message(RTM_DELLINK, 0);
  message.extra<ifinfomsg>()->ifi_index = index;
  return message.finish();
}

NetlinkBytes encode_set_alias(int index, std::string_view alias) {
  Message message = set_link(index);
  mnl_attr_put(message.header(), IFLA_IFALIAS, std::min(alias.size(), kMaxAliasBytes), alias.data());  // without NUL
  return message.finish();
}

// RTM_SETLINK takes no data of a kind; RTM_NEWLINK without NLM_F_CREATE changes a link that is there (rtnetlink.c).
NetlinkBytes encode_set_gre(int index, const GreHeader& gre) {
  Message message(RTM_NEWLINK, 0);
  message.extra<ifinfomsg>()->ifi_index = index;
  put_link_info(message, gre_kind(gre), gre);
  return message.finish();
}

NetlinkBytes encode_set_mtu(int index, std::uint32_t mtu_bytes) {
  Message message = set_link(index);
  mnl_attr_put_u32(message.header(), IFLA_MTU, mtu_bytes);
  return message.finish();
}

NetlinkBytes encode_set_no_generated_address(int index) {
  Message message = set_link(index);
  nlattr* families = mnl_attr_nest_start(message.header(), IFLA_AF_SPEC);
  nlattr* inet6 = mnl_attr_nest_start(message.header(), AF_INET6);
  mnl_attr_put_u8(message.header(), IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
  mnl_attr_nest_end(message.header(), inet6);
  mnl_attr_nest_end(message.header(), families);
  return message.finish();
}

NetlinkBytes encode_set_up(int index, bool up) {
  Message message(RTM_SETLINK, 0);
  auto* body = message.extra<ifinfomsg>();
  body->ifi_index = index;
  body->ifi_flags = up ? static_cast<unsigned>(IFF_UP) : 0U;
  body->ifi_change = IFF_UP;
  return message.finish();
}

NetlinkBytes encode_add_address(int index, const LinkAddress& address) {
  return address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, index, address);
}

NetlinkBytes encode_remove_address(int index, const LinkAddress& address) {
  return address_message(RTM_DELADDR, 0, index, address);
}

Result<std::optional<Link>> decode_link(std::span<const std::uint8_t> message) {
  nlmsghdr header{};
  ifinfomsg body{};
  ByteView attributes;
  if (!read_message(message, header, body, attributes)) return fail(Errc::internal, "a link message that is cut short");
  if (header.nlmsg_type != RTM_NEWLINK) return std::nullopt;
  Link link;
  link.index = body.ifi_index;
  link.up = (body.ifi_flags & IFF_UP) != 0;
  link.running = (body.ifi_flags & IFF_RUNNING) != 0;
  each_attribute(attributes, [&](const Attribute& attribute) {
    switch (attribute.type) {
      case IFLA_IFNAME: link.name = attribute.text(); break;
      case IFLA_IFALIAS: link.alias = attribute.text(); break;
      case IFLA_LINKINFO: read_link_info(attribute.payload, link); break;
      case IFLA_MTU: attribute.read(link.mtu_bytes); break;
      default: break;  // the kernel has some sixty more
    }
    return true;
  });
  if (link.index <= 0 || link.name.empty()) return fail(Errc::internal, "a link message without index or name");
  return link;
}

Result<std::optional<std::pair<int, LinkAddress>>> decode_address(std::span<const std::uint8_t> message) {
  nlmsghdr header{};
  ifaddrmsg body{};
  ByteView attributes;
  if (!read_message(message, header, body, attributes))
    return fail(Errc::internal, "an address message that is cut short");
  if (header.nlmsg_type != RTM_NEWADDR) return std::nullopt;
  std::optional<IpAddress> local;
  std::optional<IpAddress> address;
  bool is_ours = false;
  std::uint8_t protocol = 0;
  each_attribute(attributes, [&](const Attribute& attribute) {
    if (attribute.type == IFA_LOCAL) local = address_of(attribute, body.ifa_family);
    if (attribute.type == IFA_ADDRESS) address = address_of(attribute, body.ifa_family);
    if (attribute.type == IFA_PROTO) is_ours = attribute.read(protocol) && protocol == kAddressProtocol;
    return true;
  });
  // IPv6 without a peer comes as IFA_ADDRESS alone; with a peer, IFA_LOCAL is ours and IFA_ADDRESS the peer's
  // (linux/if_addr.h).
  if (!local) local = address;
  if (!local || body.ifa_prefixlen > local->bits()) return fail(Errc::internal, "an address message without address");
  LinkAddress result{{*local, body.ifa_prefixlen}, std::nullopt, is_ours};
  if (address && *address != *local) result.peer = address;
  return std::pair(static_cast<int>(body.ifa_index), std::move(result));
}

}  // namespace moenet::net
