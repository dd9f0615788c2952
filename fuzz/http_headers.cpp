// A request's headers, one per line: whose it is, and where its body ends. Never a crash; what is sound has one end;
// and whoever is no trusted proxy names nobody but itself.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/forwarded.h"
#include "http/framing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet;
  std::string_view rest(reinterpret_cast<const char*>(bytes), size);
  http::Headers headers;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) headers.add(line.substr(0, colon), line.substr(colon + 1));
  }
  const auto length = headers.find("Content-Length");
  if (!http::framing_fault(headers, "HTTP/1.1") && length) {
    if (headers.find("Transfer-Encoding") || length->find_first_not_of("0123456789") != length->npos) std::abort();
  }
  const IpPrefix proxy = IpPrefix::parse("192.0.2.0/24").value();
  for (const auto header : {http::ProxyHeader::x_forwarded_for, http::ProxyHeader::forwarded}) {
    const http::ProxyTrust trust{{proxy}, header};
    if (!IpAddress::parse(http::origin_of("192.0.2.1", false, headers, trust).address)) std::abort();
    if (http::origin_of("198.51.100.1", false, headers, trust).address != "198.51.100.1") std::abort();
  }
  return 0;
}
