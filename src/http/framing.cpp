#include "http/framing.h"

#include <algorithm>
#include <strings.h>

namespace moenet::http {

namespace {

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// "Content-Length : 5" is a length to some readers, and to the library an unknown header (RFC 9112 section 5.1).
bool has_blank(const std::pair<std::string, std::string>& header) {
  return std::ranges::any_of(header.first, [](unsigned char c) { return c <= ' ' || c == 0x7f; });
}

bool is_chunked(std::string_view coding) {
  constexpr std::string_view kChunked = "chunked";
  return coding.size() == kChunked.size() && ::strncasecmp(coding.data(), kChunked.data(), coding.size()) == 0;
}

}  // namespace

// Two lines of one name stand behind each other with a comma (Headers::add).
std::optional<std::string_view> framing_fault(const Headers& headers, std::string_view version) {
  if (std::ranges::any_of(headers.all(), has_blank)) return "a blank in the name of a header";
  const auto length = headers.find("Content-Length");
  const auto coding = headers.find("Transfer-Encoding");
  if (length && coding) return "Content-Length beside Transfer-Encoding";
  if (length && !is_number(*length)) return "Content-Length is not one number";
  if (coding && !is_chunked(*coding)) return "Transfer-Encoding is not chunked";
  if (coding && version == "HTTP/1.0") return "Transfer-Encoding in HTTP/1.0";
  if (headers.find("Host").value_or("").contains(',')) return "Host is not one name";
  return std::nullopt;
}

}  // namespace moenet::http
