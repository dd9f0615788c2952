// Crowd: as many tunnels as a benchmark asks for, as the agent would find them after it had set them up: real links
// (persistent tuns) with mark, addresses and MTU, and behind them one thread that answers for all their WireGuard
// daemons. 10,000 real ones do not fit a machine: each takes 5 MB and an inotify instance.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "model/desired.h"

namespace moenet::bench {

// A JSON envelope of `count` sessions as a control plane sends it, in the order of uuids or turned by half: lists have
// no stable order (wire contract A1).
std::string sessions_body(unsigned count, bool turned = false);

class Crowd {
 public:
  // Makes the links of all tunnels and serves NAME.sock in `socket_folder`. Whoever runs it is in namespaces of its
  // own: links stay until those end.
  static Result<std::unique_ptr<Crowd>> raise(const model::DesiredState& desired, const std::string& socket_folder);
  ~Crowd();

 private:
  struct State;
  explicit Crowd(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// A network and a mount namespace of this process's own, with an empty /run. REQUIRES: root, and no other thread yet.
Result<void> enter_own_namespaces();

}  // namespace moenet::bench
