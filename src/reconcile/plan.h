// plan(desired, observed): what must change on the node. Pure. Laws, tested by property: plan(x, x) is empty; carrying
// out plan(d, o) on a node in state o gives d; nothing that is not ours is ever named in a plan.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "model/desired.h"
#include "model/firewall.h"

namespace moenet::reconcile {

// What the node holds. REQUIRES of a reader: every list is sorted as it says, and names within one are unique.
struct BirdState {
  bool reachable = false;  // false: the rest, but for `files`, `problem` and `was_cut_off`, is unknown
  std::string problem;     // why not, or what its configuration lacks: node-wide, in an operator's words
  std::string version;
  std::vector<std::shared_ptr<const model::BirdFile>> files;  // ours, sorted by name
  std::vector<std::string> foreign_files;                     // names in the peer folder that are not ours
  std::vector<std::string> protocols;                         // names of all protocols that BIRD runs, sorted
  std::vector<std::string> shut_protocols;                    // those of them that are disabled, sorted
  std::vector<std::string> silent_protocols;                  // BGP ones that are not established, sorted
  std::vector<std::string> babel_interfaces;                  // on which Babel hears a neighbor, sorted
  bool was_cut_off = false;         // a transaction's journal is there: BIRD may not run what the files say
  bool has_stale_verdicts = false;  // routes were judged before this network's own ROA came or went

  friend bool operator==(const BirdState& a, const BirdState& b);  // files by content, not by pointer
};

// Our table of the firewall.
struct FirewallState {
  std::optional<model::Firewall> rules;  // absent: there is none
  bool intact = false;                   // nobody changed anything in it but by way of `rules`
  std::string problem;                   // why it cannot be read; then the rest says nothing

  friend bool operator==(const FirewallState&, const FirewallState&) = default;
};

struct NodeState {
  std::vector<model::Tunnel> tunnels;      // ours, sorted by name
  std::vector<std::string> foreign_links;  // names of links that are not ours, sorted
  BirdState bird;
  FirewallState firewall;  // with DesiredState::wants_firewall, else empty

  friend bool operator==(const NodeState&, const NodeState&) = default;
};

// Makes a link with all that `tunnel` says. The name is free.
struct CreateTunnel {
  model::Tunnel tunnel;
  friend bool operator==(const CreateTunnel&, const CreateTunnel&) = default;
};

// What differs, field by field; what is absent stays as it is.
struct PeerUpdate {
  Key public_key;
  bool add = false;                  // not there yet: then all fields are set
  std::optional<Key> preshared_key;  // zero removes it
  std::optional<Endpoint> endpoint;
  std::optional<std::chrono::seconds> keepalive;
  std::optional<std::vector<IpPrefix>> allowed_ips;
  friend bool operator==(const PeerUpdate&, const PeerUpdate&) = default;
};
struct UpdateTunnel {
  std::string name;
  model::Owner owner;
  std::optional<SharedText> configured_endpoint;  // the mark is rewritten
  std::optional<std::uint32_t> mtu_bytes;
  bool set_up = false;
  std::vector<model::InterfaceAddress> add_addresses;
  std::vector<model::InterfaceAddress> remove_addresses;
  std::optional<Key> private_key;
  std::optional<std::uint16_t> listen_port;
  std::vector<Key> remove_peers;
  std::vector<PeerUpdate> peers;
  std::optional<GreHeader> gre = std::nullopt;  // all of it, with a remote
  friend bool operator==(const UpdateTunnel&, const UpdateTunnel&) = default;
};

struct RemoveTunnel {
  std::string name;
  model::Owner owner;
  friend bool operator==(const RemoveTunnel&, const RemoveTunnel&) = default;
};

using TunnelAction = std::variant<CreateTunnel, UpdateTunnel, RemoveTunnel>;
std::string_view link_name(const TunnelAction& action);
const model::Owner& owner_of(const TunnelAction& action);

// An order to the protocol of a session, which changes no file.
struct SessionOrder {
  // plan() never asks for the last two. `retake`: its routes go through filters and limits again, the session stays up.
  enum class Kind : std::uint8_t { shut, reopen, restart, retake };
  model::Owner owner;
  std::string protocol;
  Kind kind = Kind::shut;
  friend bool operator==(const SessionOrder&, const SessionOrder&) = default;
};

struct BirdAction {
  std::vector<model::BirdFile> put;
  std::vector<std::string> remove;   // file names
  bool reload = false;               // BIRD must read again although no file changes
  std::vector<SessionOrder> orders;  // after the files, sorted by owner
  std::string message;               // of those that shut
  bool judge_again = false;          // all routes of other networks go through the filters again; no configuration

