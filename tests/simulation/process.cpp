#include "simulation/process.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <fmt/ranges.h>

#include "agent/control_plane_words.h"
#include "agent/mesh_of.h"
#include "simulation/invariants.h"

namespace moenet::simulation {

using namespace std::chrono_literals;
using agent::Modification;

namespace {

constexpr std::chrono::milliseconds kRequestTimeout = 15s;  // ControlPlaneSettings::request_timeout
constexpr std::chrono::milliseconds kRetryBudget = 60s;     // as ControlPlane gives them
constexpr std::chrono::milliseconds kWaitMargin = 10s;
constexpr std::chrono::milliseconds kSettle = 50ms;  // as reconcileTask waits

agent::AgentConfig config_of(const Machine& machine) {
  agent::AgentConfig config;
  config.node.name = machine.context().identity.name;
  if (!machine.owns_bird()) return config;
  config.bird.ownership = agent::BirdOwnership::full;
  config.bird.local_asn = 4242420998;
  return config;
}

agent::StateIdentity identity_of(const Machine& machine) { return {machine.context().identity.name, "http://cp"}; }

// What a mesh is on the disk here: the numbers of its neighbors.
std::string mesh_body(const std::set<model::NodeId>& neighbors) { return fmt::format("{}", fmt::join(neighbors, " ")); }

model::Mesh read_mesh_body(const std::string& body) {
  model::Mesh mesh;
  std::istringstream numbers(body);
  for (model::NodeId neighbor = 0; numbers >> neighbor;)
    mesh.peers.push_back({neighbor, agent::mesh_peer_of(neighbor)});
  return mesh;
}

}  // namespace

Process::Process(Machine& machine, const MachineWiring& wiring, const std::filesystem::path& folder)
    : machine_(machine),
      wiring_(wiring),
      config_(config_of(machine)),
      resolver_([] {}),
      backbone_(config_, machine.context_),
      maintenance_(folder.native(), machine.owns_bird(), maintenance_view_),
      unused_({}, machine.context_.identity.name, "simulation"),
      sync_(unused_, ledger_, input_, wakeup_, 60s),
      reconcile_({.node = machine.node_,
                  .context = machine.context_,
                  .settings = {},
                  .resolver = resolver_,
                  .ledger = ledger_,
                  .input = input_,
                  .mesh = mesh_,
                  .policy = policy_,
                  .roas = roas_,
                  .qualities = qualities_,
                  .measurement = measurement_,
                  .limit_retry = 300s,
                  .limits = limits_,
                  .backbone = backbone_,
                  .maintenance = maintenance_,
                  .requests = requests_,
                  .wakeup = wakeup_,
                  .report = report_,
                  .last_good = agent::LastGood::in(folder.native(), identity_of(machine)),
                  .on_report =
                      [this](const auto& report) {
                        if (report) report_wakeup_.notify();
                      },
                  .on_progress = [] {},
                  .clock = [this] { return wiring_.agenda.moment(); }}),
      wire_({wiring.agenda, wiring.chance, wiring.server, wiring.weather, wiring.number}) {
  agent::LastGood last_good = agent::LastGood::in(folder.native(), identity_of(machine));
  if (const auto kept = last_good.mesh.load())
    mesh_.put(agent::Known<model::Mesh>{std::make_shared<const model::Mesh>(read_mesh_body(*kept)), true});
  agent::put_last_good(std::move(last_good.sessions), input_);
  at(wiring.agenda.now(), &Process::fetch);
  at(wiring.agenda.now() + wiring.chance.between(1ms, 120s), &Process::read_mesh);
  look_at(wiring.agenda.now());
}

void Process::at(SteadyTime when, void (Process::*what)()) {
  wiring_.agenda.at(when, [this, what, alive = std::weak_ptr(is_alive_)] {
    if (!alive.expired()) (this->*what)();
  });
}

void Process::look_at(SteadyTime when) {
  next_look_ = when;
  wiring_.agenda.at(when, [this, when, alive = std::weak_ptr(is_alive_)] {
    if (!alive.expired() && next_look_ == when) look();
  });
}

void Process::listen() {
  if (wakeup_.was_notified()) look_at(std::min(next_look_, wiring_.agenda.now() + kSettle));
  if (sending_.empty() && report_wakeup_.was_notified()) report();
}

void Process::fetch() {
  const agent::FetchQuestion question = sync_.loop().ask(wiring_.agenda.now());
  http::Request request;
  request.target = "sessions";
  request.headers = agent::read_headers(question.etag, question.wait);
  auto attempt = kRequestTimeout;
  auto all = attempt * 4 + kRetryBudget;
  if (question.wait.count() > 0) attempt = all = attempt + question.wait + kWaitMargin;
  wire_.send(std::move(request), attempt, all, [this, question](const Result<http::Response>& response) {
    if (response) offers_batch_ = response->headers.find("X-MoeNet-Features").has_value();
    const SteadyTime next = sync_.loop().answer(question, agent::fetched_of(response, question.etag, "fetch sessions"),
                                                wiring_.agenda.now(), wiring_.chance.fraction());
    at(next, &Process::fetch);
    listen();
  });
}

// meshSyncTask: another reader of the same kind as sessionSyncTask, so its answers take no wire here.
void Process::read_mesh() {
  const bool forgets = machine_.mesh_amnesia > 0 && machine_.mesh_amnesia-- > 0;
  const std::string body = mesh_body(forgets ? std::set<model::NodeId>() : machine_.mesh);
  model::Mesh mesh = read_mesh_body(body);
  agent::Known<model::Mesh> known;
  if (const auto last = mesh_.read()) known = *last;
  if (known.answer == nullptr || !(*known.answer == mesh)) {
    known.answer = std::make_shared<const model::Mesh>(std::move(mesh));
    known.body = std::make_shared<Latest<std::string>>();
    known.body->put(body);
  }
  known.is_from_disk = false;
  known.number = ++meshes_;
  mesh_.put(std::move(known));
  at(wiring_.agenda.now() + 120s, &Process::read_mesh);
  wake();
}

void Process::maintain(bool begins, bool shuts_sessions) {
  const auto answer = [](const Result<void>&) {};
  if (begins) {
    requests_.add({agent::StartMaintenance{{60s, shuts_sessions, "work"}}, answer});
  } else {
    requests_.add({agent::StopMaintenance{}, answer});
  }
  wake();
}

void Process::look() {
  next_look_ = SteadyTime::max();
  const auto input = input_.read();
  wiring_.invariants.before_look(machine_, input.get());
  std::shared_ptr<const agent::NodeReport> report;
  try {
    report = reconcile_.attempt({});
  } catch (const Killed&) {
    wiring_.invariants.after_look(machine_, nullptr);
    return machine_.kill();  // and with it this
  }
  wiring_.invariants.after_look(machine_, report.get());
  look_at(reconcile_.next_look(report.get(), wiring_.chance.between(18ms, 24ms)));
  listen();
}

// All sessions work but the sick ones, and that is certain.
agent::HealthTable Process::health(const agent::NodeReport& report) const {
  agent::HealthTable table;
  for (const agent::SessionView& view : *report.sessions) {
    const bool is_sick = machine_.sick.contains(std::string(view.uuid.view()));
    agent::Health health;
    health.owner = model::owner_of_session(view.uuid.view());
    health.works = !is_sick;
    if (is_sick) health.cause = SharedText("no handshake yet");
    health.is_certain = true;
    table.push_back(std::move(health));
  }
  return table;
}

void Process::report() {
  if (!sending_.empty()) return;
  const auto report = report_.read();
  if (report == nullptr) return;
  sending_ = memory_.due(*report, health(*report), asked_ = wiring_.agenda.now());
  if (!sending_.empty()) {
    wiring_.invariants.on_reports(machine_, *report, sending_);
    outcomes_.clear();
    send(0);
  } else if (const auto next = memory_.next_due(asked_)) {
    at(*next, &Process::report);
  }
}

// As ControlPlane::modify: one by one, or together where the server takes that.
void Process::send(std::size_t done) {
  http::Request request;
  request.method = "POST";
  request.target = "modify";
  const bool is_batch = offers_batch_ && sending_.size() - done > 1;
  const std::span part = std::span(sending_).subspan(done, is_batch ? sending_.size() - done : 1);
  request.body = is_batch ? agent::batch_body(part) : agent::modify_body(part.front());
  wire_.send(std::move(request), kRequestTimeout, kRequestTimeout * 4 + kRetryBudget,
             [this, part, is_batch](const Result<http::Response>& response) {
               if (is_batch) {
                 for (auto& outcome : agent::batch_outcomes(response, part)) outcomes_.push_back(std::move(outcome));
               } else {
                 outcomes_.push_back(agent::modify_outcome(response, part.front()));
               }
               if (outcomes_.size() < sending_.size()) return send(outcomes_.size());
               answered();
             });
}

void Process::answered() {
  const auto input = input_.read();
  const std::uint64_t latest = input != nullptr ? input->number : 0;
  for (std::size_t i = 0; i < sending_.size(); ++i)
    memory_.answered(sending_[i], outcomes_[i], latest, wiring_.agenda.now(), wiring_.chance.fraction());
  sending_.clear();
  if (const auto next = memory_.next_due(asked_)) at(*next, &Process::report);
  listen();
}

}  // namespace moenet::simulation
