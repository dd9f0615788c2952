// Meter: what was seen of links, tunnels and BIRD at one moment becomes a Measurement: joined by owner, with rates,
// flaps and ages, which need the measurements before. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "agent/measurement.h"
#include "agent/reconcile_task.h"
#include "net/link_counters.h"

namespace moenet::agent {

struct Look {
  std::span<const net::CountedLink> links;  // with our mark, sorted by name
  std::function<std::optional<TunnelState>(const std::string& interface_name)> tunnel_of;
  const SessionViews& sessions;                 // as the reconciler's last step left them
  std::vector<bird::ProtocolDetail> protocols;  // none with a `bird_problem`
  std::string bird_problem;
  WallTime wall{};
  SteadyTime now{};
  std::span<const std::string> shut{};  // protocols that maintenance holds down, sorted: their loss is no flap
};

// Is this session to be on the node, as far as its last step knows?
bool is_present(const SessionView& session);

// BIRD says since when a protocol is as it is by its own clock, zone and format, so the texts can be compared and no
// more: a time of the day, and after some hours a date. Does `now` mean another moment than `before`? Of a text that
// merely aged into a date it does not.
bool is_another_since(std::string_view before, std::string_view now);

// Of the routes of a protocol that is not up nothing is known, but for a limit that took it down.
void forget_routes(bird::ProtocolDetail& detail);

// What a brief look says of the protocols, with the rest as it was known: of the routes of a protocol that is not up
// any more nothing is.
std::vector<bird::ProtocolDetail> brought_up_to_date(const Measurement* last,
                                                     std::vector<bird::ProtocolStatus> statuses);

class Meter {
 public:
  Measurement measure(Look look);

 private:
  struct Known {
    model::Owner owner;
    int link_index = 0;
    std::optional<Traffic> traffic;
    std::optional<TrafficRate> rate;
    SteadyTime counted{};                   // when `traffic` was
    std::optional<SteadyTime> established;  // when it was first seen to be
    std::string since;                      // BIRD's text then
    std::uint64_t flaps = 0;
  };

  void remember_those_in(Measurement& measurement);
  static void count(const net::CountedLink& link, SteadyTime now, Known& known, LinkMeasurement& measured);
  static void follow_bgp(SteadyTime now, bool is_shut, Known& known, LinkMeasurement& measured);

  std::vector<Known> known_;  // one for each link of the last measurement, in its order
};

}  // namespace moenet::agent
