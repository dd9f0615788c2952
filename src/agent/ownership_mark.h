// The mark that says whose a link is, kept in its ifalias (at most 255 bytes, linux/if.h IFALIASZ): owner and the
// endpoint text that was configured last. It outlives the agent and its state file; decision 0002.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ip.h"
#include "model/desired.h"

namespace moenet::agent {

struct OwnershipMark {
  model::Owner owner;
  SharedText configured_endpoint;

  friend bool operator==(const OwnershipMark&, const OwnershipMark&) = default;
};

// An endpoint as the mark keeps it, and as desired and observed are compared: its text, or, where that would not fit,
// its beginning and a hash of it all.
std::string endpoint_label(const HostPort& endpoint);

// "moenet-agent session/<uuid> endpoint=peer.example.net:51820"
std::string write_mark(const OwnershipMark& mark);
// Absent when the alias is not ours.
std::optional<OwnershipMark> read_mark(std::string_view alias);

}  // namespace moenet::agent
