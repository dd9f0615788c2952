#include "reconcile/observed_index.h"

#include <algorithm>
#include <functional>

namespace moenet::reconcile {
namespace {

std::string_view name_of(const model::Tunnel& tunnel) { return tunnel.name; }
std::string_view name_of(const std::shared_ptr<const model::BirdFile>& file) { return file->name; }

template <class T>
std::uint32_t find_by_name(const std::vector<T>& sorted, std::string_view name) {
  const auto at = std::ranges::lower_bound(sorted, name, std::less<>(), [](const T& item) { return name_of(item); });
  if (at == sorted.end() || name_of(*at) != name) return ObservedIndex::kNone;
  return static_cast<std::uint32_t>(at - sorted.begin());
}

}  // namespace

ObservedIndex::ObservedIndex(const NodeState& state)
    : state_(&state),
      owners_(state.tunnels.size() + state.bird.files.size()),
      protocols_(state.bird.protocols.size()),
      next_tunnel_(state.tunnels.size(), kNone),
      next_file_(state.bird.files.size(), kNone) {
  owned_.reserve(std::max(state.tunnels.size(), state.bird.files.size()));
  // From the back, so that each chain runs in the order of names.
  for (std::size_t i = state.tunnels.size(); i-- > 0;) {
    Owned& owned = owned_by(state.tunnels[i].owner);
    next_tunnel_[i] = owned.first_tunnel;
    owned.first_tunnel = static_cast<std::uint32_t>(i);
  }
  for (std::size_t i = state.bird.files.size(); i-- > 0;) {
    Owned& owned = owned_by(state.bird.files[i]->owner);
    next_file_[i] = owned.first_file;
    owned.first_file = static_cast<std::uint32_t>(i);
  }
  for (const std::string& name : state.bird.protocols) protocols_.put(name);
}

ObservedIndex::Owned& ObservedIndex::owned_by(std::string_view owner) {
  const std::uint32_t number = owners_.put(owner);
  if (number == owned_.size()) owned_.emplace_back();
  return owned_[number];
}

ObservedIndex::Owned ObservedIndex::of(std::string_view owner) const {
  const std::uint32_t number = owners_.find(owner);
  return number == kNone ? Owned() : owned_[number];
}

std::uint32_t ObservedIndex::tunnel_named(std::string_view name) const { return find_by_name(state_->tunnels, name); }
std::uint32_t ObservedIndex::file_named(std::string_view name) const { return find_by_name(state_->bird.files, name); }

bool ObservedIndex::is_foreign_link(std::string_view name) const {
  return std::ranges::binary_search(state_->foreign_links, name);
}

bool ObservedIndex::is_foreign_file(std::string_view name) const {
  return std::ranges::binary_search(state_->bird.foreign_files, name);
}

}  // namespace moenet::reconcile
