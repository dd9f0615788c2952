// PeeringSettings: who may peer with us and how, as the operators decide it for the whole network; what follows from it
// is peering_rules.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/json/fwd.hpp>

#include "model/json_reader.h"
#include "model/session.h"

namespace moenet::controlplane {

// Both ends are in it.
struct AsnRange {
  model::Asn first = 0;
  model::Asn last = 0;

  friend bool operator==(const AsnRange&, const AsnRange&) = default;
};

enum class Approval : std::uint8_t {
  manual,     // an operator looks at each request
  automatic,  // a request that the rules accept is set up at once
};

struct PeeringSettings {
  Approval approval = Approval::manual;
  std::vector<AsnRange> asn_ranges = {{4'242'420'000, 4'242'423'999}};  // DN42's own; empty: any
  std::vector<model::Asn> allowed_asns;                                 // in no range, and welcome; sorted, unique
  std::vector<model::Asn> blocked_asns;                                 // sorted, unique
  bool private_endpoints = false;  // may a peer be at an address that the internet does not route?
  std::string policy;              // of every peer's session; "" = the peer chooses

  friend bool operator==(const PeeringSettings&, const PeeringSettings&) = default;
};

// The member `peering` of the settings, over `value`.
void read_peering(const model::JsonReader& settings, PeeringSettings& value);
boost::json::value write_peering(const PeeringSettings& peering);

}  // namespace moenet::controlplane
