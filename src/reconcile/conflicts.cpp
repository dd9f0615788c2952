#include "reconcile/conflicts.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "reconcile/difference.h"
#include "reconcile/node.h"
#include "reconcile/observed_index.h"

namespace moenet::reconcile {
namespace {

using model::DesiredPeering;
using model::Intent;
using model::Tunnel;

constexpr auto kNone = ObservedIndex::kNone;

// A thing that only one session can have. `text` views into the state that it was read from.
struct Claim {
  enum class Kind : std::uint8_t { link, port, neighbor, gre, file };
  Kind kind = Kind::link;
  std::uint64_t number = 0;  // a port; of GRE, the key and 1, or 0 without one
  std::string_view text;     // a name, or an address's bytes

  friend bool operator==(const Claim&, const Claim&) = default;
};

struct ClaimHash {
  std::size_t operator()(const Claim& claim) const {
    return std::hash<std::string_view>()(claim.text) * 31 + claim.number * 8u + static_cast<std::size_t>(claim.kind);
  }
};

// `remote` is viewed into.
Claim gre_claim(const IpAddress& remote, const std::optional<std::uint32_t>& key) {
  return {Claim::Kind::gre, key ? std::uint64_t{*key} + 1 : 0, remote.bytes()};
}

template <class Visit>
void visit_claims(const Tunnel& tunnel, const Visit& visit) {
  visit(Claim{Claim::Kind::link, 0, tunnel.name});
  if (tunnel.listen_port != 0) visit(Claim{Claim::Kind::port, tunnel.listen_port, {}});
  if (tunnel.gre && tunnel.gre->remote) visit(gre_claim(*tunnel.gre->remote, tunnel.gre->key));
  for (const model::InterfaceAddress& address : tunnel.addresses) {
    if (address.peer && !address.peer->is_link_local()) visit(Claim{Claim::Kind::neighbor, 0, address.peer->bytes()});
  }
}

template <class Visit>
void visit_claims(const DesiredPeering& peering, const Visit& visit) {
  visit_claims(*peering.tunnel, visit);
  if (peering.bird_file) visit(Claim{Claim::Kind::file, 0, peering.bird_file->name});
}

// All that runs of an owner.
template <class Visit>
void visit_holdings(const ObservedIndex& index, std::string_view owner, const Visit& visit) {
  const auto owned = index.of(owner);
  for (auto i = owned.first_tunnel; i != kNone; i = index.next_tunnel(i)) visit_claims(index.tunnel(i), visit);
  for (auto i = owned.first_file; i != kNone; i = index.next_file(i)) {
    visit(Claim{Claim::Kind::file, 0, index.file(i).name});
  }
}

// What a tunnel that is kept has although its session does not say so: a port that the kernel chose once, or the remote
// of a name that does not resolve now.
std::optional<Claim> unsaid_claim(const DesiredPeering& peering, const NodeState& observed) {
  const Tunnel& wanted = *peering.tunnel;
  if (wanted.listen_port != 0 || (wanted.gre && wanted.gre->remote)) return std::nullopt;
  const Tunnel* own = kept_for(wanted, observed);
  if (own == nullptr) return std::nullopt;
  if (own->gre) return gre_claim(*own->gre->remote, wanted.gre->key);
  return own->listen_port == 0 ? std::nullopt : std::optional(Claim{Claim::Kind::port, own->listen_port, {}});
}

int rank_of(std::int64_t status) {
  if (status == static_cast<std::int64_t>(model::SessionStatus::enabled)) return 0;
  return status == static_cast<std::int64_t>(model::SessionStatus::problem) ? 1 : 2;
}

void lose(DesiredPeering& peering, std::string cause) {
  peering.verdict = model::Broken{std::move(cause)};
  peering.intent = Intent::untouched;
  peering.tunnel.reset();
  peering.bird_file.reset();
}

std::string name_of(const DesiredPeering& peering) {
  const std::string_view uuid = model::session_of(peering.owner);
  if (!uuid.empty()) return fmt::format("the session with AS{} ({})", peering.asn, uuid);
  if (const auto node = model::mesh_node_of(peering.owner)) return fmt::format("the mesh tunnel to node {}", *node);
  return fmt::format("the {}", peering.owner);
}

IpAddress address_in(const Claim& claim) {
  std::array<std::uint8_t, 16> bytes{};
  std::ranges::copy(claim.text, bytes.begin());
  return claim.text.size() == 4 ? IpAddress::v4({bytes[0], bytes[1], bytes[2], bytes[3]}) : IpAddress::v6(bytes);
}

std::string taken_text(const Claim& claim, const DesiredPeering& holder) {
  const std::string who = name_of(holder);
  switch (claim.kind) {
    case Claim::Kind::link: return fmt::format("interface {} is in use by {}", claim.text, who);
    case Claim::Kind::port: return fmt::format("listen port {} is in use by {}", claim.number, who);
    case Claim::Kind::file: return fmt::format("BIRD file {} is in use by {}", claim.text, who);
    case Claim::Kind::gre:
      return fmt::format(
          "endpoint: {} {} is already the far end of {}; GRE tunnels to one host are told apart by "
          "their keys (greKey)",
          address_in(claim).text(), claim.number == 0 ? "without a key" : fmt::format("with key {}", claim.number - 1),
          who);
    case Claim::Kind::neighbor: break;
  }
  return fmt::format("neighbor {} is already the neighbor of {}", address_in(claim).text(), who);
}

// What is not ours stands in the way.
void settle_foreign(model::DesiredState& desired, const NodeState& observed) {
  for (DesiredPeering& peering : desired.peerings) {
    if (peering.intent != Intent::present) continue;
    const std::string& link = peering.tunnel->name;
    if (std::ranges::binary_search(observed.foreign_links, link)) {
      lose(peering, fmt::format("interface {0} exists and is not ours: remove it (`ip link delete {0}`) or adopt it "
                                "(`ip link set {0} alias '{1} {2}'`)",
                                link, kOwnershipMark, peering.owner));
    } else if (peering.bird_file && std::ranges::binary_search(observed.bird.foreign_files, peering.bird_file->name)) {
      lose(peering, fmt::format("BIRD file {} exists in the peer folder and is not ours: remove or rename it",
                                peering.bird_file->name));
    }
  }
}

// One round: who holds what, then who gets what is left, by rank. True when someone lost: what runs of a loser stays,
// so what it holds must be counted anew.
class Round {
 public:
  Round(model::DesiredState& desired, const std::vector<std::uint32_t>& by_rank, const ObservedIndex& index)
      : desired_(desired), by_rank_(by_rank), index_(index) {
    holders_.reserve(desired.peerings.size() * 4);
  }

