// AdminApi: what there is to see of the nodes and the links between them.

#include <charconv>
#include <string>

#include <boost/json.hpp>

#include "controlplane/admin_api.h"
#include "controlplane/answers.h"
#include "controlplane/mesh_report.h"
#include "controlplane/node_views.h"
#include "controlplane/pagination.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

json::value view_for(const Caller& caller, const Settings& settings, const Node& node, WallTime now) {
  return caller.role >= Role::admin ? operator_view(settings, node) : public_view(settings, node, now);
}

// The id behind which a part begins.
Checked<NodeId> first_behind(const PartOfList& part) {
  NodeId id = 0;
  if (!part.after) return id;
  const char* const end = part.after->data() + part.after->size();
  const auto read = std::from_chars(part.after->data(), end, id);
  if (read.ec != std::errc() || read.ptr != end || id < 0)
    return refuse(Errc::invalid, "expected the `next` of an answer", "after");
  return id;
}

// The state of a link is everybody's to see; how it is measured is not.
json::object link_for(const Caller& caller, const Node& node, const json::object& told) {
  json::object link{{"from", node.name}, {"to", told.at("node")}, {"state", told.at("state")}};
  if (caller.role < Role::admin) return link;
  for (const char* member : {"handshakeAge", "babel", "rtt"}) {
    if (const json::value* value = told.if_contains(member)) link[member] = *value;
  }
  return link;
}

}  // namespace

http::Response AdminApi::list_nodes(const http::Request& request) const {
  return for_all(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto part, part_of_list(request));
    CHECKED_TRY(const NodeId behind, first_behind(part));
    CHECKED_TRY(const auto settings, store_.settings());
    CHECKED_TRY(const auto nodes, store_.nodes());
    const bool is_whole = is_older_spelling(request) && !request.parameter("limit");
    json::array list;
    json::value next;
    NodeId last = behind;
    for (const Node& node : nodes) {
      if (node.id <= behind) continue;
      if (!is_whole && list.size() == part.limit) {
        next = std::to_string(last);
        break;
      }
      list.push_back(view_for(caller, settings, node, now_()));
      last = node.id;
    }
    return read_answer(request, json::object{{"nodes", std::move(list)}, {"next", std::move(next)}});
  });
}

http::Response AdminApi::show_node(const http::Request& request, std::string_view name) const {
  return for_all(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto node, store_.find_node(name));
    CHECKED_TRY(const auto settings, store_.settings());
    json::object answer = view_for(caller, settings, node, now_()).as_object();
    if (caller.role >= Role::admin) {
      CHECKED_TRY(const auto report, store_.document_of(node.id, "mesh-status"));
      CHECKED_TRY(const auto nodes, store_.nodes());
      answer["mesh"] = report ? mesh_links(report->json, nodes) : json::array();
      answer["meshReportedAt"] = report ? json::value(report->at) : json::value(nullptr);
    }
    return versioned_answer(request, 200, answer, node.version);
  });
}

http::Response AdminApi::mesh(const http::Request& request) const {
  return for_all(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto nodes, store_.nodes());
    json::array links;
    for (const Node& node : nodes) {
      CHECKED_TRY(const auto report, store_.document_of(node.id, "mesh-status"));
      if (!report) continue;
      for (const json::value& told : mesh_links(report->json, nodes)) {
        if (told.at("node").is_string()) links.push_back(link_for(caller, node, told.as_object()));
      }
    }
    return read_answer(request, json::object{{"links", std::move(links)}});
  });
}

}  // namespace moenet::controlplane
