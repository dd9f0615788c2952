#include "net/nfnetlink_codec.h"

#include <arpa/inet.h>
#include <cassert>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string>

#include <libmnl/libmnl.h>

#include "net/netlink_attributes.h"

namespace moenet::net {

namespace {

constexpr std::size_t kTableBytesMax = 32;
constexpr std::size_t kMessageBytes = 128;  // a header of 16, nfgenmsg of 4, a name

constexpr std::uint16_t type_of(nf_tables_msg_types message) {
  return static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | message);
}

nlmsghdr* begin(std::vector<std::uint8_t>& bytes, nf_tables_msg_types message, std::uint8_t family) {
  auto* header = mnl_nlmsg_put_header(bytes.data());
  header->nlmsg_type = type_of(message);
  auto* body = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  body->nfgen_family = family;
  body->version = NFNETLINK_V0;
  return header;
}

// The number, in network order, in one attribute of a message of type `wanted`.
Result<std::optional<std::uint32_t>> decode_number(std::span<const std::uint8_t> message, nf_tables_msg_types wanted,
                                                   std::uint16_t attribute_type) {
  nlmsghdr header{};
  nfgenmsg body{};
  ByteView attributes;
  if (!read_message(message, header, body, attributes)) {
    return fail(Errc::internal, "an answer of nf_tables is cut short");
  }
  if (header.nlmsg_type != type_of(wanted)) return std::nullopt;
  std::optional<std::uint32_t> found;
  each_attribute(attributes, [&](const Attribute& attribute) {
    std::uint32_t number = 0;
    if (attribute.type == attribute_type && attribute.read(number)) found = ntohl(number);
    return true;
  });
  if (!found) return fail(Errc::internal, "an answer of nf_tables lacks what was asked for");
  return found;
}

}  // namespace

std::vector<std::uint8_t> encode_generation_query() {
  std::vector<std::uint8_t> bytes(kMessageBytes);
  bytes.resize(begin(bytes, NFT_MSG_GETGEN, NFPROTO_UNSPEC)->nlmsg_len);
  return bytes;
}

Result<std::optional<std::uint32_t>> decode_generation(std::span<const std::uint8_t> message) {
  return decode_number(message, NFT_MSG_NEWGEN, NFTA_GEN_ID);
}

std::vector<std::uint8_t> encode_inet_table_query(std::string_view table) {
  assert(table.size() <= kTableBytesMax);
  std::vector<std::uint8_t> bytes(kMessageBytes);
  nlmsghdr* header = begin(bytes, NFT_MSG_GETTABLE, NFPROTO_INET);
  mnl_attr_put_strz(header, NFTA_TABLE_NAME, std::string(table).c_str());
  bytes.resize(header->nlmsg_len);
  return bytes;
}

Result<std::optional<std::uint32_t>> decode_table_flags(std::span<const std::uint8_t> message) {
  return decode_number(message, NFT_MSG_NEWTABLE, NFTA_TABLE_FLAGS);
}

}  // namespace moenet::net
