// compose: the rows of the control plane become the desired state of this node: intents, tunnels and BIRD files. Pure,
// apart from the resolver it asks for names and the routes it asks for our address.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/config.h"
#include "agent/link_quality.h"
#include "agent/path_mtu.h"
#include "base/ip.h"
#include "base/key.h"
#include "model/desired.h"
#include "model/session_json.h"

namespace moenet::agent {

// What Resolver::lookup says of a host name: an address, nothing yet, or why not. Of any family, where none is named.
using Lookup = std::function<Result<std::optional<IpAddress>>(std::string_view host, std::optional<IpFamily> family)>;

// What sessions are compiled against.
struct NodeContext {
  model::NodeIdentity identity;
  Key private_key;
  std::chrono::seconds keepalive{25};
  bird::PolicyNames names;
  bool owns_bird = false;   // then peers' files say more (bird::LinkTags)
  bool says_source = true;  // bird::render_peer
  // Our address on the way to a far end, by the routes of now.
  std::function<std::optional<IpAddress>(const IpAddress& remote)> source_towards{};
};
NodeContext context_of(const AgentConfig& config, const Key& private_key);

// Where an endpoint leads now.
struct Destination {
  std::optional<Endpoint> endpoint;
  std::string configured;   // its text (endpoint_label) once it is known where it leads, else empty
  std::string problem;      // why its name does not resolve, in an operator's words; else empty
  bool is_awaited = false;  // the first lookup is under way
  std::optional<IpAddress> source = std::nullopt;  // our end of an ip6gre tunnel
};
Destination destination_of(const std::optional<HostPort>& endpoint, const Lookup& lookup,
                           std::optional<IpFamily> family = std::nullopt);

// No routes come from AllowedIPs on our tunnels: BGP and Babel decide what goes in, so everything may (dn42 wiki, one
// link per peer).
std::vector<IpPrefix> everything();

struct Composed {
  model::DesiredState state;            // sorted by owner
  std::vector<std::int64_t> status_of;  // of each peering's row; -1 when the row does not say
};

// `sessions` behind `backbone`, whose owners sort before theirs.
Composed joined(Composed backbone, const Composed& sessions);

// REQUIRES: rows sorted by uuid, as read_sessions leaves them. Rows without a readable uuid, and all but the
// first of an equal uuid, are left out. `qualities`: what is measured of the links, for their files (bird::LinkTags);
// `limits`: what their paths carry, for the tunnels' MTU.
Composed compose(const std::vector<model::SessionRow>& rows, const NodeContext& node, const Lookup& lookup,
                 const LinkQualities& qualities = {}, const MtuLimits& limits = {});

// A peering whose endpoint is a host name.
struct NamedEndpoint {
  model::Owner owner;
  std::string host;
  std::optional<IpFamily> family = std::nullopt;  // of the address that is asked for; absent: any
};

// What was measured of a session and counts for its file and its tunnel; 0: not known.
struct MeasuredLink {
  unsigned latency_tier = 0;
  unsigned loss_class = 0;
  std::uint32_t most_mtu_bytes = 0;
  friend bool operator==(const MeasuredLink&, const MeasuredLink&) = default;
};

// Composer: compose() again and again. What did not change is not compiled again: rows and what was measured are
// compared, and host names looked up. Law, tested: the result equals compose()'s.
class Composer {
 public:
  using Rows = std::shared_ptr<const std::vector<model::SessionRow>>;
  using Qualities = std::shared_ptr<const LinkQualities>;
  using Limits = std::shared_ptr<const MtuLimits>;

  explicit Composer(NodeContext node) : node_(std::move(node)) {}

  // REQUIRES: rows as for compose(), not null. The result lives until the next call.
  // `qualities`, `limits`: null while nothing was measured, or nothing may come of it.
  const Composed& compose(Rows rows, const Lookup& lookup, Qualities qualities = nullptr, Limits limits = nullptr);

  // The BIRD files of the rows composed last.
  std::vector<std::shared_ptr<const model::BirdFile>> bird_files() const;

  // Of the rows composed last.
  std::vector<NamedEndpoint> named_endpoints() const;

 private:
  void look_again(const Lookup& lookup, bool is_measured_anew);

  NodeContext node_;
  Rows rows_;
  Qualities qualities_;
  Limits limits_;
  Composed composed_;
  std::vector<std::uint32_t> row_of_;   // of each peering
  std::vector<MeasuredLink> measured_;  // of each peering
  std::vector<std::uint32_t> movable_;  // peerings that a name, or the routes of now, may lead elsewhere
};

}  // namespace moenet::agent
