#include "simulation/wire.h"

#include <utility>

namespace moenet::simulation {

using std::chrono::milliseconds;

struct Wire::Exchange {
  http::Request request;
  milliseconds attempt_timeout;
  SteadyTime deadline;
  Outcome outcome;
  unsigned attempt = 0;
  unsigned concluded = 0;  // attempts of which the outcome is known
};

milliseconds Way::delay() const {
  using namespace std::chrono_literals;
  return chance.happens(weather.delays) ? chance.between(50ms, 30'000ms) : chance.between(1ms, 50ms);
}

void Way::deliver(const http::Request& request, const FarControlPlane::Reply& reply) const {
  if (weather.is_down) return;
  if (chance.happens(weather.fails)) return reply(http::Response::text(500 + 2 * chance.between(0, 1), "no"));
  server.serve(node, request, reply);
}

void Wire::send(http::Request request, milliseconds attempt_timeout, milliseconds timeout, Outcome outcome) {
  auto exchange = std::make_shared<Exchange>(
      Exchange{std::move(request), attempt_timeout, way_.agenda.now() + timeout, std::move(outcome)});
  if (auto admitted = attempts_.admit(way_.agenda.now()); !admitted) {
    way_.agenda.in(milliseconds(0), [exchange, error = admitted.error(), alive = std::weak_ptr(is_alive_)] {
      if (!alive.expired()) exchange->outcome(std::unexpected(error));
    });
    return;
  }
  attempt(exchange);
}

// What is put on the agenda here outlives the process, but for what comes back to it.
void Wire::attempt(const std::shared_ptr<Exchange>& exchange) {
  const unsigned number = ++exchange->attempt;
  const auto hear = [this, exchange, number, alive = std::weak_ptr(is_alive_)](const Result<http::Response>& outcome) {
    if (alive.expired() || exchange->concluded >= number) return;  // gone, or it has given up waiting
    exchange->concluded = number;
    conclude(exchange, outcome);
  };
  const auto patience =
      std::min<SteadyTime::duration>(exchange->attempt_timeout, exchange->deadline - way_.agenda.now());
  way_.agenda.at(way_.agenda.now() + patience, [hear] { hear(fail(Errc::timeout, "no answer in time")); });
  if (way_.weather.is_down) {
    way_.agenda.in(milliseconds(1), [hear] { hear(fail(Errc::unavailable, "connection refused")); });
    return;
  }
  if (!way_.chance.happens(way_.weather.loses)) {
    const bool comes_back = !way_.chance.happens(way_.weather.loses);
    way_.agenda.in(way_.delay(), [way = way_, hear, comes_back, back = way_.delay(), request = exchange->request] {
      way.deliver(request, [way, hear, comes_back, back](http::Response response) {
        if (comes_back) way.agenda.in(back, [hear, response = std::move(response)] { hear(response); });
      });
    });
  }
  if (exchange->request.method == "POST" && way_.chance.happens(way_.weather.repeats)) {
    const auto later = way_.chance.between(milliseconds(1), milliseconds(60'000));
    way_.agenda.in(later,
                   [way = way_, request = exchange->request] { way.deliver(request, [](const http::Response&) {}); });
  }
}

void Wire::conclude(const std::shared_ptr<Exchange>& exchange, const Result<http::Response>& outcome) {
  const auto left = std::chrono::floor<milliseconds>(exchange->deadline - way_.agenda.now());
  const auto wait =
      attempts_.wait_after(outcome, exchange->attempt - 1, left, way_.chance.fraction(), way_.agenda.moment());
  if (!wait) return exchange->outcome(outcome);
  way_.agenda.in(*wait, [this, exchange, outcome, alive = std::weak_ptr(is_alive_)] {
    if (alive.expired()) return;
    if (!attempts_.admit_again(way_.agenda.now())) return exchange->outcome(outcome);
    attempt(exchange);
  });
}

}  // namespace moenet::simulation
