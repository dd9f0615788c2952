// ObservedIndex: a node's objects found by owner, by name and by protocol in constant time, so that planning stays
// linear. Holds views into the state, which must outlive it.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "reconcile/name_table.h"
#include "reconcile/plan.h"

namespace moenet::reconcile {

class ObservedIndex {
 public:
  static constexpr std::uint32_t kNone = NameTable::kNone;

  // The first of each that an owner has; kNone when it has none.
  struct Owned {
    std::uint32_t first_tunnel = kNone;
    std::uint32_t first_file = kNone;
  };

  explicit ObservedIndex(const NodeState& state);

  const NodeState& state() const { return *state_; }
  const model::Tunnel& tunnel(std::uint32_t i) const { return state_->tunnels[i]; }
  const model::BirdFile& file(std::uint32_t i) const { return *state_->bird.files[i]; }

  // What an owner has, in the order of names: `for (auto i = of(owner).first_tunnel; i != kNone; i = next_tunnel(i))`.
  Owned of(std::string_view owner) const;
  std::uint32_t next_tunnel(std::uint32_t i) const { return next_tunnel_[i]; }
  std::uint32_t next_file(std::uint32_t i) const { return next_file_[i]; }

  // kNone when there is none of ours with that name.
  std::uint32_t tunnel_named(std::string_view name) const;
  std::uint32_t file_named(std::string_view name) const;
  bool is_foreign_link(std::string_view name) const;
  bool is_foreign_file(std::string_view name) const;
  bool runs_protocol(std::string_view name) const { return protocols_.find(name) != kNone; }

 private:
  Owned& owned_by(std::string_view owner);

  const NodeState* state_;
  NameTable owners_;
  std::vector<Owned> owned_;
  NameTable protocols_;
  std::vector<std::uint32_t> next_tunnel_;
  std::vector<std::uint32_t> next_file_;
};

}  // namespace moenet::reconcile
