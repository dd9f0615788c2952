// The laws of plan() on random nodes: few sessions, few names, few ports, so that everything collides with everything.
#include <numeric>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "reconcile/conflicts.h"
#include "reconcile/difference.h"
#include "reconcile/peerings.h"

namespace moenet::reconcile {
namespace {

using model::Intent;

constexpr unsigned kSessions = 6;

unsigned below(unsigned end) { return *rc::gen::inRange(0u, end); }
bool one_in(unsigned n) { return below(n) == 0; }

void vary(model::Tunnel& tunnel, unsigned port) {
  tunnel.mtu_bytes = one_in(3) ? 1280 : 1420;
  tunnel.listen_port = static_cast<std::uint16_t>(port);
  if (one_in(4)) tunnel.private_key = key_of(below(3));
  if (one_in(3)) tunnel.addresses.push_back({IpPrefix::host(v4(5000 + below(3))), std::nullopt});
  if (one_in(4)) tunnel.peers[0].public_key = key_of(below(9));
  if (one_in(4)) tunnel.peers[0].preshared_key = key_of(below(2));
  if (one_in(4)) tunnel.peers[0].keepalive = std::chrono::seconds(0);
  if (one_in(3)) tunnel.peers[0].endpoint.reset();
  if (one_in(3)) tunnel.configured_endpoint = {};
}

// Makes it, at times, one of GRE, of whose far ends there are as few as of ports.
void vary_kind(model::Tunnel& tunnel) {
  if (!one_in(4)) return;
  GreHeader& gre = tunnel.gre.emplace();
  gre.remote = v4(tunnel.listen_port);
  if (one_in(2)) gre.key = below(2);
  if (one_in(3)) gre.ttl = 1;
  tunnel.type = model::TunnelType::gre;
  tunnel.private_key = Key();
  tunnel.listen_port = 0;
  tunnel.peers.clear();
}

// A different number in [0, end) each, in random order.
std::vector<unsigned> shuffled(unsigned end) {
  std::vector<unsigned> all(end);
  std::iota(all.begin(), all.end(), 0u);
  for (unsigned i = end; i > 1; --i) std::swap(all[i - 1], all[below(i)]);
  return all;
}

model::DesiredState random_desired() {
  model::DesiredState desired;
  for (unsigned n = 1; n <= kSessions; ++n) {
    if (one_in(4)) continue;
    const unsigned kind = below(6);
    auto peering = peering_of(n, kind == 0 ? Intent::absent : kind == 1 ? Intent::untouched : Intent::present);
    if (peering.tunnel) {
      if (one_in(3)) edit(peering.tunnel).name = session_name(1 + below(kSessions));
      vary(edit(peering.tunnel), one_in(4) ? 0 : 30'001 + below(kSessions + 2));
      vary_kind(edit(peering.tunnel));
      if (one_in(5)) {
        peering.protocol = session_name(1 + below(kSessions));
        edit(peering.bird_file).name = peering.protocol + ".conf";
      }
    }
    desired.peerings.push_back(std::move(peering));
  }
  for (unsigned n = 1; n <= 2; ++n) {
    if (one_in(2)) continue;
    auto peering = mesh_peering_of(n);
    if (one_in(2)) edit(peering.tunnel).name = session_name(1 + below(kSessions));
    vary(edit(peering.tunnel), 30'001 + below(kSessions + 2));
    desired.peerings.push_back(std::move(peering));
  }
  std::ranges::sort(desired.peerings, {}, &model::DesiredPeering::owner);
  desired.wants_firewall = one_in(2);
  if (!one_in(3)) {
    desired.policy.emplace();
    for (const char* name : {"00_base.conf", "10_roa.conf"}) {
      if (!one_in(3)) desired.policy->push_back(policy_file(name, one_in(2) ? "new" : "old"));
    }
  }
  for (unsigned n = 1; n <= kSessions; ++n) {
    const unsigned wish = below(5);
    if (wish == 0) desired.switches.shut.push_back(session_name(n));
    if (wish == 1) desired.switches.reopen.push_back(session_name(n));
    if (wish == 2) desired.switches.kept.push_back(session_name(n));
  }
  return desired;
}

NodeState random_state() {
  NodeState state;
  state.bird.reachable = true;
  const auto links = shuffled(kSessions);
  const auto ports = shuffled(kSessions);
  const auto files = shuffled(kSessions);
  for (unsigned n = 0; n < kSessions; ++n) {
    const std::string link = session_name(1 + links[n]);
    if (one_in(6)) {
      state.foreign_links.push_back(link);
    } else if (!one_in(3)) {
      auto tunnel = tunnel_of(1 + below(kSessions + 1));
      tunnel.name = link;
      vary(tunnel, 30'001 + ports[n]);
      tunnel.up = !one_in(5);
      if (one_in(2)) tunnel.peers[0].handshake_age = std::chrono::seconds(below(300));
      vary_kind(tunnel);
      if (tunnel.gre && one_in(3)) tunnel.gre->is_usual = false;
      std::ranges::sort(tunnel.addresses);
      state.tunnels.push_back(std::move(tunnel));
    }
    const std::string file_name = session_name(1 + files[n]) + ".conf";
    if (one_in(6)) {
      state.bird.foreign_files.push_back(file_name);
    } else if (!one_in(3)) {
      auto file = file_of(1 + (one_in(2) ? files[n] : below(kSessions)), one_in(3) ? "old" : "");
      file.name = file_name;
      state.bird.files.push_back(std::make_shared<const model::BirdFile>(file));
      if (!one_in(4)) state.bird.protocols.push_back(session_name(1 + files[n]));
    }
  }
  for (const char* name : {"00_base.conf", "10_roa.conf"}) {
    if (one_in(8)) {
      state.bird.foreign_files.push_back(name);
    } else if (one_in(2)) {
      state.bird.files.push_back(policy_file(name, "old"));
    }
  }
  std::ranges::sort(state.tunnels, {}, &model::Tunnel::name);
  std::ranges::sort(state.foreign_links);
  std::ranges::sort(state.bird.files, {}, [](const auto& file) -> const std::string& { return file->name; });
  std::ranges::sort(state.bird.foreign_files);
  std::ranges::sort(state.bird.protocols);
  for (const std::string& protocol : state.bird.protocols) {
    if (one_in(3)) state.bird.shut_protocols.push_back(protocol);
  }
  state.bird.was_cut_off = one_in(8);
  if (one_in(2)) state.firewall.rules = model::Firewall{{30'001}, {session_name(1)}};
  state.firewall.intact = one_in(2);
  state.bird.has_stale_verdicts = one_in(8);
  return state;
}

struct Scene {
  model::DesiredState desired;
  FakeNode node;
};

Scene random_scene() {
  Scene scene{random_desired(), {}};
  scene.node.state = random_state();
  std::vector<std::int64_t> status_of;
  for (std::size_t i = 0; i < scene.desired.peerings.size(); ++i) status_of.push_back(below(9));
  settle_conflicts(scene.desired, status_of, scene.node.state);
  return scene;
}

// All that an owner has, in words.
std::vector<std::string> belongings(const NodeState& state, const model::Owner& owner) {
  std::vector<std::string> all;
  for (const auto& tunnel : state.tunnels) {
    if (tunnel.owner == owner) all.push_back(describe(TunnelAction(CreateTunnel{tunnel})));
  }
  for (const auto& file : state.bird.files) {
    if (file->owner == owner) all.push_back(file->name + file->text);
  }
  return all;
}

RC_GTEST_PROP(PlanLaws, CarriedOutItGivesWhatIsDesired, ()) {
  Scene scene = random_scene();
  const Plan made = plan(scene.desired, scene.node.state);
  RC_LOG() << describe(made);
  carry_out(made, scene.node);
  RC_ASSERT(scene.node.violations == std::vector<std::string>());
  // A port of the kernel's choice is known only when the link is there: the firewall learns of it in a second round.
  Plan second = plan(scene.desired, scene.node.state);
  if (second.firewall) {
    carry_out(second, scene.node);
    second.firewall.reset();
    RC_ASSERT(describe(second) == "nothing to change\n");
  }
  RC_ASSERT(describe(plan(scene.desired, scene.node.state)) == "nothing to change\n");
  for (const auto& peering : scene.desired.peerings) {
    RC_ASSERT(obstacle(peering, ObservedIndex(scene.node.state)) == "");
  }
}

RC_GTEST_PROP(PlanLaws, OnWhatIsDesiredItIsEmpty, ()) {
  Scene scene = random_scene();
  NodeState state = state_of(scene.desired);
  std::ranges::set_intersection(scene.desired.switches.shut, state.bird.protocols,
                                std::back_inserter(state.bird.shut_protocols));
  RC_ASSERT(plan(scene.desired, state).empty());
}

// The reconciler does not look at each session again when its plan was empty.
RC_GTEST_PROP(PlanLaws, WhereItIsEmptyAllIsInPlace, ()) {
  Scene scene = random_scene();
  scene.desired.policy.reset();
  scene.desired.wants_firewall = false;
  scene.desired.switches = {};  // a session that is to be shut or reopened is in place meanwhile
  carry_out(plan(scene.desired, scene.node.state), scene.node);
  if (one_in(2)) scene.node.state.bird.protocols.clear();
  if (one_in(3) && !scene.node.state.tunnels.empty()) scene.node.state.tunnels.pop_back();
  if (one_in(3) && !scene.node.state.bird.files.empty()) scene.node.state.bird.files.pop_back();
  bool all_in_place = true;
  for (const auto& peering : scene.desired.peerings) all_in_place &= is_in_place(peering, scene.node.state);
  RC_ASSERT(plan(scene.desired, scene.node.state).empty() == all_in_place);
}

RC_GTEST_PROP(PlanLaws, TheSameInputGivesTheSamePlan, ()) {
  const Scene scene = random_scene();
  const Plan made = plan(scene.desired, scene.node.state);
  NodeState copy = scene.node.state;
  RC_ASSERT(plan(scene.desired, copy) == made);
  RC_ASSERT(describe(plan(scene.desired, copy)) == describe(made));
}

RC_GTEST_PROP(PlanLaws, UntouchedOwnersKeepAllTheyHave, ()) {
  Scene scene = random_scene();
  const NodeState before = scene.node.state;
  carry_out(plan(scene.desired, before), scene.node);
  for (const auto& peering : scene.desired.peerings) {
    const auto& owner = peering.owner;
    if (peering.intent == Intent::untouched)
      RC_ASSERT(belongings(scene.node.state, owner) == belongings(before, owner));
  }
  const model::Owner policy(model::kPolicyOwner);
  if (!scene.desired.policy) RC_ASSERT(belongings(scene.node.state, policy) == belongings(before, policy));
}

// All of the wanted policy is there and nothing else of one, or, where a name is taken, all is as it was.
RC_GTEST_PROP(PlanLaws, ThePolicyIsOneThing, ()) {
  Scene scene = random_scene();
  const NodeState before = scene.node.state;
  const Plan made = plan(scene.desired, before);
  if (!scene.desired.policy) return;
  carry_out(made, scene.node);
  const model::Owner policy(model::kPolicyOwner);
  if (!made.blocked.empty() && made.blocked.back() == policy) {
    RC_ASSERT(belongings(scene.node.state, policy) == belongings(before, policy));
  } else {
    model::DesiredState only_policy;
    only_policy.policy = scene.desired.policy;
    RC_ASSERT(belongings(scene.node.state, policy) == belongings(state_of(only_policy), policy));
  }
}

// Sessions in no list stay as they are while BIRD does not read its configuration, kept ones also when it does; the
// others become as wished.
RC_GTEST_PROP(PlanLaws, OnlyWishedSessionsAreShutOrReopened, ()) {
  Scene scene = random_scene();
  const auto& wish = scene.desired.switches;
  const auto before = scene.node.state.bird.shut_protocols;
  const Plan made = plan(scene.desired, scene.node.state);
  for (const SessionOrder& order : made.bird.orders) {
    RC_ASSERT(order.kind != SessionOrder::Kind::restart);
    const bool shuts = order.kind == SessionOrder::Kind::shut;
    const bool was_shut = std::ranges::binary_search(before, order.protocol);
    const bool is_kept = was_shut && std::ranges::binary_search(wish.kept, order.protocol);
    RC_ASSERT(is_kept || std::ranges::binary_search(shuts ? wish.shut : wish.reopen, order.protocol));
    RC_ASSERT(was_shut != shuts || made.bird.changes_files());
  }
  carry_out(made, scene.node);
  const NodeState& after = scene.node.state;
  for (const auto& peering : scene.desired.peerings) {
    const auto& name = peering.protocol;
    if (peering.intent == Intent::absent || !std::ranges::binary_search(after.bird.protocols, name)) continue;
    const bool is_shut = std::ranges::binary_search(after.bird.shut_protocols, name);
    const bool was_shut = std::ranges::binary_search(before, name);
    if (was_shut && std::ranges::binary_search(wish.kept, name)) RC_ASSERT(is_shut);
    if (peering.intent != Intent::present) continue;
    if (std::ranges::binary_search(wish.shut, name)) RC_ASSERT(is_shut);
    if (std::ranges::binary_search(wish.reopen, name)) RC_ASSERT(!is_shut);
  }
}

TEST(PlanSwitches, BirdThatDoesNotAnswerIsOrderedNothing) {
  auto desired = desired_of({peering_of(1)});
  NodeState state = state_of(desired);
  desired.switches = {{session_name(1)}, {}, {}, "back soon"};
  const Plan made = plan(desired, state);
  EXPECT_EQ(made.bird.orders,
            (std::vector<SessionOrder>{{desired.peerings[0].owner, session_name(1), SessionOrder::Kind::shut}}));
  EXPECT_EQ(made.bird.message, "back soon");
  EXPECT_EQ(describe(made), "~ dn42_4242420001  shut down for maintenance\n");
  state.bird.reachable = false;
  EXPECT_TRUE(plan(desired, state).empty());
}

// Another session that wants its port loses.
RC_GTEST_PROP(PlanLaws, ARunningLinkWhosePortIsTheKernelsChoiceIsKept, ()) {
  Scene scene = random_scene();
  std::set<std::string> running;
  for (auto& peering : scene.desired.peerings) {
    model::Tunnel* link = peering.tunnel ? scene.node.link(peering.tunnel->name) : nullptr;
    if (link == nullptr || link->gre || peering.tunnel->gre || one_in(2)) continue;
    link->owner = peering.tunnel->owner;
    link->type = peering.tunnel->type;
    edit(peering.tunnel).listen_port = 0;
    running.insert(link->name);
  }
  settle_conflicts(scene.desired, statuses(scene.desired, below(9)), scene.node.state);
  for (const auto& action : plan(scene.desired, scene.node.state).before_bird) {
    RC_ASSERT(!running.contains(std::string(link_name(action))) || std::holds_alternative<UpdateTunnel>(action));
  }
}

RC_GTEST_PROP(PlanLaws, ALiveEndpointIsRewrittenOnlyWhenTheOperatorChangedIt, ()) {
  auto desired = tunnel_of(1);
  auto observed = tunnel_of(1);
  vary(desired, 30'001);
  vary(observed, 30'001);
  observed.peers[0].public_key = desired.peers[0].public_key;
  observed.peers[0].endpoint = Endpoint{v4(9), 9};
  observed.peers[0].handshake_age = std::chrono::seconds(below(136));
  const bool operator_changed =
      !desired.configured_endpoint.empty() && desired.configured_endpoint != observed.configured_endpoint;
  const auto update = difference(desired, observed);
  const bool is_rewritten = update && !update->peers.empty() && update->peers[0].endpoint;
  RC_ASSERT(is_rewritten == (operator_changed && desired.peers[0].endpoint.has_value()));
}

// Without settle_conflicts, names still collide with what is foreign: nothing of it may be named.
RC_GTEST_PROP(PlanLaws, NothingForeignIsEverNamed, ()) {
  const auto desired = random_desired();
  const NodeState state = random_state();
  const Plan made = plan(desired, state);
  const auto is_foreign = [](const std::vector<std::string>& foreign, std::string_view name) {
    return std::ranges::find(foreign, name) != foreign.end();
  };
  for (const auto* actions : {&made.before_bird, &made.after_bird}) {
    for (const auto& action : *actions) RC_ASSERT(!is_foreign(state.foreign_links, link_name(action)));
  }
  for (const auto& file : made.bird.put) RC_ASSERT(!is_foreign(state.bird.foreign_files, file.name));
  for (const auto& name : made.bird.remove) RC_ASSERT(!is_foreign(state.bird.foreign_files, name));
}

}  // namespace
}  // namespace moenet::reconcile