  bool run() {
    for (const std::uint32_t i : by_rank_) reserve_what_runs(i);
    bool lost = false;
    for (const std::uint32_t i : by_rank_) {
      DesiredPeering& peering = desired_.peerings[i];
      if (peering.intent != Intent::present) continue;
      if (auto cause = first_conflict(i)) {
        lose(peering, std::move(*cause));
        lost = true;
      }
    }
    return lost;
  }

 private:
  void reserve_what_runs(std::uint32_t i) {
    const DesiredPeering& peering = desired_.peerings[i];
    const auto reserve = [&](const Claim& claim) { holders_.try_emplace(claim, i); };
    if (peering.intent == Intent::untouched) {
      visit_holdings(index_, peering.owner, reserve);
    } else if (peering.intent == Intent::present) {
      // The view kept is the holding's: it lives longer than the peering's, should the peering lose.
      visit_holdings(index_, peering.tunnel->owner, [&](const Claim& holding) {
        bool is_claimed = false;
        visit_claims(peering, [&](const Claim& claim) { is_claimed |= claim == holding; });
        if (is_claimed) reserve(holding);
      });
      if (const auto unsaid = unsaid_claim(peering, index_.state())) reserve(*unsaid);
    }
  }

  // Takes what the peering claims, or says who has it.
  std::optional<std::string> first_conflict(std::uint32_t i) {
    std::optional<std::string> cause;
    visit_claims(desired_.peerings[i], [&](const Claim& claim) {
      const auto at = holders_.find(claim);
      if (!cause && at != holders_.end() && at->second != i) cause = taken_text(claim, desired_.peerings[at->second]);
    });
    if (!cause) visit_claims(desired_.peerings[i], [&](const Claim& claim) { holders_.try_emplace(claim, i); });
    return cause;
  }

  model::DesiredState& desired_;
  const std::vector<std::uint32_t>& by_rank_;
  const ObservedIndex& index_;
  std::unordered_map<Claim, std::uint32_t, ClaimHash> holders_;
};

// Could two claims be the same? Claims are compared by hash, so it may say yes for no reason, which only costs time;
// nearly always it says no, and then there is nothing to settle.
bool may_conflict(const model::DesiredState& desired, const NodeState& observed) {
  std::vector<std::size_t> claims;
  claims.reserve(desired.peerings.size() * 4);
  const auto note = [&](const Claim& claim) { claims.push_back(ClaimHash()(claim)); };
  std::unordered_set<model::Owner> untouched;
  for (const DesiredPeering& peering : desired.peerings) {
    if (peering.intent == Intent::present) {
      visit_claims(peering, note);
      if (const auto unsaid = unsaid_claim(peering, observed)) note(*unsaid);
    }
    if (peering.intent == Intent::untouched) untouched.insert(peering.owner);
  }
  if (!untouched.empty()) {
    for (const Tunnel& tunnel : observed.tunnels) {
      if (untouched.contains(tunnel.owner)) visit_claims(tunnel, note);
    }
    for (const auto& file : observed.bird.files) {
      if (untouched.contains(file->owner)) note({Claim::Kind::file, 0, file->name});
    }
  }
  std::ranges::sort(claims);
  return std::ranges::adjacent_find(claims) != claims.end();
}

}  // namespace

void settle_conflicts(model::DesiredState& desired, const std::vector<std::int64_t>& status_of,
                      const NodeState& observed) {
  assert(status_of.size() == desired.peerings.size());
  settle_foreign(desired, observed);
  if (!may_conflict(desired, observed)) return;
  const ObservedIndex index(observed);
  std::vector<std::uint32_t> by_rank(desired.peerings.size());
  std::iota(by_rank.begin(), by_rank.end(), 0u);
  std::ranges::stable_sort(by_rank, {}, [&](std::uint32_t i) { return rank_of(status_of[i]); });
  while (Round(desired, by_rank, index).run()) {
  }
}

}  // namespace moenet::reconcile
