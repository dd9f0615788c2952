// DNS messages as bytes (RFC 1035, RFC 3596): a question of one of seven types, and what an answer says to it. Pure;
// answers are from anybody.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/result.h"

namespace moenet::net {

enum class DnsType : std::uint16_t { a = 1, ns = 2, soa = 6, ptr = 12, mx = 15, txt = 16, aaaa = 28 };
std::string_view name_of(DnsType type);                       // "AAAA"
std::optional<DnsType> dns_type_from(std::string_view name);  // upper or lower case

struct DnsRecord {
  std::string name;
  std::uint32_t ttl_seconds = 0;
  std::string type;   // "MX", "TYPE46"
  std::string value;  // as in a zone file, printable ASCII

  friend bool operator==(const DnsRecord&, const DnsRecord&) = default;
};

struct DnsAnswer {
  std::uint8_t code = 0;  // RCODE
  bool is_authoritative = false;
  bool is_cut = false;             // the server had more than fits, or there are more than kMostDnsRecords
  std::vector<DnsRecord> records;  // of the answer section

  friend bool operator==(const DnsAnswer&, const DnsAnswer&) = default;
};
std::string code_text(std::uint8_t code);  // "NXDOMAIN", "RCODE 11"

// What we offer to take (RFC 6891): the largest that no path with IPv6's least MTU fragments (dnsflagday.net/2020).
inline constexpr std::uint16_t kDnsAnswerBytes = 1232;
inline constexpr std::size_t kMostDnsRecords = 100;  // chosen: more than such an answer holds of anything but noise

// "1.0.0.127.in-addr.arpa"
std::string reverse_name(const IpAddress& address);

// Letters, digits, '-' (not first) and '_' in labels of 1 to 63, 253 bytes in all; a dot at the end may be.
bool is_dns_name(std::string_view name);

struct DnsQuestion {
  std::string name;  // by is_dns_name
  DnsType type = DnsType::a;
};
std::vector<std::uint8_t> encode_dns_query(const DnsQuestion& question, std::uint16_t id);

// Errors: not_found (no answer to this question and id: a stranger's or a stale packet), invalid (cannot be read).
Result<DnsAnswer> parse_dns_answer(std::span<const std::uint8_t> message, const DnsQuestion& question,
                                   std::uint16_t id);

}  // namespace moenet::net
