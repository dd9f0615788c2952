#include "net/host_facts.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <sys/utsname.h>
#include <vector>

#include "base/file.h"
#include "net/link.h"
#include "net/netlink.h"

namespace moenet::net {

namespace {

// /proc/net/dev has some 120 bytes per link; all else is smaller.
constexpr std::size_t kMaxFileBytes = 4U << 20;

std::string read_proc(const char* path) { return read_file(path, kMaxFileBytes).value_or(std::string()); }

std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t start = line.find_first_not_of(' '); start != std::string_view::npos;) {
    const std::size_t end = std::min(line.find(' ', start), line.size());
    words.push_back(line.substr(start, end - start));
    start = line.find_first_not_of(' ', end);
  }
  return words;
}

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

bool is_in(const IpAddress& address, std::initializer_list<const char*> ranges) {
  return std::ranges::any_of(ranges, [&](const char* range) {
    const auto prefix = IpPrefix::parse(range);
    return prefix && prefix->contains(address);
  });
}

void find_public_addresses(HostFacts& facts, Deadline deadline) {
  auto socket = NetlinkSocket::open(NetlinkFamily::route);
  if (!socket) return;
  const auto links = list_links(*socket, deadline);
  if (!links) return;
  for (const auto& link : *links) {
    for (const auto& address : link.addresses) {
      auto& fact = address.local.address.is_v4() ? facts.public_ipv4 : facts.public_ipv6;
      if (!fact && link.up && is_public(address.local.address)) fact = address.local.address;
    }
  }
}

}  // namespace

bool is_public(const IpAddress& address) {
  if (address.is_v6())
    return is_in(address, {"2000::/3"}) && !is_in(address, {"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"});
  return !is_in(address, {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
                          "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
                          "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"});
}

std::string parse_load_average(std::string_view text) {
  const auto words = words_of(next_line(text));
  if (words.size() < 3) return {};
  return std::string(words[0]).append(" ").append(words[1]).append(" ").append(words[2]);
}

std::chrono::seconds parse_uptime(std::string_view text) {
  return std::chrono::seconds(static_cast<std::int64_t>(number_of(text) & 0xFFFF'FFFF'FFFF));
}

Traffic parse_traffic(std::string_view text) {
  Traffic sum;
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    const std::size_t colon = line.rfind(':');      // a name may hold one, the numbers never do
    if (colon == std::string_view::npos) continue;  // the two heading lines
    const auto name = words_of(line.substr(0, colon));
    const auto numbers = words_of(line.substr(colon + 1));
    if (name.empty() || name[0] == "lo" || numbers.size() < 9) continue;
    sum.rx_bytes +=
        number_of(numbers[0]);  // receive has eight columns, then transmit begins, each with its bytes first
    sum.tx_bytes += number_of(numbers[8]);
  }
  return sum;
}

std::uint64_t parse_sockets_in_use(std::string_view text, std::string_view protocol) {
  while (!text.empty()) {
    const auto words = words_of(next_line(text));  // "TCP: inuse 5 orphan 0 …"
    if (words.size() < 3 || !words[0].ends_with(':') || words[0].substr(0, words[0].size() - 1) != protocol) continue;
    if (words[1] == "inuse") return number_of(words[2]);
  }
  return 0;
}

HostFacts read_host_facts(Deadline deadline) {
  HostFacts facts;
  utsname names{};
  if (::uname(&names) == 0) facts.kernel_release = names.release;
  facts.load_average = parse_load_average(read_proc("/proc/loadavg"));
  facts.uptime = parse_uptime(read_proc("/proc/uptime"));
  facts.traffic = parse_traffic(read_proc("/proc/net/dev"));
  const std::string v4 = read_proc("/proc/net/sockstat");
  const std::string v6 = read_proc("/proc/net/sockstat6");
  facts.tcp_sockets = parse_sockets_in_use(v4, "TCP") + parse_sockets_in_use(v6, "TCP6");
  facts.udp_sockets = parse_sockets_in_use(v4, "UDP") + parse_sockets_in_use(v6, "UDP6");
  find_public_addresses(facts, deadline);
  return facts;
}

}  // namespace moenet::net
