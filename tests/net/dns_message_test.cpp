#include "net/dns_message.h"

#include <gtest/gtest.h>

namespace moenet::net {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

constexpr std::uint16_t kId = 0x1234;

// The answer to a question, with records of its name (a pointer to offset 12).
Bytes answer_to(const DnsQuestion& question, const std::vector<std::pair<std::uint16_t, Bytes>>& records,
                std::uint16_t flags = 0x8180) {
  Bytes message = encode_dns_query(question, kId);
  message.resize(message.size() - 11);  // without EDNS
  message[2] = static_cast<std::uint8_t>(flags >> 8);
  message[3] = static_cast<std::uint8_t>(flags);
  message[7] = static_cast<std::uint8_t>(records.size());
  message[11] = 0;
  for (const auto& [type, data] : records) {
    message =
        message +
        Bytes{0xc0, 12, static_cast<std::uint8_t>(type >> 8),        static_cast<std::uint8_t>(type),       0, 1, 0, 0,
              0,    60, static_cast<std::uint8_t>(data.size() >> 8), static_cast<std::uint8_t>(data.size())};
    message = message + data;
  }
  return message;
}

Bytes text(std::string_view characters) { return {characters.begin(), characters.end()}; }

TEST(DnsMessage, QueryIsAsRfc1035AndRfc6891Say) {
  EXPECT_EQ(encode_dns_query({"a.dn42.", DnsType::aaaa}, kId),
            (Bytes{0x12, 0x34, 1,  0, 0,    1, 0, 0, 0, 0, 0, 1, 1, 'a', 4, 'd', 'n', '4', '2', 0, 0, 28, 0, 1,  //
                   0,    0,    41, 4, 0xd0, 0, 0, 0, 0, 0, 0}));
}

TEST(DnsMessage, SaysEveryTypeAsAZoneFileDoes) {
  const Bytes pointer{0xc0, 12};  // to the question's name
  const std::tuple<DnsType, Bytes, std::string_view> table[] = {
      {DnsType::a, {172, 20, 0, 53}, "172.20.0.53"},
      {DnsType::aaaa, {0xfd, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, "fd42::1"},
      {DnsType::ns, pointer, "x.dn42."},
      {DnsType::ptr, Bytes{1, 'p'} + pointer, "p.x.dn42."},
      {DnsType::mx, Bytes{0, 10} + pointer, "10 x.dn42."},
      {DnsType::txt, Bytes{3} + text("a\"b") + Bytes{2, 0x1b, '\n'}, R"("a\"b" "\027\010")"},
      {DnsType::soa, pointer + Bytes{1, 'h'} + pointer + Bytes{0, 0, 0, 1, 0, 0, 0,    2,    0,    0,
                                                               0, 3, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff},
       "x.dn42. h.x.dn42. 1 2 3 4 4294967295"},
  };
  for (const auto& [type, data, value] : table) {
    const DnsQuestion question{"x.dn42", type};
    const auto answer =
        parse_dns_answer(answer_to(question, {{static_cast<std::uint16_t>(type), data}}), question, kId);
    ASSERT_TRUE(answer) << name_of(type) << answer.error().what;
    EXPECT_EQ(answer->records,
              (std::vector<DnsRecord>{{"x.dn42.", 60, std::string(name_of(type)), std::string(value)}}));
  }
}

TEST(DnsMessage, DataThatIsNotWhatItsTypeSaysIsRefused) {
  const DnsQuestion question{"x.dn42", DnsType::a};
  const std::pair<std::uint16_t, Bytes> table[] = {
      {1, {1, 2, 3}},     {1, {1, 2, 3, 4, 5}}, {28, {1}},       {2, {}},
      {2, {0xc0, 12, 0}}, {2, {0xc0, 200}},     {2, {0xc0, 36}},  // to itself
      {15, {0}},          {16, {5, 'a'}},       {6, {0xc0, 12}}, {12, {63, 'a'}}};
  for (const auto& [type, data] : table) {
    const auto answer = parse_dns_answer(answer_to(question, {{type, data}}), question, kId);
    ASSERT_FALSE(answer) << type << " " << data.size();
    EXPECT_EQ(answer.error().code, Errc::invalid);
  }
}

TEST(DnsMessage, OnlyAnAnswerToTheQuestionCounts) {
  const DnsQuestion question{"x.dn42", DnsType::a};
  const Bytes good = answer_to({"X.DN42", DnsType::a}, {});
  EXPECT_TRUE(parse_dns_answer(good, question, kId)) << "names have no case";
  EXPECT_EQ(parse_dns_answer(good, question, kId + 1).error().code, Errc::not_found);
  EXPECT_EQ(parse_dns_answer(answer_to({"y.dn42", DnsType::a}, {}), question, kId).error().code, Errc::not_found);
  EXPECT_EQ(parse_dns_answer(answer_to({"x.dn42", DnsType::ns}, {}), question, kId).error().code, Errc::not_found);
  EXPECT_EQ(parse_dns_answer(answer_to(question, {}, 0x0100), question, kId).error().code, Errc::not_found)
      << "a question";
}

TEST(DnsMessage, TruncatedAnywhereIsAnErrorAndNeverMore) {
  const DnsQuestion question{"x.dn42", DnsType::txt};
  const Bytes whole = answer_to(question, {{16, Bytes{3} + text("abc")}, {1, {1, 2, 3, 4}}});
  ASSERT_TRUE(parse_dns_answer(whole, question, kId));
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(parse_dns_answer(std::span(whole).first(size), question, kId)) << size;
}

TEST(DnsMessage, TellsTheCodeAndWhetherMoreWasThere) {
  const DnsQuestion question{"x.dn42", DnsType::a};
  const auto answer = parse_dns_answer(answer_to(question, {}, 0x8783), question, kId);
  ASSERT_TRUE(answer);
  EXPECT_EQ(code_text(answer->code), "NXDOMAIN");
  EXPECT_TRUE(answer->is_cut);
  EXPECT_TRUE(answer->is_authoritative);
  EXPECT_EQ(code_text(11), "RCODE 11");
}

TEST(DnsMessage, NamesOfAddressesAndWhatANameIs) {
  EXPECT_EQ(reverse_name(*IpAddress::parse("172.20.0.53")), "53.0.20.172.in-addr.arpa");
  EXPECT_EQ(reverse_name(*IpAddress::parse("fd42::1")),
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.2.4.d.f.ip6.arpa");
  const std::string names[] = {"dn42", "a.dn42.", "_dmarc.x-1.dn42", std::string(63, 'a')};
  for (const std::string& name : names) EXPECT_TRUE(is_dns_name(name)) << name;
  const std::string others[] = {
      "", ".", "a..b", ".a", "a b", "a\n", "a;b", "-a.dn42", std::string(64, 'a'), "ü.dn42", std::string("a\0b", 3)};
  for (const std::string& name : others) EXPECT_FALSE(is_dns_name(name)) << name;
  EXPECT_EQ(dns_type_from("aaaa"), DnsType::aaaa);
  EXPECT_FALSE(dns_type_from("ANY"));
}

}  // namespace
}  // namespace moenet::net
