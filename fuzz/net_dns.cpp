// An answer of a name server: never a crash, and all that is told of it is printable ASCII.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "net/dns_message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moenet::net;
  const auto is_printable = [](const std::string& text) {
    return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c <= 0x7e; });
  };
  const auto answer = parse_dns_answer({data, size}, {"x.dn42", DnsType::a}, 0x1234);
  if (!answer) return 0;
  for (const DnsRecord& record : answer->records) {
    if (!is_printable(record.name) || !is_printable(record.value)) std::abort();
  }
  return 0;
}
