#include "simulation/invariants.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "controlplane/session_draft.h"
#include "model/session_json.h"

namespace moenet::simulation {

namespace {

using enum SessionStatus;
using reconcile::FakeNode;

using Moves = std::set<std::pair<SessionStatus, SessionStatus>>;

// Wire contract A3, of what a node may report.
const Moves kNodeMoves{{queued_for_setup, enabled}, {queued_for_setup, problem}, {queued_for_setup, teardown},
                       {enabled, problem},          {problem, enabled},          {problem, teardown},
                       {queued_for_delete, deleted}};
// And of what an operator's wish comes to, with the steps in between that nobody sees.
const Moves kOperatorMoves{
    {pending, queued_for_setup},   {pending, rejected},          {enabled, queued_for_delete},
    {enabled, disabled},           {enabled, queued_for_setup},  {problem, queued_for_delete},
    {problem, disabled},           {queued_for_setup, disabled}, {queued_for_setup, queued_for_delete},
    {queued_for_delete, disabled}, {disabled, queued_for_setup}, {teardown, queued_for_setup},
    {teardown, disabled}};

agent::Lookup no_names() {
  return [](std::string_view host, auto) -> Result<std::optional<IpAddress>> {
    TRY(const auto address, IpAddress::parse(host));
    return std::optional(address);
  };
}

const model::Tunnel* link_of(const FakeNode& node, const model::Owner& owner) {
  const auto at = std::ranges::find(node.state.tunnels, owner, &model::Tunnel::owner);
  return at == node.state.tunnels.end() ? nullptr : &*at;
}

const model::BirdFile* file_of(const FakeNode& node, const model::Owner& owner) {
  const auto at = std::ranges::find(node.state.bird.files, owner, [](const auto& file) { return file->owner; });
  return at == node.state.bird.files.end() ? nullptr : at->get();
}

bool runs(const FakeNode& node, const std::string& protocol) {
  return std::ranges::binary_search(node.state.bird.protocols, protocol);
}

// All that there is of an owner, in one text.
std::string objects_of(const FakeNode& node, const model::Owner& owner) {
  std::string all;
  if (const auto* link = link_of(node, owner))
    all += fmt::format("{} {} {} {} {} {}", link->name, link->mtu_bytes, link->up, link->listen_port,
                       link->peers.size(), link->gre ? link->gre->ttl : 0);
  if (const auto* file = file_of(node, owner)) all += file->name + file->text;
  return all;
}

// A roamed peer stays where it is, so endpoints are compared by what was configured last; of a session that has none
// any more, that stays too.
bool is_as_wanted(const model::Tunnel& wanted, const model::Tunnel& link) {
  if (wanted.owner != link.owner || wanted.mtu_bytes != link.mtu_bytes || !link.up ||
      wanted.addresses != link.addresses || wanted.private_key != link.private_key || wanted.type != link.type ||
      wanted.gre != link.gre ||
      (!wanted.configured_endpoint.empty() && wanted.configured_endpoint != link.configured_endpoint) ||
      wanted.peers.size() != link.peers.size() || (wanted.listen_port != 0 && wanted.listen_port != link.listen_port))
    return false;
  return std::ranges::equal(wanted.peers, link.peers, [](const auto& a, const auto& b) {
    return a.public_key == b.public_key && a.preshared_key == b.preshared_key && a.keepalive == b.keepalive &&
           a.allowed_ips == b.allowed_ips;
  });
}

bool is_in_place(const model::DesiredPeering& wanted, const FakeNode& node) {
  if (!wanted.tunnel || !wanted.bird_file || !node.state.bird.reachable || node.state.bird.was_cut_off) return false;
  const auto* link = link_of(node, wanted.owner);
  const auto* file = file_of(node, wanted.owner);
  return link != nullptr && link->name == wanted.tunnel->name && is_as_wanted(*wanted.tunnel, *link) &&
         file != nullptr && *file == *wanted.bird_file && runs(node, wanted.protocol);
}

const model::DesiredPeering* find(const agent::Composed& composed, const model::Owner& owner) {
  const auto at = std::ranges::find(composed.state.peerings, owner, &model::DesiredPeering::owner);
  return at == composed.state.peerings.end() ? nullptr : &*at;
}

std::string name_in(const std::string& operation) {
  const auto space = operation.find(' ');
  return space == std::string::npos ? "" : operation.substr(space + 1);
}

}  // namespace

void Invariants::expect(bool holds, const Machine* machine, const std::string& what) {
  if (!holds) broken_.push_back((machine != nullptr ? fmt::format("node{}: ", machine->number()) : "") + what);
}

Invariants::Eyes& Invariants::eyes_of(const Machine& machine) {
  Eyes& eyes = eyes_[machine.number()];
  if (eyes.listed == nullptr) {
    eyes.listed = std::make_unique<agent::Composer>(machine.context());
    eyes.told = std::make_unique<agent::Composer>(machine.context());
  }
  return eyes;
}

void Invariants::before_look(Machine& machine, const agent::SessionInput* input) {
  Eyes& eyes = eyes_of(machine);
  FakeNode& node = machine.node();
  node.operations.clear();
  eyes.before = {};
  Before& before = eyes.before;
  before.foreign_links = node.state.foreign_links;
  before.foreign_files = node.state.bird.foreign_files;
  std::ranges::copy_if(node.state.tunnels, std::back_inserter(before.links),
                       [](const model::Tunnel& link) { return !model::session_of(link.owner).empty(); });
  const auto is_mesh = [](const model::Tunnel& link) { return model::mesh_node_of(link.owner).has_value(); };
  std::ranges::copy_if(node.state.tunnels, std::back_inserter(before.mesh_links), is_mesh);
  if (input == nullptr || input->answer == nullptr) return;
  const auto& rows = input->answer->rows;
  const auto& composed = eyes.listed->compose({input->answer, &rows}, no_names());
  for (const model::DesiredPeering& wanted : composed.state.peerings) {
    if (wanted.intent == model::Intent::untouched) {
      before.left_alone.emplace(wanted.owner, objects_of(node, wanted.owner));
    } else if (wanted.intent == model::Intent::present && is_in_place(wanted, node)) {
      before.kept.insert(wanted.tunnel->name);
      before.kept.insert(wanted.bird_file->name);
    }
  }
  // An empty list is not believed at once where it takes so much: what the node last knew as wanted stays. (A row is
  // ENABLED or PROBLEM by the node's own word.)
  if (!rows.empty() || before.links.size() < 5 || server_.rows().size() < 5) return;
  for (const model::Tunnel& link : before.links) {
    const auto* row = server_.row(std::string(model::session_of(link.owner)));
    if (row != nullptr && (row->status == enabled || row->status == problem)) before.spared.insert(link.name);
  }
}

void Invariants::after_look(Machine& machine, const agent::NodeReport* report) {
  Eyes& eyes = eyes_of(machine);
  FakeNode& node = machine.node();
  check_operations(machine, eyes.before);
  check_removals(machine, eyes.before);
  check_mesh(machine, eyes.before);
  for (const std::string& operation : node.operations) {
    if (operation != "configure" && !node.failing_links.contains(name_in(operation))) ++eyes.operations;
  }
  if (report != nullptr && !report->error) check_claims(machine, *report);
  node.operations.clear();
}

void Invariants::check_operations(Machine& machine, const Before& before) {
  FakeNode& node = machine.node();
  for (const std::string& violation : std::exchange(node.violations, {})) expect(false, &machine, violation);
  expect(node.state.foreign_links == before.foreign_links, &machine, "a foreign link came or went");
  expect(node.state.bird.foreign_files == before.foreign_files, &machine, "a foreign file came or went");
  for (const std::string& operation : node.operations) {
    expect(!operation.starts_with("remove ") || !before.spared.contains(name_in(operation)), &machine,
           "believed an empty list: " + operation);
    expect(!before.kept.contains(name_in(operation)), &machine, "changed what was as wanted: " + operation);
  }
  for (const auto& [owner, objects] : before.left_alone)
    expect(objects_of(node, owner) == objects, &machine, fmt::format("changed {}, of which nothing was asked", owner));
}

// Of sessions that have lost their link for good: BIRD would speak over what is not there. Unless another one needs the
// link's name or port: then there is no other way.
void Invariants::check_removals(const Machine& machine, const Before& before) {
  const FakeNode& node = machine.node();
  if (!node.state.bird.reachable) return;
  for (const model::Tunnel& link : before.links) {
    const auto* file = file_of(node, link.owner);
    if (file == nullptr || link_of(node, link.owner) != nullptr) continue;
    const auto* row = server_.row(std::string(model::session_of(link.owner)));
    const bool is_unwanted = row == nullptr || row->status == queued_for_delete || row->status == disabled;
    const bool is_needed = std::ranges::any_of(server_.rows(), [&](const auto& entry) {
      return &entry.second != row && entry.second.node == machine.number() && entry.second.port == link.listen_port;
    });
    expect(!is_unwanted || is_needed, &machine,
           fmt::format("removed {} before BIRD dropped {}", link.name, file->name));
  }
}

// Who is in the mesh all the time keeps its link, also when the control plane forgets everybody for once.
void Invariants::check_mesh(const Machine& machine, const Before& before) {
  if (before.mesh_links.size() < 5) return;
  for (const model::Tunnel& link : before.mesh_links) {
    const bool is_in = machine.mesh.contains(*model::mesh_node_of(link.owner));
    expect(!is_in || link_of(machine.node(), link.owner) != nullptr, &machine, "believed an empty mesh: " + link.name);
  }
}

void Invariants::check_claims(const Machine& machine, const agent::NodeReport& report) {
  const FakeNode& node = machine.node();
  const auto& composed = eyes_of(machine).told->compose(report.rows, no_names());
  for (const agent::SessionView& view : *report.sessions) {
    const model::Owner owner = model::owner_of_session(view.uuid.view());
    const auto* wanted = find(composed, owner);
    if (std::holds_alternative<model::InPlace>(view.condition))
      expect(wanted != nullptr && is_in_place(*wanted, node), &machine, fmt::format("{} is not in place", owner));
    if (std::holds_alternative<model::Removed>(view.condition))
      expect(objects_of(node, owner).empty(), &machine, fmt::format("{} is not removed", owner));
  }
}

void Invariants::on_reports(const Machine& machine, const agent::NodeReport& report,
                            const std::vector<agent::Modification>& reports) {
  for (const agent::Modification& told : reports) {
    const auto view = std::ranges::find(*report.sessions, told.session, &agent::SessionView::uuid);
    if (view == report.sessions->end() || !view->held_status) {
      expect(false, &machine, fmt::format("tells of {}, of which it was told nothing", told.session));
      continue;
    }
    const auto held = static_cast<SessionStatus>(*view->held_status);
    const auto status = told.report.status;
    expect((status == held && status != queued_for_delete) || kNodeMoves.contains({held, status}), &machine,
           fmt::format("tells {} of {}, which it knows as {}", name_of(status), told.session, name_of(held)));
    expect((status == problem || status == teardown) != told.report.last_error.empty(), &machine,
           fmt::format("tells {} of {} with the cause \"{}\"", name_of(status), told.session, told.report.last_error));
  }
}

void Invariants::on_move(const StoredSession& before, const StoredSession* after, bool by_node) {
  if (after == nullptr) {
    expect(!by_node || was_queued_for_delete_.contains(before.uuid), nullptr,
           fmt::format("{} was deleted by its node, and nobody had asked for it", before.uuid));
    return;
  }
  if (after->status == queued_for_delete) was_queued_for_delete_.insert(before.uuid);
  if (after->status == before.status) return;
  expect((by_node ? kNodeMoves : kOperatorMoves).contains({before.status, after->status}), nullptr,
         fmt::format("{} moved from {} to {}", before.uuid, name_of(before.status), name_of(after->status)));
}

void Invariants::on_step(int at_once) {
  expect(at_once < 1'000, nullptr, "it goes round and round without any time passing");
}

// Why a session may not work, of what the simulation has done to it.
bool Invariants::is_explained(const Machine& machine, const StoredSession& row) const {
  const FakeNode& node = machine.node();
  if (machine.sick.contains(row.uuid) || node.failing_links.contains(row.interface_name)) return true;
  if (std::ranges::find(node.state.foreign_links, row.interface_name) != node.state.foreign_links.end()) return true;
  const std::string file = fmt::format("dn42_{}.conf", row.asn);
  if (node.refused_files.contains(file)) return true;
  if (!model::read_session(controlplane::agent_view(row)).session) return true;
  if (std::ranges::find(node.state.bird.foreign_files, file) != node.state.bird.foreign_files.end()) return true;
  return std::ranges::any_of(server_.rows(), [&](const auto& entry) {  // two claim one port
    const StoredSession& other = entry.second;
    return other.uuid != row.uuid && other.node == row.node && other.port == row.port && row.port != 0;
  });
}

void Invariants::check_row(const Machine& machine, const StoredSession& row, const model::DesiredPeering& wanted) {
  const FakeNode& node = machine.node();
  const auto says = [&](std::string_view what) {
    return fmt::format("{} is {} (\"{}\") at rest: {}", row.uuid, name_of(row.status), row.last_error, what);
  };
  const std::string objects = objects_of(node, wanted.owner);
  switch (row.status) {
    case enabled:
      expect(row.last_error.empty() && is_in_place(wanted, node), &machine, says("it is not in place"));
      expect(!machine.sick.contains(row.uuid), &machine, says("it does not work"));
      break;
    case problem:
      expect(!row.last_error.empty(), &machine, says("nobody knows why"));
      expect(is_explained(machine, row), &machine, says("nothing is wrong with it"));
      break;
    case teardown:
      expect(faulty_.contains(row.uuid), &machine, says("nothing was ever wrong with it"));
      [[fallthrough]];
    case disabled:
      expect(objects.empty() || node.failing_links.contains(row.interface_name), &machine, says("something is left"));
      break;
    case pending:
    case rejected: expect(objects.empty(), &machine, says("something was set up")); break;
    case queued_for_delete:
      expect(node.failing_links.contains(row.interface_name), &machine, says("it was never removed"));
      break;
    case queued_for_setup: expect(false, &machine, says("it was never set up, nor was it said why")); break;
    case deleted: break;
  }
}

void Invariants::at_rest(Machine& machine) {
  const FakeNode& node = machine.node();
  std::vector<model::SessionRow> rows;
  std::set<model::Owner> owners;
  for (const auto& [uuid, row] : server_.rows()) {
    if (row.node != machine.number()) continue;
    rows.push_back(model::read_session(controlplane::agent_view(row)));
    owners.insert(model::owner_of_session(uuid));
  }
  const auto composed = agent::compose(rows, machine.context(), no_names());
  for (const auto& [uuid, row] : server_.rows()) {
    if (row.node != machine.number()) continue;
    const auto* wanted = find(composed, model::owner_of_session(uuid));
    if (wanted != nullptr) check_row(machine, row, *wanted);
  }
  for (const model::NodeId neighbor : machine.mesh) {
    const model::Owner owner = model::owner_of_mesh(neighbor);
    owners.insert(owner);
    expect(link_of(node, owner) != nullptr, &machine, fmt::format("{} has no link", owner));
  }
  owners.insert(model::Owner(model::kPolicyOwner));
  expect(node.state.bird.shut_protocols.empty(), &machine, "a session is still shut");
  for (const model::Tunnel& link : node.state.tunnels)
    expect(owners.contains(link.owner) || node.failing_links.contains(link.name), &machine,
           fmt::format("nobody wants the link {} of {}", link.name, link.owner));
  for (const auto& file : node.state.bird.files)
    expect(owners.contains(file->owner), &machine,
           fmt::format("nobody wants the file {} of {}", file->name, file->owner));
  eyes_of(machine).operations = 0;
}

void Invariants::still_at_rest(Machine& machine, std::uint64_t reports_before) {
  expect(eyes_of(machine).operations == 0, &machine, "it goes on changing things at rest");
  expect(server_.reports() == reports_before, &machine, "something is told at rest");
}

}  // namespace moenet::simulation
