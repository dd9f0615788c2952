#include "net/dns_message.h"

#include <algorithm>
#include <arpa/nameser.h>
#include <array>
#include <resolv.h>
#include <strings.h>

#include <fmt/format.h>

namespace moenet::net {
namespace {

struct TypeName {
  DnsType type;
  std::string_view name;
};
constexpr TypeName kTypes[] = {{DnsType::a, "A"},    {DnsType::aaaa, "AAAA"}, {DnsType::mx, "MX"},
                               {DnsType::ns, "NS"},  {DnsType::ptr, "PTR"},   {DnsType::soa, "SOA"},
                               {DnsType::txt, "TXT"}};

void put16(std::vector<std::uint8_t>& out, unsigned value) {
  out.push_back(static_cast<std::uint8_t>(value >> 8));
  out.push_back(static_cast<std::uint8_t>(value));
}

std::string type_text(std::uint16_t number) {
  constexpr std::uint16_t kCname = 5;
  if (number == kCname) return "CNAME";
  const auto* found = std::ranges::find(kTypes, static_cast<DnsType>(number), &TypeName::type);
  return found != std::end(kTypes) ? std::string(found->name) : fmt::format("TYPE{}", number);
}

// A zone file's string (RFC 1035 section 5.1).
std::string quoted(std::span<const std::uint8_t> bytes) {
  std::string out = "\"";
  for (const std::uint8_t byte : bytes) {
    if (byte < 0x20 || byte > 0x7e)
      out += fmt::format("\\{:03}", byte);
    else if (byte == '"' || byte == '\\')
      out += fmt::format("\\{}", static_cast<char>(byte));
    else
      out += static_cast<char>(byte);
  }
  return out + "\"";
}

// The data of one record, read from its front. What does not fit makes it bad, and that stays.
class RecordData {
 public:
  RecordData(const ns_msg& message, const ns_rr& record)
      : begin_(ns_msg_base(message)), end_(ns_msg_end(message)), left_(ns_rr_rdata(record), ns_rr_rdlen(record)) {}

  std::string name() {
    std::array<char, NS_MAXDNAME> text{};
    const int used = ::dn_expand(begin_, end_, left_.data(), text.data(), static_cast<int>(text.size()));
    if (used < 0 || static_cast<std::size_t>(used) > left_.size()) {
      is_bad_ = true;
      return "";
    }
    left_ = left_.subspan(static_cast<std::size_t>(used));
    return std::string(text.data()) + ".";
  }
  std::uint32_t number(std::size_t bytes) {
    std::uint32_t value = 0;
    for (const std::uint8_t byte : take(bytes)) value = value << 8 | byte;
    return value;
  }
  std::span<const std::uint8_t> take(std::size_t bytes) {
    if (bytes > left_.size()) {
      is_bad_ = true;
      return {};
    }
    const auto front = left_.first(bytes);
    left_ = left_.subspan(bytes);
    return front;
  }
  bool is_empty() const { return left_.empty(); }
  bool is_good() const { return !is_bad_ && left_.empty(); }

