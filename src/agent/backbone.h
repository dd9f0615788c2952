// Backbone: what this node wants beside its sessions: the loopback, the tunnels of the mesh and, where BIRD is the
// agent's, BIRD's policy. It takes the control plane's answers and remembers what was made of them. No thread, no
// clock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/answer_sync.h"
#include "agent/compose.h"
#include "agent/config.h"
#include "bird/policy.h"
#include "model/desired.h"
#include "model/mesh.h"
#include "model/routing_policy.h"
#include "reconcile/deletion_guard.h"

namespace moenet::agent {

class Backbone {
 public:
  Backbone(const AgentConfig& config, NodeContext context);

  // Before a mesh is taken: the neighbors that this node has a tunnel to.
  void take_neighbors(std::vector<model::NodeId> present);
  // The latest of each; the same one again changes nothing. A mesh from which more than half of at least 5 neighbors
  // have vanished is held back like a list of sessions is (reconcile/deletion_guard.h), also the first one, and one
  // from the disk takes nobody away. `allow_mass_delete`: once, it is not.
  void take_mesh(const Known<model::Mesh>& known, bool allow_mass_delete);
  void take_policy(const Known<model::BirdPolicy>& known) { policy_ = known.answer; }
  // Static ROAs, sorted; the same object is the same content. Null: none are known.
  void take_roas(std::shared_ptr<const std::vector<bird::Roa>> roas) { roas_ = std::move(roas); }
  void set_drain(bird::Drain drain) { drain_ = drain; }

  // What it wants, sorted by owner, which comes before all sessions. `bird_version`: of the BIRD that runs, "2.0.12";
  // empty when it is not known yet, and then nothing is known of the policy. `limits`: of the tunnels' MTU.
  Composed compose(const Lookup& lookup, const std::string& bird_version, const MtuLimits& limits = {});

  const std::shared_ptr<const model::Mesh>& mesh() const { return mesh_; }  // in force; null while none is known
  const reconcile::DeletionGuard::Verdict& guard() const { return verdict_; }
  std::vector<NamedEndpoint> named_endpoints() const;

 private:
  using Files = std::vector<std::shared_ptr<const model::BirdFile>>;
  // What policy files are made from.
  struct PolicyBasis {
    std::shared_ptr<const model::BirdPolicy> policy;
    std::shared_ptr<const std::vector<bird::Roa>> roas;
    std::string bird_version;
    bird::Drain drain = bird::Drain::off;
    friend bool operator==(const PolicyBasis&, const PolicyBasis&) = default;
  };

  const std::optional<Files>& policy_files(const std::string& bird_version);
  std::optional<bird::PolicyInput> policy_input() const;

  const AgentConfig& config_;
  NodeContext context_;
  std::optional<model::DesiredPeering> loopback_;
  model::Mesh present_;                      // before the first mesh: tunnels that there are, and nothing known of them
  std::shared_ptr<const model::Mesh> mesh_;  // in force
  std::uint64_t mesh_number_ = 0;
  reconcile::DeletionGuard guard_;
  reconcile::DeletionGuard::Verdict verdict_;
  std::shared_ptr<const model::BirdPolicy> policy_;
  std::shared_ptr<const std::vector<bird::Roa>> roas_;
  bird::Drain drain_ = bird::Drain::off;
  std::optional<PolicyBasis> basis_;  // of files_
  std::optional<Files> files_;
};

}  // namespace moenet::agent
