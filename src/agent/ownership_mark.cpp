#include "agent/ownership_mark.h"

#include <fmt/format.h>

#include "reconcile/node.h"

namespace moenet::agent {
namespace {

constexpr std::string_view kEndpoint = " endpoint=";

}  // namespace

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
  OwnershipMark mark{std::string(alias.substr(0, end)), ""};
  if (mark.owner.empty()) return std::nullopt;
  if (end == std::string_view::npos) return mark;
  alias.remove_prefix(end);
  if (alias.starts_with(kEndpoint)) mark.configured_endpoint = alias.substr(kEndpoint.size());
  return mark;
}

}  // namespace moenet::agent
