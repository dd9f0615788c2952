// Sessions, links and BIRD's words for tests of what is measured.
#pragma once

#include <string>

#include "agent/meter.h"

namespace moenet::agent::testing {

// The uuid of session `asn`, whose order is that of the numbers below 10.
inline std::string uuid_of(model::Asn asn) { return "00000000-0000-4000-8000-00000000000" + std::to_string(asn); }

inline SessionView session_view(model::Asn asn, model::Condition condition = model::InPlace{},
                                model::SessionStatus held = model::SessionStatus::enabled) {
  SessionView view;
  view.uuid = uuid_of(asn);
  view.asn = asn;
  view.name = "AS" + std::to_string(asn);
  view.interface_name = "dn42_" + std::to_string(asn);
  view.held_status = static_cast<std::int64_t>(held);
  view.condition = std::move(condition);
  return view;
}

inline net::CountedLink counted_link(model::Asn asn, int index, std::optional<net::LinkStatistics> statistics = {}) {
  net::CountedLink counted;
  counted.link.index = index;
  counted.link.name = "dn42_" + std::to_string(asn);
  counted.link.kind = "tun";
  counted.link.alias = "moenet-agent session/" + uuid_of(asn);
  counted.link.mtu_bytes = 1420;
  counted.link.up = counted.link.running = true;
  counted.statistics = statistics;
  return counted;
}

inline bird::ProtocolStatus protocol_status(model::Asn asn, std::string state, std::string since, std::string info) {
  return {"dn42_" + std::to_string(asn), "BGP", "---", std::move(state), std::move(since), std::move(info)};
}

inline bird::ProtocolDetail established(model::Asn asn, std::string since = "10:00:00.000",
                                        std::uint64_t imported = 7) {
  bird::ProtocolDetail detail;
  detail.status = protocol_status(asn, "up", std::move(since), "Established");
  detail.bgp_state = "Established";
  bird::ChannelDetail channel;
  channel.name = "ipv4";
  channel.state = "UP";
  channel.imported = imported;
  channel.exported = 3;
  detail.channels.push_back(channel);
  return detail;
}

inline bird::ProtocolDetail not_established(model::Asn asn, std::string last_error = "") {
  bird::ProtocolDetail detail;
  detail.status = protocol_status(asn, "start", "10:05:00.000", "Active        " + last_error);
  detail.bgp_state = "Active";
  detail.last_error = std::move(last_error);
  detail.neighbor_address = "fe80::1";
  return detail;
}

}  // namespace moenet::agent::testing
