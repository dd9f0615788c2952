// The mark that says whose a link is, kept in its ifalias (at most 255 bytes, linux/if.h IFALIASZ): owner and the endpoint text that
// was configured last. It outlives the agent and its state file; decision 0002.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/desired.h"

namespace moenet::agent {

struct OwnershipMark {
  model::Owner owner;
  std::string configured_endpoint;

  friend bool operator==(const OwnershipMark&, const OwnershipMark&) = default;
};

// "moenet-agent session/<uuid> endpoint=peer.example.net:51820"
std::string write_mark(const OwnershipMark& mark);
// Absent when the alias is not ours.
std::optional<OwnershipMark> read_mark(std::string_view alias);

}  // namespace moenet::agent
