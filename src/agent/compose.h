// compose: the rows of the control plane become the desired state of this node: intents, tunnels and BIRD files. Pure,
// apart from the resolver it asks for names.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/config.h"
#include "base/ip.h"
#include "base/key.h"
#include "model/desired.h"
#include "model/session_json.h"

namespace moenet::agent {

// What Resolver::lookup says of a host name: an address, nothing yet, or why not.
using Lookup = std::function<Result<std::optional<IpAddress>>(std::string_view host)>;

// What sessions are compiled against.
struct NodeContext {
  model::NodeIdentity identity;
  Key private_key;
  std::chrono::seconds keepalive{25};
  bird::PolicyNames names;
  bool owns_bird = false;  // then peers' files say more (bird::LinkTags)
};
NodeContext context_of(const AgentConfig& config, const Key& private_key);

// Where an endpoint leads now.
struct Destination {
  std::optional<Endpoint> endpoint;
  std::string configured;   // its text (endpoint_label) once it is known where it leads, else empty
  std::string problem;      // why its name does not resolve, in an operator's words; else empty
  bool is_awaited = false;  // the first lookup is under way
};
Destination destination_of(const std::optional<HostPort>& endpoint, const Lookup& lookup);

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
// first of an equal uuid, are left out.
Composed compose(const std::vector<model::SessionRow>& rows, const NodeContext& node, const Lookup& lookup);

// A peering whose endpoint is a host name.
struct NamedEndpoint {
  model::Owner owner;
  std::string host;
};

// Composer: compose() again and again. What did not change is not compiled again: rows are compared, and host names
// looked up. Law, tested: the result equals compose()'s.
class Composer {
 public:
  using Rows = std::shared_ptr<const std::vector<model::SessionRow>>;

  explicit Composer(NodeContext node) : node_(std::move(node)) {}

  // REQUIRES: rows as for compose(), not null. The result lives until the next call.
  const Composed& compose(Rows rows, const Lookup& lookup);

  // The BIRD files of the rows composed last.
  std::vector<std::shared_ptr<const model::BirdFile>> bird_files() const;

  // Of the rows composed last.
  std::vector<NamedEndpoint> named_endpoints() const;

 private:
  void look_up_again(const Lookup& lookup);

  NodeContext node_;
  Rows rows_;
  Composed composed_;
  std::vector<std::uint32_t> row_of_;  // of each peering
  std::vector<std::uint32_t> named_;   // peerings whose endpoint is a host name
};

}  // namespace moenet::agent
