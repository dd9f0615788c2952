#include "simulation/machine.h"

#include <fmt/format.h>

#include "simulation/process.h"

namespace moenet::simulation {

namespace {

agent::NodeContext context_of(int number, bool owns_bird) {
  agent::NodeContext context;
  context.identity = {fmt::format("node{}", number),
                      *IpAddress::parse(fmt::format("172.22.188.{}", number)),
                      {},
                      *IpAddress::parse(fmt::format("fe80::998:{}", number))};
  Key::Bytes key{};
  key[0] = static_cast<std::uint8_t>(number);
  context.private_key = Key(key);
  context.owns_bird = owns_bird;
  return context;
}

}  // namespace

Machine::Machine(MachineWiring wiring)
    : wiring_(wiring),
      context_(context_of(wiring.number, wiring.chance.happens(0.3))),
      folder_(std::make_unique<support::TemporaryFolder>()) {
  node_.state.bird.version = "2.0.12";
  node_.on_operation = [this] { tick(); };
  node_.drift = [this](reconcile::FakeNode&) { tick(); };
}

Machine::~Machine() = default;

void Machine::tick() {
  if (operations_to_live_ && --*operations_to_live_ < 0) {
    operations_to_live_.reset();
    throw Killed();
  }
}

void Machine::start() {
  if (process_ == nullptr) process_ = std::make_unique<Process>(*this, wiring_, folder_->path());
}

void Machine::kill() {
  if (process_ == nullptr) return;
  process_.reset();
  was_killed_ = true;
}

void Machine::lose_state() { folder_ = std::make_unique<support::TemporaryFolder>(); }

void Machine::maintain(bool begins, bool shuts_sessions) {
  if (process_ != nullptr) process_->maintain(begins, shuts_sessions);
}

void Machine::wake() {
  if (process_ != nullptr) process_->wake();
}

}  // namespace moenet::simulation