 private:
  const std::uint8_t* begin_;
  const std::uint8_t* end_;
  std::span<const std::uint8_t> left_;
  bool is_bad_ = false;
};

template <std::size_t N>
std::array<std::uint8_t, N> array_of(std::span<const std::uint8_t> bytes) {
  std::array<std::uint8_t, N> array{};
  std::ranges::copy(bytes, array.begin());
  return array;
}

std::string texts_of(RecordData& data) {
  std::string text;
  while (!data.is_empty()) text += (text.empty() ? "" : " ") + quoted(data.take(data.number(1)));
  return text;
}

std::string soa_of(RecordData& data) {
  std::string text = data.name();
  text += " " + data.name();
  for (int field = 0; field < 5; ++field) text += fmt::format(" {}", data.number(4));
  return text;
}

// Absent when the data is not what its type says.
std::optional<std::string> value_of(const ns_msg& message, const ns_rr& record) {
  RecordData data(message, record);
  std::string text;
  switch (ns_rr_type(record)) {
    case ns_t_a: text = IpAddress::v4(array_of<4>(data.take(4))).text(); break;
    case ns_t_aaaa: text = IpAddress::v6(array_of<16>(data.take(16))).text(); break;
    case ns_t_mx: text = fmt::format("{} ", data.number(2)), text += data.name(); break;
    case ns_t_ns:
    case ns_t_cname:
    case ns_t_ptr: text = data.name(); break;
    case ns_t_soa: text = soa_of(data); break;
    case ns_t_txt: text = texts_of(data); break;
    default: return fmt::format("\\# {}", ns_rr_rdlen(record));  // RFC 3597 without the bytes
  }
  return data.is_good() ? std::optional(text) : std::nullopt;
}

std::string_view without_dot(std::string_view name) { return name.substr(0, name.size() - name.ends_with('.')); }

bool is_answer_to(ns_msg& message, const DnsQuestion& question) {
  ns_rr asked;
  if (ns_msg_getflag(message, ns_f_qr) != 1 || ns_msg_count(message, ns_s_qd) != 1 ||
      ns_parserr(&message, ns_s_qd, 0, &asked) != 0)
    return false;
  const std::string name(without_dot(question.name));
  return ns_rr_type(asked) == static_cast<std::uint16_t>(question.type) &&
         ::strcasecmp(ns_rr_name(asked), name.c_str()) == 0;
}

}  // namespace

std::string_view name_of(DnsType type) { return std::ranges::find(kTypes, type, &TypeName::type)->name; }

std::optional<DnsType> dns_type_from(std::string_view name) {
  std::string upper(name);
  std::ranges::transform(upper, upper.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  const auto* found = std::ranges::find(kTypes, std::string_view(upper), &TypeName::name);
  return found != std::end(kTypes) ? std::optional(found->type) : std::nullopt;
}

std::string code_text(std::uint8_t code) {
  constexpr std::string_view kCodes[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};
  return code < std::size(kCodes) ? std::string(kCodes[code]) : fmt::format("RCODE {}", code);
}

std::string reverse_name(const IpAddress& address) {
  std::string name;
  const std::string_view bytes = address.bytes();
  for (auto at = bytes.rbegin(); at != bytes.rend(); ++at) {
    const auto byte = static_cast<std::uint8_t>(*at);
    name += address.is_v4() ? fmt::format("{}.", byte) : fmt::format("{:x}.{:x}.", byte & 15, byte >> 4);
  }
  return name + (address.is_v4() ? "in-addr.arpa" : "ip6.arpa");
}

bool is_dns_name(std::string_view name) {
  name = without_dot(name);
  if (name.empty() || name.size() > 253) return false;
  std::size_t label = 0;
  for (const char c : name) {
    const bool is_word =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (c == '.' ? label == 0 : !is_word || label == 63 || (c == '-' && label == 0)) return false;
    label = c == '.' ? 0 : label + 1;
  }
  return label > 0;
}

std::vector<std::uint8_t> encode_dns_query(const DnsQuestion& question, std::uint16_t id) {
  std::vector<std::uint8_t> out;
  put16(out, id);
  put16(out, 0x0100);                                           // recursion desired
  for (const unsigned count : {1, 0, 0, 1}) put16(out, count);  // one question, one additional record
  std::string_view left = without_dot(question.name);
  while (!left.empty()) {
    const std::string_view label = left.substr(0, left.find('.'));
    out.push_back(static_cast<std::uint8_t>(label.size()));
    out.insert(out.end(), label.begin(), label.end());
    left.remove_prefix(std::min(left.size(), label.size() + 1));
  }
  out.push_back(0);
  put16(out, static_cast<std::uint16_t>(question.type));
  put16(out, ns_c_in);
  out.push_back(0);  // EDNS (RFC 6891 section 6.1.2): of the root, type OPT, our size, no flags, no data
  for (const unsigned value : {41u, unsigned{kDnsAnswerBytes}, 0u, 0u, 0u}) put16(out, value);
  return out;
}

Result<DnsAnswer> parse_dns_answer(std::span<const std::uint8_t> message, const DnsQuestion& question,
                                   std::uint16_t id) {
  const auto stranger = [] { return fail(Errc::not_found, "a DNS message that answers another question"); };
  if (message.size() >= 2 && (message[0] << 8 | message[1]) != id) return stranger();
  ns_msg parsed;
  if (ns_initparse(message.data(), static_cast<int>(message.size()), &parsed) != 0)
    return fail(Errc::invalid, "the DNS answer is malformed");
  if (!is_answer_to(parsed, question)) return stranger();
  DnsAnswer answer;
  answer.code = static_cast<std::uint8_t>(ns_msg_getflag(parsed, ns_f_rcode));
  answer.is_authoritative = ns_msg_getflag(parsed, ns_f_aa) != 0;
  const std::size_t count = ns_msg_count(parsed, ns_s_an);
  answer.is_cut = ns_msg_getflag(parsed, ns_f_tc) != 0 || count > kMostDnsRecords;
  for (std::size_t i = 0; i < std::min(count, kMostDnsRecords); ++i) {
    ns_rr record;
    if (ns_parserr(&parsed, ns_s_an, static_cast<int>(i), &record) != 0)
      return fail(Errc::invalid, "the DNS answer is malformed");
    const auto value = value_of(parsed, record);
    if (!value) return fail(Errc::invalid, fmt::format("the DNS answer's record {} is malformed", i + 1));
    answer.records.push_back(
        {std::string(ns_rr_name(record)) + ".", ns_rr_ttl(record), type_text(ns_rr_type(record)), *value});
  }
  return answer;
}

}  // namespace moenet::net
