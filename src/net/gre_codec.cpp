#include "net/gre_codec.h"

#include <array>
#include <linux/if_tunnel.h>
#include <linux/ip6_tunnel.h>

#include <libmnl/libmnl.h>

#include "net/link_kinds.h"

namespace moenet::net {
namespace {

constexpr std::uint8_t kInheritTos = 1;  // ip_tunnel_xmit() in net/ipv4/ip_tunnel.c
// No limit of encapsulations; the inner traffic class is copied.
constexpr std::uint32_t kIp6Flags = IP6_TNL_F_IGN_ENCAP_LIMIT | IP6_TNL_F_USE_ORIG_TCLASS;
// Those that anybody sets; the kernel tells its own findings in the upper bits (__IP6_TNL_F_CAP_*).
constexpr std::uint32_t kIp6FlagsSet = 0xffff;

void put_address(nlmsghdr* message, std::uint16_t type, const std::optional<IpAddress>& address, bool is_v6) {
  const std::array<std::uint8_t, 16> any{};
  if (address) {
    mnl_attr_put(message, type, address->bytes().size(), address->bytes().data());
  } else {
    mnl_attr_put(message, type, is_v6 ? 16 : 4, any.data());
  }
}

// Absent: all zero, which is any.
template <std::size_t Bytes>
std::optional<IpAddress> address_in(const Attribute& attribute) {
  std::array<std::uint8_t, Bytes> bytes{};
  if (!attribute.read(bytes)) return std::nullopt;
  const auto address = [&] {
    if constexpr (Bytes == 4)
      return IpAddress::v4(bytes);
    else
      return IpAddress::v6(bytes);
  }();
  return address.is_unspecified() ? std::nullopt : std::optional(address);
}

// As the kernel tells it; what it leaves out is 0.
struct GreData {
  std::optional<IpAddress> local, remote;
  std::uint16_t input_flags = 0, output_flags = 0;
  std::uint32_t input_key = 0, output_key = 0;
  std::uint8_t ttl = 0, tos = 0, discovers_path_mtu = 0, ignores_df = 0;
  std::uint32_t link = 0, mark = 0, ip6_flags = 0, ip6_flow = 0;
  std::uint16_t encapsulation = TUNNEL_ENCAP_NONE;
  bool is_external = false;
};

void read_into(GreData& data, const Attribute& attribute, bool is_v6) {
  const auto address = [&] { return is_v6 ? address_in<16>(attribute) : address_in<4>(attribute); };
  switch (attribute.type) {
    case IFLA_GRE_LINK: attribute.read(data.link); break;
    case IFLA_GRE_IFLAGS: attribute.read(data.input_flags); break;
    case IFLA_GRE_OFLAGS: attribute.read(data.output_flags); break;
    case IFLA_GRE_IKEY: attribute.read(data.input_key); break;
    case IFLA_GRE_OKEY: attribute.read(data.output_key); break;
    case IFLA_GRE_LOCAL: data.local = address(); break;
    case IFLA_GRE_REMOTE: data.remote = address(); break;
    case IFLA_GRE_TTL: attribute.read(data.ttl); break;
    case IFLA_GRE_TOS: attribute.read(data.tos); break;
    case IFLA_GRE_PMTUDISC: attribute.read(data.discovers_path_mtu); break;
    case IFLA_GRE_IGNORE_DF: attribute.read(data.ignores_df); break;
    case IFLA_GRE_FLAGS: attribute.read(data.ip6_flags); break;
    case IFLA_GRE_FLOWINFO: attribute.read(data.ip6_flow); break;
    case IFLA_GRE_FWMARK: attribute.read(data.mark); break;
    case IFLA_GRE_ENCAP_TYPE: attribute.read(data.encapsulation); break;
    case IFLA_GRE_COLLECT_METADATA: data.is_external = true; break;
    default: break;  // ERSPAN's, which other kinds have
  }
}

bool is_usual(const GreData& data, bool is_v6) {
  const bool is_usual_outside = is_v6 ? (data.ip6_flags & kIp6FlagsSet) == kIp6Flags && data.ip6_flow == 0
                                      : data.tos == kInheritTos && data.discovers_path_mtu != 0;
  const bool is_same_both_ways = data.input_flags == data.output_flags && data.input_key == data.output_key;
  return is_usual_outside && is_same_both_ways && (data.input_flags & ~GRE_KEY) == 0 && data.link == 0 &&
         data.mark == 0 && data.encapsulation == TUNNEL_ENCAP_NONE;
}

}  // namespace

std::string_view gre_kind(const GreHeader& header) { return header.remote->is_v6() ? kIp6GreKind.name : kGreKind.name; }

void put_gre(nlmsghdr* message, const GreHeader& header) {
  const bool is_v6 = header.remote->is_v6();
  const std::uint16_t flags = header.key ? GRE_KEY : 0;
  const std::uint32_t key = __cpu_to_be32(header.key.value_or(0));
  mnl_attr_put_u32(message, IFLA_GRE_LINK, 0);
  mnl_attr_put_u16(message, IFLA_GRE_IFLAGS, flags);
  mnl_attr_put_u16(message, IFLA_GRE_OFLAGS, flags);
  mnl_attr_put_u32(message, IFLA_GRE_IKEY, key);
  mnl_attr_put_u32(message, IFLA_GRE_OKEY, key);
  put_address(message, IFLA_GRE_LOCAL, header.local, is_v6);
  put_address(message, IFLA_GRE_REMOTE, header.remote, is_v6);
  mnl_attr_put_u8(message, IFLA_GRE_TTL, header.ttl);
  if (is_v6) {
    mnl_attr_put_u8(message, IFLA_GRE_ENCAP_LIMIT, 0);
    mnl_attr_put_u32(message, IFLA_GRE_FLOWINFO, 0);
    mnl_attr_put_u32(message, IFLA_GRE_FLAGS, kIp6Flags);
  } else {
    mnl_attr_put_u8(message, IFLA_GRE_TOS, kInheritTos);
    mnl_attr_put_u8(message, IFLA_GRE_PMTUDISC, 1);
  }
  mnl_attr_put_u32(message, IFLA_GRE_FWMARK, 0);
  mnl_attr_put_u16(message, IFLA_GRE_ENCAP_TYPE, TUNNEL_ENCAP_NONE);
}

std::optional<GreHeader> decode_gre(std::string_view kind, ByteView bytes) {
  const bool is_v6 = kind == kIp6GreKind.name;
  if (!is_v6 && kind != kGreKind.name) return std::nullopt;
  GreData data;
  each_attribute(bytes, [&](const Attribute& attribute) {
    read_into(data, attribute, is_v6);
    return true;
  });
  if (!data.remote || data.is_external || data.ignores_df != 0) return std::nullopt;
  GreHeader header;
  header.local = data.local;
  header.remote = data.remote;
  if ((data.input_flags & GRE_KEY) != 0) header.key = __be32_to_cpu(data.input_key);
  header.ttl = data.ttl;
  header.is_usual = is_usual(data, is_v6);
  return header;
}

}  // namespace moenet::net
