// A Pinger whose far ends a test sets, and which keeps what it was asked.
#pragma once

#include <map>
#include <vector>

#include "net/pinger.h"

namespace moenet::agent {

struct FarEnds {
  std::map<IpAddress, net::EchoResult> answers;     // of those that answer
  std::vector<std::vector<net::EchoTarget>> asked;  // per measurement
  std::vector<net::EchoPlan> plans;                 // per measurement

  void answer(const IpAddress& address, double rtt_ms, unsigned lost = 0) {
    net::EchoResult& result = answers[address];
    result = {};
    result.sent = 4;
    const std::chrono::duration<double, std::milli> time(rtt_ms);
    result.times.assign(4 - lost, std::chrono::duration_cast<std::chrono::nanoseconds>(time));
  }
};

class FakePinger : public net::Pinger {
 public:
  explicit FakePinger(FarEnds& far_ends) : far_ends_(far_ends) {}

  Access access() const override { return Access::raw; }
  Result<std::vector<net::EchoResult>> measure(std::span<const net::EchoTarget> targets, const net::EchoPlan& plan,
                                               const std::stop_token& stop) override {
    if (stop.stop_requested()) return fail(Errc::cancelled, "stopped");
    far_ends_.asked.emplace_back(targets.begin(), targets.end());
    far_ends_.plans.push_back(plan);
    std::vector<net::EchoResult> results;
    for (const net::EchoTarget& target : targets) {
      net::EchoResult silent;
      silent.sent = plan.count;
      const auto answer = far_ends_.answers.find(target.address);
      results.push_back(answer == far_ends_.answers.end() ? silent : answer->second);
    }
    return results;
  }

 private:
  FarEnds& far_ends_;
};

}  // namespace moenet::agent
