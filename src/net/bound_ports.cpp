#include "net/bound_ports.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include "base/file.h"
#include "base/log.h"

namespace moenet::net {
namespace {

constexpr std::size_t kMostBytes = 64u << 20;  // 128 bytes per socket
constexpr std::size_t kMostCommand = 64u << 10;
constexpr std::size_t kNameLimit = 40;
constexpr std::string_view kListening = "0A";  // TCP_LISTEN, net/tcp_states.h

template <class T>
std::optional<T> number_of(std::string_view text, int base) {
  T number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

// "0100007F:1F90": words of 32 bits as this machine holds them, which in memory are in network order.
std::optional<Endpoint> endpoint_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < colon; i += 8) {
    const auto word = number_of<std::uint32_t>(text.substr(i, 8), 16);
    if (!word) return std::nullopt;
    std::memcpy(bytes.data() + i / 2, &*word, sizeof *word);
  }
  const auto port = number_of<std::uint16_t>(text.substr(colon + 1), 16);
  if (!port) return std::nullopt;
  if (colon == 32) return Endpoint{IpAddress::v6(bytes), *port};
  return Endpoint{IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]}), *port};
}

std::vector<BoundSocket> sockets_in(std::initializer_list<const char*> tables, std::string_view state) {
  std::vector<BoundSocket> sockets;
  for (const char* table : tables) {
    const auto text = read_file(table, kMostBytes);
    if (!text) continue;
    const auto rows = parse_socket_table(*text, state);
    sockets.insert(sockets.end(), rows.begin(), rows.end());
  }
  return sockets;
}

// "socket:[12345]"
std::optional<std::uint64_t> socket_inode(std::string_view target) {
  constexpr std::string_view kBefore = "socket:[";
  if (!target.starts_with(kBefore) || !target.ends_with(']')) return std::nullopt;
  return number_of<std::uint64_t>(target.substr(kBefore.size(), target.size() - kBefore.size() - 1), 10);
}

std::vector<std::string> command_of(const std::filesystem::path& process) {
  std::vector<std::string> words;
  const std::string line = read_file((process / "cmdline").native(), kMostCommand).value_or("");
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t end = std::min(line.find('\0', at), line.size());
    words.push_back(line.substr(at, end - at));
    at = end + 1;
  }
  return words;
}

}  // namespace

std::string SocketOwner::name() const {
  if (words.empty()) return "?";
  return escape_for_log(words[0].substr(words[0].rfind('/') + 1), kNameLimit);
}

std::vector<BoundSocket> parse_socket_table(std::string_view text, std::string_view state) {
  std::vector<BoundSocket> sockets;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    // sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …
    std::array<std::string_view, 10> words;
    for (auto& word : words) word = next_word(line);
    const auto local = endpoint_of(words[1]);
    const auto inode = number_of<std::uint64_t>(words[9], 10);
    if (local && inode && (state.empty() || words[3] == state)) sockets.push_back({*local, *inode});
  }
  return sockets;
}

std::vector<BoundSocket> bound_udp_sockets() { return sockets_in({"/proc/net/udp", "/proc/net/udp6"}, ""); }

std::vector<BoundSocket> listening_tcp_sockets() { return sockets_in({"/proc/net/tcp", "/proc/net/tcp6"}, kListening); }

std::map<std::uint64_t, SocketOwner> owners_of(const std::set<std::uint64_t>& inodes) {
  std::map<std::uint64_t, SocketOwner> owners;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry("/proc", failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const auto pid = number_of<pid_t>(entry->path().filename().native(), 10);
    if (!pid || owners.size() == inodes.size()) continue;
    std::error_code hidden;  // another user's, or ended meanwhile
    for (std::filesystem::directory_iterator fd(entry->path() / "fd", hidden), last; !hidden && fd != last;
         fd.increment(hidden)) {
      std::error_code closed;
      const auto inode = socket_inode(std::filesystem::read_symlink(fd->path(), closed).native());
      if (inode && inodes.contains(*inode)) owners.emplace(*inode, SocketOwner{*pid, command_of(entry->path())});
    }
  }
  return owners;
}

}  // namespace moenet::net
