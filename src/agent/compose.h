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
};

struct Composed {
  model::DesiredState state;            // sorted by uuid
  std::vector<std::int64_t> status_of;  // of each peering's row; -1 when the row does not say
};

// REQUIRES: rows sorted by uuid, as read_sessions leaves them. Rows without a readable uuid, and all but the
// first of an equal uuid, are left out.
Composed compose(const std::vector<model::SessionRow>& rows, const NodeContext& node, const Lookup& lookup);

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

  struct NamedEndpoint {
    model::SessionId session;
    std::string host;
  };
  // Of the rows composed last: those whose endpoint is a host name. Sorted by session.
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
