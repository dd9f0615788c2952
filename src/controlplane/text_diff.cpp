#include "controlplane/text_diff.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include <fmt/format.h>

namespace moenet::controlplane {

namespace {

constexpr std::size_t kAround = 3;                  // lines; as diff(1) and git have it
constexpr std::size_t kMostCells = 4u * 1'000'000;  // of the table below, 16 MB; a policy file has some hundred lines

using Lines = std::vector<std::string_view>;

Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.push_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

struct Step {
  char sign = ' ';  // ' ' in both, '-' only before, '+' only after
  std::string_view line;
};

// The longest common subsequence, between the common beginning and the common end.
void compare_middle(std::span<const std::string_view> a, std::span<const std::string_view> b,
                    std::vector<Step>& steps) {
  const std::size_t width = b.size() + 1;
  const bool is_too_large = (a.size() + 1) * width > kMostCells;
  std::vector<std::uint32_t> longest(is_too_large ? 0 : (a.size() + 1) * width);  // from (i, j) to the ends
  for (std::size_t i = is_too_large ? 0 : a.size(); i-- > 0;) {
    for (std::size_t j = b.size(); j-- > 0;) {
      longest[i * width + j] = a[i] == b[j] ? longest[(i + 1) * width + j + 1] + 1
                                            : std::max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (!is_too_large && i < a.size() && j < b.size() && a[i] == b[j]) {
      steps.push_back({' ', a[i++]});
      ++j;
    } else if (i < a.size() &&
               (is_too_large || j == b.size() || longest[(i + 1) * width + j] >= longest[i * width + j + 1])) {
      steps.push_back({'-', a[i++]});
    } else {
      steps.push_back({'+', b[j++]});
    }
  }
}

std::vector<Step> compare(const Lines& a, const Lines& b) {
  const auto ends_differ = std::ranges::mismatch(a, b);
  const auto first = static_cast<std::size_t>(ends_differ.in1 - a.begin());
  std::size_t last = 0;  // lines of the common end
  while (last < std::min(a.size(), b.size()) - first && a[a.size() - 1 - last] == b[b.size() - 1 - last]) ++last;
  std::vector<Step> steps;
  for (std::size_t i = 0; i < first; ++i) steps.push_back({' ', a[i]});
  compare_middle(std::span(a).subspan(first, a.size() - first - last),
                 std::span(b).subspan(first, b.size() - first - last), steps);
  for (std::size_t i = a.size() - last; i < a.size(); ++i) steps.push_back({' ', a[i]});
  return steps;
}

// Behind the hunk that begins at `from`: where the changes are more than two margins apart.
std::size_t end_of_hunk(const std::vector<Step>& steps, std::size_t from) {
  std::size_t end = from;
  for (std::size_t i = from; i < steps.size() && i <= end + 2 * kAround + 1; ++i) {
    if (steps[i].sign != ' ') end = i;
  }
  return std::min(end + 1 + kAround, steps.size());
}

std::string range(std::size_t first, std::size_t count) {
  return count == 1 ? fmt::format("{}", first + 1) : fmt::format("{},{}", count == 0 ? first : first + 1, count);
}

}  // namespace

std::string unified_diff(std::string_view name, std::string_view before, std::string_view after) {
  if (before == after) return {};
  const Lines a = lines_of(before);
  const Lines b = lines_of(after);
  const std::vector<Step> steps = compare(a, b);
  std::string text = fmt::format("--- {}\n+++ {}\n", before.empty() ? "/dev/null" : fmt::format("a/{}", name),
                                 after.empty() ? "/dev/null" : fmt::format("b/{}", name));
  std::size_t in_a = 0;  // lines before `at`
  std::size_t in_b = 0;
  for (std::size_t at = 0; at < steps.size();) {
    std::size_t change = at;
    while (change < steps.size() && steps[change].sign == ' ') ++change;
    if (change == steps.size()) break;
    const std::size_t first = change > at + kAround ? change - kAround : at;
    in_a += first - at;
    in_b += first - at;
    const std::size_t end = end_of_hunk(steps, change);
    const std::size_t first_a = in_a;
    const std::size_t first_b = in_b;
    std::string hunk;
    for (at = first; at < end; ++at) {
      in_a += steps[at].sign != '+' ? 1 : 0;
      in_b += steps[at].sign != '-' ? 1 : 0;
      hunk += fmt::format("{}{}\n", steps[at].sign, steps[at].line);
    }
    text += fmt::format("@@ -{} +{} @@\n{}", range(first_a, in_a - first_a), range(first_b, in_b - first_b), hunk);
  }
  return text;
}

}  // namespace moenet::controlplane
