// ObservedIndex: a node's objects found by owner, by name and by protocol in constant time, so that planning stays linear.
// Holds views into the state, which must outlive it.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "reconcile/plan.h"

namespace moenet::reconcile {

class ObservedIndex {
 public:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  explicit ObservedIndex(const NodeState& state);

  const NodeState& state() const { return *state_; }
  const model::Tunnel& tunnel(std::uint32_t i) const { return state_->tunnels[i]; }
  const model::BirdFile& file(std::uint32_t i) const { return *state_->bird.files[i]; }

  // Walks what an owner has: `for (auto i = first_tunnel(owner); i != kNone; i = next_tunnel(i))`, in the order of names.
  std::uint32_t first_tunnel(std::string_view owner) const;
  std::uint32_t next_tunnel(std::uint32_t i) const { return next_tunnel_[i]; }
  std::uint32_t first_file(std::string_view owner) const;
  std::uint32_t next_file(std::uint32_t i) const { return next_file_[i]; }

  // kNone when there is none of ours with that name.
  std::uint32_t tunnel_named(std::string_view name) const;
  std::uint32_t file_named(std::string_view name) const;
  bool is_foreign_link(std::string_view name) const;
  bool is_foreign_file(std::string_view name) const;
  bool runs_protocol(std::string_view name) const { return protocols_.contains(name); }

 private:
  struct Owned {
    std::uint32_t first_tunnel = kNone;
    std::uint32_t first_file = kNone;
  };

  const NodeState* state_;
  std::unordered_map<std::string_view, Owned> owned_;
  std::unordered_set<std::string_view> protocols_;
  std::vector<std::uint32_t> next_tunnel_;
  std::vector<std::uint32_t> next_file_;
};

}  // namespace moenet::reconcile
