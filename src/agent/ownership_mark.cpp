#include "agent/ownership_mark.h"

#include <fmt/format.h>

#include "reconcile/node.h"

namespace moenet::agent {
namespace {

constexpr std::string_view kEndpoint = " endpoint=";
// Word, owner with uuid and " endpoint=" take 67 of the 255 bytes.
constexpr std::size_t kLongestLabel = 180;

std::uint64_t fnv1a(std::string_view text) {  // draft-eastlake-fnv, 64 bits: stable over builds, which std::hash is not
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

}  // namespace

std::string endpoint_label(const HostPort& endpoint) {
  std::string text = endpoint.text();
  if (text.size() <= kLongestLabel) return text;
  return fmt::format("{}#{:016x}", std::string_view(text).substr(0, kLongestLabel - 17), fnv1a(text));
}

std::string write_mark(const OwnershipMark& mark) {
  std::string alias = fmt::format("{} {}", reconcile::kOwnershipMark, mark.owner);
  if (!mark.configured_endpoint.empty()) alias.append(kEndpoint).append(mark.configured_endpoint);
  return alias;
}

std::optional<OwnershipMark> read_mark(std::string_view alias) {
  if (!alias.starts_with(reconcile::kOwnershipMark)) return std::nullopt;
  alias.remove_prefix(reconcile::kOwnershipMark.size());
  if (!alias.starts_with(' ')) return std::nullopt;
  alias.remove_prefix(1);
  const auto end = alias.find(' ');
  OwnershipMark mark{model::Owner(alias.substr(0, end)), {}};
  if (mark.owner.empty()) return std::nullopt;
  if (end == std::string_view::npos) return mark;
  alias.remove_prefix(end);
  if (alias.starts_with(kEndpoint)) mark.configured_endpoint = SharedText(alias.substr(kEndpoint.size()));
  return mark;
}

}  // namespace moenet::agent
