#include "controlplane/query_message.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "controlplane/messages.h"

namespace moenet::controlplane {

namespace {

constexpr std::size_t kMostPartBytes = kMostMessageText - 100;  // what stands before the part is shorter

std::string_view take_word(std::string_view& text) {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(std::min(text.size(), word.size() + 1));
  return word;
}

template <class T>
bool reads_all(std::string_view digits, T& number) {
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return fault == std::errc() && end == digits.data() + digits.size();
}

// The bytes of whole characters within the first `most`.
std::size_t whole_characters(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text.size();
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0u) == 0x80u) --most;
  return most;
}

std::optional<QueryMessage> read_asked(std::string_view text) {
  QueryAsked asked;
  asked.id = take_word(text);
  std::int64_t left = 0;
  if (!reads_all(take_word(text), asked.node) || !reads_all(take_word(text), left) || left < 0) return std::nullopt;
  asked.left = std::chrono::milliseconds(left);
  asked.account = take_word(text);
  asked.tool = take_word(text);
  asked.arguments = text;
  if (asked.id.empty() || asked.account.empty() || asked.tool.empty() || text.empty()) return std::nullopt;
  return asked;
}

std::optional<QueryMessage> read_part(std::string_view text) {
  QueryAnswerPart part;
  part.id = take_word(text);
  if (!reads_all(take_word(text), part.part) || !reads_all(take_word(text), part.parts)) return std::nullopt;
  part.text = text;
  if (part.id.empty() || part.part < 1 || part.part > part.parts) return std::nullopt;
  return part;
}

}  // namespace

std::string write_message(const QueryAsked& asked) {
  return fmt::format("ask {} {} {} {} {} {}", asked.id, asked.node, asked.left.count(), asked.account, asked.tool,
                     asked.arguments);
}

std::string write_message(const QueryOver& over) { return fmt::format("over {}", over.id); }

std::vector<std::string> write_answer(std::string_view id, std::string_view answer) {
  std::vector<std::string_view> parts;
  do {
    parts.push_back(answer.substr(0, whole_characters(answer, kMostPartBytes)));
    answer.remove_prefix(parts.back().size());
  } while (!answer.empty());
  std::vector<std::string> messages;
  for (const std::string_view part : parts)
    messages.push_back(fmt::format("answer {} {} {} {}", id, messages.size() + 1, parts.size(), part));
  return messages;
}

std::optional<QueryMessage> read_query_message(std::string_view text) {
  const std::string_view kind = take_word(text);
  if (kind == "ask") return read_asked(text);
  if (kind == "answer") return read_part(text);
  if (kind == "over" && !text.empty()) return QueryOver{std::string(text)};
  return std::nullopt;
}

}  // namespace moenet::controlplane
