#include "bird/roa_file.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"

namespace moenet::bird {
namespace {

// Of a line at fault, how much is shown.
constexpr std::size_t kShownBytes = 60;

constexpr std::string_view kBlanks = " \t\r";

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// Up to the next blank; `rest` starts at the word behind it.
std::string_view take_word(std::string_view& rest) {
  const auto end = std::min(rest.find_first_of(kBlanks), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest = trimmed(rest.substr(end));
  return word;
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// `line` has no blanks around it and is not empty.
std::optional<Roa> read_line(std::string_view line) {
  if (!line.ends_with(';')) return std::nullopt;
  std::string_view rest = trimmed(line.substr(0, line.size() - 1));
  const std::string_view keyword = take_word(rest);
  if (keyword != "route" && keyword != "roa") return std::nullopt;
  const std::string_view network = take_word(rest);
  const auto prefix = IpPrefix::parse(network);
  if (!prefix || !network.contains('/') || prefix->has_host_bits()) return std::nullopt;
  if (take_word(rest) != "max") return std::nullopt;
  const auto max_length = number_in<std::uint8_t>(take_word(rest));
  if (!max_length || *max_length < prefix->length || *max_length > prefix->address.bits()) return std::nullopt;
  if (take_word(rest) != "as") return std::nullopt;
  const auto asn = number_in<model::Asn>(take_word(rest));
  if (!asn || !rest.empty()) return std::nullopt;
  return Roa{*prefix, *max_length, *asn};
}

}  // namespace

Result<std::vector<Roa>> read_roa_file(std::string_view text) {
  std::vector<Roa> roas;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const std::string_view whole = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view line = trimmed(whole.substr(0, whole.find('#')));
    if (line.empty()) continue;
    const auto roa = read_line(line);
    if (!roa)
      return fail(Errc::invalid, fmt::format("line {} is no ROA: {}", number, escape_for_log(line, kShownBytes)));
    if (roas.size() == kMostRoasOfFile) return fail(Errc::invalid, fmt::format("more than {} ROAs", kMostRoasOfFile));
    roas.push_back(*roa);
  }
  std::ranges::sort(roas);
  roas.erase(std::ranges::unique(roas).begin(), roas.end());
  return roas;
}

Result<void> check_successor(const std::vector<Roa>& fresh, const std::vector<Roa>& before) {
  if (fresh.empty()) return fail(Errc::invalid, "holds no ROA");
  if (fresh.size() >= before.size() - before.size() / 2) return {};
  return fail(Errc::invalid,
              fmt::format("holds {} ROAs, less than half of the {} before", fresh.size(), before.size()));
}

}  // namespace moenet::bird
