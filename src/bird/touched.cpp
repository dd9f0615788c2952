#include "bird/touched.h"

#include <algorithm>
#include <map>
#include <variant>
#include <vector>

#include "bird/config_text.h"

namespace moenet::bird {
namespace {

using Kind = Definition::Kind;

struct Block {
  Kind kind = Kind::protocol;
  std::string_view text;  // from the definition's line to the next definition's
};
using Blocks = std::map<std::string, Block>;

std::string_view lines_between(std::string_view text, int first, int end) {
  std::size_t at = 0;
  std::size_t begin = 0;
  for (int line = 1; line < end && at < text.size(); ++line) {
    if (line == first) begin = at;
    const std::size_t newline = text.find('\n', at);
    at = newline == text.npos ? text.size() : newline + 1;
  }
  return text.substr(begin, at - begin);
}

Blocks blocks_of(std::string_view text) {
  std::vector<Definition> definitions;
  for (const ConfigItem& item : items_of(text)) {
    if (const auto* definition = std::get_if<Definition>(&item)) definitions.push_back(*definition);
  }
  constexpr int kToTheEnd = 1 << 30;
  Blocks blocks;
  for (std::size_t i = 0; i < definitions.size(); ++i) {
    const int end = i + 1 < definitions.size() ? definitions[i + 1].line : kToTheEnd;
    blocks[definitions[i].name] = {definitions[i].kind, lines_between(text, definitions[i].line, end)};
  }
  return blocks;
}

std::string_view router_id_line(std::string_view text) {
  constexpr std::string_view kRouterId = "router id ";
  std::size_t at = text.starts_with(kRouterId) ? 0 : text.find("\nrouter id ");
  if (at == text.npos) return {};
  at += text[at] == '\n' ? 1 : 0;
  return text.substr(at, text.find('\n', at) - at);
}

bool is_built_on(std::string_view protocol, const std::string& template_name) {
  const std::string_view head = protocol.substr(0, protocol.find('{'));
  const std::size_t at = head.find(" from " + template_name);
  if (at == head.npos) return false;
  const std::size_t end = at + 6 + template_name.size();
  return end >= head.size() || head[end] == ' ' || head[end] == '\n';
}

}  // namespace

std::optional<std::set<std::string>> touched_protocols(std::span<const FileEdit> edits,
                                                       std::span<const std::string_view> unchanged) {
  std::set<std::string> protocols;
  std::vector<std::string> templates;
  const auto compare = [&](const Blocks& some, const Blocks& others) {
    for (const auto& [name, block] : some) {
      const auto other = others.find(name);
      if (other != others.end() && other->second.text == block.text) continue;
      if (block.kind == Kind::protocol) protocols.insert(name);
      if (block.kind == Kind::bgp_template) templates.push_back(name);
    }
  };
  for (const FileEdit& edit : edits) {
    const bool has_both = !edit.before.empty() && !edit.after.empty();
    if (has_both && router_id_line(edit.before) != router_id_line(edit.after)) return std::nullopt;
    const Blocks before = blocks_of(edit.before), after = blocks_of(edit.after);
    compare(before, after);
    compare(after, before);
  }
  if (templates.empty()) return protocols;
  const auto add_built = [&](std::string_view text) {
    for (const auto& [name, block] : blocks_of(text)) {
      const auto is_base = [&](const std::string& base) { return is_built_on(block.text, base); };
      if (block.kind == Kind::protocol && std::ranges::any_of(templates, is_base)) protocols.insert(name);
    }
  };
  for (const FileEdit& edit : edits) add_built(edit.after);
  for (const std::string_view text : unchanged) add_built(text);
  return protocols;
}

}  // namespace moenet::bird
