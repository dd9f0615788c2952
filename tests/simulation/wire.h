// Wire: requests of one process of a node on their way to the control plane and back. Each may get lost, on either way,
// come late, come twice, and be overtaken by a later one; the server may be down, or answer nonsense. Repetitions and
// the breaker are the real ones (http::Attempts).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "http/attempts.h"
#include "simulation/agenda.h"
#include "simulation/chance.h"
#include "simulation/far_control_plane.h"

namespace moenet::simulation {

// How bad the network and the server are; changes while the simulation runs.
struct Weather {
  double loses = 0;      // of each way of each message
  double delays = 0;     // by up to half a minute instead of up to 50 ms
  double repeats = 0;    // a request comes a second time, up to a minute later
  double fails = 0;      // the server answers 500, 502 or 503
  bool is_down = false;  // nobody listens
};

// The way to the server, which outlives whoever sends. All that is given must outlive everything that is on its way.
struct Way {
  Agenda& agenda;
  Chance& chance;
  FarControlPlane& server;
  const Weather& weather;
  int node;

  std::chrono::milliseconds delay() const;
  void deliver(const http::Request& request, const FarControlPlane::Reply& reply) const;
};

class Wire {
 public:
  using Outcome = std::function<void(Result<http::Response>)>;

  explicit Wire(Way way) : way_(way) {}

  // Whoever sent it and is gone by then hears nothing, but what is on its way arrives.
  void send(http::Request request, std::chrono::milliseconds attempt_timeout, std::chrono::milliseconds timeout,
            Outcome outcome);

 private:
  struct Exchange;
  void attempt(const std::shared_ptr<Exchange>& exchange);
  void conclude(const std::shared_ptr<Exchange>& exchange, const Result<http::Response>& outcome);

  Way way_;
  http::Attempts attempts_{{}, {}};
  std::shared_ptr<bool> is_alive_ = std::make_shared<bool>(true);
};

}  // namespace moenet::simulation
