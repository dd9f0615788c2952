#include "simulation/world.h"

#include <utility>

#include <fmt/format.h>

namespace moenet::simulation {

using namespace std::chrono_literals;
using controlplane::OperatorMove;

namespace {

constexpr std::chrono::milliseconds kShortestTrouble = 3min;
constexpr std::chrono::milliseconds kLongestTrouble = 13min;
// Longer than the longest wait of any retry (10 min, ReconcilerSettings), a report's (5 min) and a guard's three
// answers.
constexpr std::chrono::milliseconds kSettles = 18min;
constexpr std::chrono::milliseconds kRests = 3min;

std::string uuid_of(int number) { return fmt::format("00000000-0000-4000-8000-{:012}", number); }
std::string link_of(const StoredSession& row) { return row.interface_name; }
std::string file_of(const StoredSession& row) { return fmt::format("dn42_{}.conf", row.asn); }

std::string text_of(std::chrono::milliseconds time) {
  return fmt::format("{:4}:{:02}.{:03}", time / 1min, time / 1s % 60, time.count() % 1000);
}

}  // namespace

World::World(std::uint64_t seed, std::function<void(const std::string&)> tell)
    : chance_(seed),
      tell_(std::move(tell)),
      server_(agenda_, chance_.happens(0.25),
              [this](const StoredSession& before, const StoredSession* after, bool by_node) {
                this->tell(fmt::format("{} {} -> {} by {}", before.uuid, name_of(before.status),
                                       after != nullptr ? name_of(after->status) : "dropped",
                                       by_node ? "its node" : "the operator"));
                invariants_.on_move(before, after, by_node);
              }),
      invariants_(server_) {
  const int nodes = chance_.between(1, 3);
  for (int number = 1; number <= nodes; ++number) {
    machines_.push_back(
        std::make_unique<Machine>(MachineWiring{number, agenda_, chance_, server_, weather_, invariants_}));
  }
}

void World::tell(const std::string& what) const {
  if (tell_)
    tell_(text_of(std::chrono::floor<std::chrono::milliseconds>(agenda_.now().time_since_epoch())) + " " + what);
}

std::vector<std::string> World::run() {
  for (int n = chance_.between(2, 12); n > 0; --n) add_session();
  for (const auto& machine : machines_) machine->start();
  const auto trouble = chance_.between(kShortestTrouble, kLongestTrouble);
  plan_trouble(trouble);
  if (!pass(agenda_.now() + trouble)) return invariants_.broken();
  heal();
  if (!pass(agenda_.now() + kSettles)) return invariants_.broken();
  tell("at rest?");
  for (const auto& machine : machines_) invariants_.at_rest(*machine);
  const auto reports = server_.reports();
  if (!pass(agenda_.now() + kRests)) return invariants_.broken();
  for (const auto& machine : machines_) {
    invariants_.at_rest(*machine);
    invariants_.still_at_rest(*machine, reports);
  }
  return invariants_.broken();
}

// False when an invariant broke.
bool World::pass(SteadyTime end) {
  SteadyTime last{};
  for (int steps = 0; agenda_.step(end); ++steps) {
    if (std::exchange(last, agenda_.now()) != last) steps = 0;
    invariants_.on_step(steps);
    for (const auto& machine : machines_) restart_later(*machine);
    if (!invariants_.broken().empty()) return false;
  }
  return true;
}

void World::plan_trouble(std::chrono::milliseconds length) {
  for (int n = chance_.between(5, 40); n > 0; --n) agenda_.in(chance_.between(0ms, length), [this] { act(); });
  for (int n = chance_.between(0, 25); n > 0; --n) agenda_.in(chance_.between(0ms, length), [this] { harm(); });
}

void World::heal() {
  tell("nothing new goes wrong from here on");
  weather_ = {};
  for (const auto& machine : machines_) {
    machine->spare();
    reconcile::FakeNode& node = machine->node();
    node.bird_error.reset();
    node.observe_error.reset();
    if (!node.state.bird.reachable) {
      node.state.bird.reachable = true;
      machine->wake();
    }
    std::erase_if(node.failing_links, [&](const auto&) { return chance_.happens(0.6); });
    std::erase_if(node.refused_files, [&](const auto&) { return chance_.happens(0.6); });
    machine->start();
    machine->mesh_amnesia = 0;
    machine->maintain(false, false);
  }
}

// --- the operator

StoredSession World::new_session(int node, int number) const {
  StoredSession row;
  row.uuid = uuid_of(number);
  row.node = node;
  row.asn = 4242420000u + static_cast<unsigned>(number);
  row.name = "peer";
  row.interface_name = fmt::format("dn42_{}", number);
  row.ipv6 = fmt::format("fe80::{}", number);
  row.credential = "uJskkgsWIKjUdj4GVtWL07j7wGWGrSLW5g3jUjtfgmk=";
  row.extensions_json = R"(["mp_bgp"])";
  row.port = number % 3 == 0 ? 0 : 30000 + number;
  if (number % 2 == 0) row.endpoint = fmt::format("192.0.2.{}:51820", number % 250);
  if (number % 5 == 0) {
    row.type = "gre";
    row.credential = "";
    row.endpoint = fmt::format("192.0.2.{}", number % 250);
  }
  return row;
}

void World::add_session() {
  const int node = chance_.between(1, static_cast<int>(machines_.size()));
  const StoredSession row = new_session(node, ++sessions_);
  tell(fmt::format("session {} for node{}", row.uuid, node));
  server_.add(row);
  if (chance_.happens(0.9)) server_.move(row.uuid, OperatorMove::approve);
}

std::function<void(StoredSession&)> World::draw_change(const std::string& uuid) {
  const int value = chance_.between(0, 5);
  switch (chance_.between(0, 7)) {
    case 0: return [value](StoredSession& row) { row.mtu = 1400 + value; };
    case 1: return [value](StoredSession& row) { row.endpoint = fmt::format("192.0.2.1:{}", 1000 + value); };
    case 2:
      if (server_.rows().at(uuid).type == "gre") invariants_.note_faulty(uuid);
      return [](StoredSession& row) { row.endpoint = ""; };
    case 3: return [value](StoredSession& row) { row.port = 31000 + row.asn % 1000 * 6 + value; };
    case 4: return [value](StoredSession& row) { row.policy = value % 2 == 0 ? "full" : "peer"; };
    case 5: return [](StoredSession& row) { row.port = 30001; };  // which another may have
    case 6: invariants_.note_faulty(uuid); return [](StoredSession& row) { row.credential = "no key"; };
    default: return [](StoredSession& row) { row.credential = "uJskkgsWIKjUdj4GVtWL07j7wGWGrSLW5g3jUjtfgmk="; };
  }
}

void World::edit(const std::string& uuid) { server_.edit(uuid, draw_change(uuid), chance_.happens(0.4)); }

void World::act() {
  std::vector<std::string> uuids;
  for (const auto& [uuid, row] : server_.rows()) uuids.push_back(uuid);
  if (uuids.empty() || chance_.happens(0.25)) return add_session();
  const std::string uuid = chance_.one_of(uuids);
  const int what = chance_.between(0, 12);
  tell(fmt::format("the operator acts on {}: {}", uuid, what));
  if (what == 0) {  // all at once
    for (const std::string& each : uuids)
      server_.move(each, chance_.happens(0.7) ? OperatorMove::remove : OperatorMove::disable);
  } else if (what <= 5) {
    edit(uuid);
  } else if (what <= 7) {
    server_.move(uuid, OperatorMove::approve);
  } else if (what <= 8) {
    server_.move(uuid, OperatorMove::disable);
  } else if (what <= 10) {
    server_.move(uuid, OperatorMove::enable);
  } else if (what <= 11) {
    server_.move(uuid, OperatorMove::remove);
  } else {
    server_.move(uuid, OperatorMove::reject);
  }
}

// --- what goes wrong

const StoredSession* World::draw_session_of(const Machine& machine) {
  std::vector<const StoredSession*> rows;
  for (const auto& [uuid, row] : server_.rows()) {
    if (row.node == machine.number()) rows.push_back(&row);
  }
  return rows.empty() ? nullptr : chance_.one_of(rows);
}

void World::harm() {
  Machine& machine = *chance_.one_of(machines_);
  switch (chance_.between(0, 7)) {
    case 0:
    case 1: return harm_process(machine);
    case 2: return harm_network();
    case 3: return harm_kernel(machine);
    case 4: return harm_bird(machine);
    case 5: return change_mesh(machine);
    case 6: return maintain(machine);
    default: return harm_session(machine);
  }
}

void World::harm_network() {
  tell("the network is bad");
  weather_.loses = chance_.happens(0.5) ? chance_.fraction() * 0.5 : 0;
  weather_.delays = chance_.happens(0.5) ? chance_.fraction() * 0.5 : 0;
  weather_.repeats = chance_.happens(0.5) ? chance_.fraction() : 0;
  weather_.fails = chance_.happens(0.3) ? chance_.fraction() : 0;
  weather_.is_down = chance_.happens(0.2);
  if (weather_.is_down) server_.cut_waiting();
  if (chance_.happens(0.2))
    server_.forget_for(chance_.between(1, static_cast<int>(machines_.size())), chance_.between(1, 2));
  agenda_.in(chance_.between(1s, 600s), [this] {
    tell("the network is good");
    weather_ = {};
  });
}

void World::harm_process(Machine& machine) {
  if (chance_.happens(0.3)) {
    tell(fmt::format("node{} is killed", machine.number()));
    machine.kill();
    // Whose protocols maintenance has shut nobody would know without.
    if (!machine.owns_bird() && chance_.happens(0.2)) machine.lose_state();
  } else {
    const int operations = chance_.between(0, 12);
    tell(fmt::format("node{} will be killed after {} operations", machine.number(), operations));
    machine.kill_after(operations);
  }
}

// Once for each end.
void World::restart_later(Machine& machine) {
  if (!machine.awaits_start()) return;
  agenda_.in(chance_.between(10ms, 90s), [this, &machine] {
    tell(fmt::format("node{} starts", machine.number()));
    machine.start();
  });
}

void World::harm_kernel(Machine& machine) {
  reconcile::FakeNode& node = machine.node();
  const StoredSession* row = draw_session_of(machine);
  if (row == nullptr) return;
  const std::string name = link_of(*row);
  model::Tunnel* link = node.link(name);
  const int what = chance_.between(0, 4);
  tell(fmt::format("node{}: harm {} to link {}", machine.number(), what, name));
  if (what == 0) {
    node.failing_links[name] = {Errc::unavailable, "the kernel has no memory for it"};
    agenda_.in(chance_.between(1s, 900s), [&node, name] { node.failing_links.erase(name); });
  } else if (what == 1 && link == nullptr) {
    const auto at = std::ranges::lower_bound(node.state.foreign_links, name);
    if (at == node.state.foreign_links.end() || *at != name) node.state.foreign_links.insert(at, name);
  } else if (what == 2 && link != nullptr) {
    std::erase_if(node.state.tunnels, [&](const auto& each) { return each.name == name; });
    machine.wake();
  } else if (what == 3 && link != nullptr) {
    link->mtu_bytes += 7;
    link->up = false;
    if (chance_.happens(0.5)) machine.wake();
  } else if (link != nullptr && link->gre) {
    link->gre->ttl = 1;
    if (chance_.happens(0.5)) machine.wake();
  } else if (link != nullptr && !link->peers.empty()) {
    link->peers.clear();  // no event tells of it
  }
}

void World::harm_bird(Machine& machine) {
  reconcile::FakeNode& node = machine.node();
  const StoredSession* row = draw_session_of(machine);
  const int what = chance_.between(0, 4);
  tell(fmt::format("node{}: harm {} to BIRD", machine.number(), what));
  const auto back = chance_.between(1s, 600s);
  if (what == 0) {
    node.state.bird.reachable = false;
    agenda_.in(back, [&node, &machine] {
      node.state.bird.reachable = true;
      machine.wake();
    });
  } else if (what == 1) {
    node.bird_error = {Errc::timeout, "BIRD does not answer in time"};
    agenda_.in(back, [&node] { node.bird_error.reset(); });
  } else if (what == 2) {
    node.observe_error = {Errc::unavailable, "netlink: no buffer space"};
    agenda_.in(back, [&node] { node.observe_error.reset(); });
  } else if (what == 3 && row != nullptr) {
    invariants_.note_faulty(row->uuid);
    node.refused_files[file_of(*row)] = "syntax error";
    agenda_.in(back, [&node, file = file_of(*row)] { node.refused_files.erase(file); });
  } else if (row != nullptr) {
    std::erase_if(node.state.bird.files, [&](const auto& file) { return file->name == file_of(*row); });
  }
}

void World::change_mesh(Machine& machine) {
  tell(fmt::format("node{}: another mesh", machine.number()));
  if (machine.mesh.size() >= 5 && chance_.happens(0.4)) {
    machine.mesh_amnesia = chance_.between(1, 2);
    return;
  }
  for (int n = chance_.between(1, 6); n > 0; --n) machine.mesh.insert(draw_neighbor());
  if (chance_.happens(0.3)) machine.mesh.erase(draw_neighbor());
}

void World::maintain(Machine& machine) {
  if (!machine.owns_bird()) return;
  tell(fmt::format("node{}: maintenance", machine.number()));
  machine.maintain(true, chance_.happens(0.5));
  if (chance_.happens(0.5)) agenda_.in(chance_.between(1s, 400s), [&machine] { machine.maintain(false, false); });
}

void World::harm_session(Machine& machine) {
  const StoredSession* row = draw_session_of(machine);
  if (row == nullptr) return;
  tell(fmt::format("node{}: {} does not work", machine.number(), row->uuid));
  machine.sick.insert(row->uuid);
  machine.wake();
  if (chance_.happens(0.2)) return;
  agenda_.in(chance_.between(1s, 900s), [&machine, uuid = row->uuid] {
    machine.sick.erase(uuid);
    machine.wake();
  });
}

}  // namespace moenet::simulation