  bool changes_files() const { return !put.empty() || !remove.empty() || reload; }
  bool empty() const { return !changes_files() && orders.empty() && !judge_again; }
  std::size_t size() const {
    return put.size() + remove.size() + (reload ? 1 : 0) + orders.size() + (judge_again ? 1 : 0);
  }
  friend bool operator==(const BirdAction&, const BirdAction&) = default;
};

struct BirdRefusal {
  std::string file;
  std::string message;
};
struct BirdResult {
  bool configured = false;  // BIRD runs the new configuration; of an action that configures
  std::vector<BirdRefusal> refused;
  std::string policy_refused;  // BIRD's words, when it refused a file of the policy: none of them was changed
};

// In the order of execution: the firewall lets in what tunnels need, tunnels are set up before BIRD speaks over them,
// and removed after it has stopped. Among `before_bird`, removals (a link that must be made anew, or whose name or port
// another session takes over) come first; each group is sorted by name, so that equal input gives an equal plan.
struct Plan {
  std::optional<model::Firewall> firewall;  // the whole of it, when it is not as wanted
  std::vector<TunnelAction> before_bird;
  BirdAction bird;
  std::vector<TunnelAction> after_bird;
  // Peerings of which nothing was planned although they are not in place: a name that they need is held, or what there
  // is of their tunnel cannot be read. Sorted as the desired state is. kPolicyOwner, last, for a policy whose file's
  // name is held.
  std::vector<model::Owner> blocked;

  bool empty() const {  // nothing to do
    return !firewall && before_bird.empty() && bird.empty() && after_bird.empty();
  }
  std::size_t size() const;  // how much to do
  friend bool operator==(const Plan&, const Plan&) = default;
};

// How stale a handshake must be before a differing endpoint is rewritten: WireGuard renews at 120 s and gives up at 180
// s; 135 s is the field's custom (dn42 wiki, wireguard-tools' reresolve-dns).
inline constexpr std::chrono::seconds kStaleHandshake{135};

// What each intent means: present is made so; absent, and every owner that is not desired at all, is removed; untouched
// keeps all that its owner has. Where a name is foreign, or kept by an untouched owner, nothing of the peering is
// planned: conflicts.h says why. While BIRD does not answer, its folder is left as it is and links are still set up and
// removed: BIRD cannot tell the neighbor anything anyway, and whoever disabled a peer wants it off the network now. The
// file follows when BIRD is back. A tunnel whose port, or whose far end and key, another one takes over is removed and
// made anew, because the kernel refuses what is still in use. Sessions that maintenance shuts keep tunnel and file: in
// place is whose configuration is.
//
// REQUIRES: desired.peerings is sorted by owner; a peering's tunnel and file have its owner, the policy's files have
// kPolicyOwner, and no peering has; no two peerings with intent present claim one link, port, GRE far end or file (see
// conflicts.h), and a GRE tunnel without a remote is there already.
// Takes linear time but for sorting what changes.
Plan plan(const model::DesiredState& desired, const NodeState& observed);

// The same for one peering: is there nothing to do for it, and does BIRD run it? What "in place" means.
bool is_in_place(const model::DesiredPeering& peering, const NodeState& observed);

// The plan for people: one line per change, `+` `~` `-`, no secrets. Empty plan: "nothing to change\n".
std::string describe(const Plan& plan);
// One change in the same words, without the newline.
std::string describe(const TunnelAction& action);
std::string describe(const model::Firewall& firewall);
std::string describe(const SessionOrder& order);

}  // namespace moenet::reconcile
