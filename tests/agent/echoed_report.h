// Reports of a node with sessions and a mesh that are in place, as rttTask reads them.
#pragma once

#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/reconcile_task.h"

namespace moenet::agent {

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
inline std::string uuid(int number) { return fmt::format("00000000-0000-4000-8000-{:012}", number); }
inline model::Owner owner(int number) { return model::owner_of_session(uuid(number)); }

inline const model::NodeIdentity kThisNode{"jp1", ip("172.22.188.2"), ip("fd00:4242:7777:101:2::1"), ip("fe80::998")};

// Session `number` with the addresses of the peer that `fields` name.
inline model::SessionRow echoed_row(int number, boost::json::object fields) {
  fields["uuid"] = uuid(number);
  fields["asn"] = 4242420000 + number;
  fields["status"] = 2;
  fields["type"] = "wireguard";
  fields["interface"] = fmt::format("dn42_{}", number);
  fields["credential"] = "uJskkgsWIKjUdj4GVtWL07j7wGWGrSLW5g3jUjtfgmk=";
  fields["extensions"] = boost::json::array{"mp_bgp"};
  return model::read_session(fields);
}

inline NodeReport echoed_report(std::vector<model::SessionRow> rows) {
  SessionViews views;
  for (const model::SessionRow& row : rows) {
    SessionView view;
    view.uuid = row.uuid;
    view.condition = model::InPlace{};
    views.push_back(std::move(view));
  }
  NodeReport report;
  report.sessions = std::make_shared<const SessionViews>(std::move(views));
  report.rows = std::make_shared<const std::vector<model::SessionRow>>(std::move(rows));
  return report;
}

inline void add_neighbor(NodeReport& report, model::NodeId node, std::string_view ipv6, std::string_view ipv4) {
  model::Mesh mesh = report.mesh == nullptr ? model::Mesh{} : *report.mesh;
  model::MeshPeer peer;
  peer.node_id = node;
  if (!ipv6.empty()) peer.loopback_ipv6 = ip(ipv6);
  if (!ipv4.empty()) peer.loopback_ipv4 = ip(ipv4);
  mesh.peers.push_back({node, peer});
  report.mesh = std::make_shared<const model::Mesh>(std::move(mesh));
  BackboneView view;
  view.owner = model::owner_of_mesh(node);
  view.condition = model::InPlace{};
  report.backbone.push_back(std::move(view));
}

}  // namespace moenet::agent
