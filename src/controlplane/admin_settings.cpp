// AdminApi: settings and blocklist, and what a change of the settings would make of BIRD's policy.

#include <string>
#include <vector>

#include <boost/json.hpp>

#include "base/log.h"
#include "controlplane/admin_api.h"
#include "controlplane/loopbacks.h"
#include "controlplane/pagination.h"
#include "controlplane/policy_preview.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

constexpr std::string_view kBlocklist = "policy.blocklist.";

// A blocklist as a change of the settings. What is absent of a whole one is empty.
json::object change_of_blocklist(const json::object& body, bool is_whole) {
  json::object list = body;
  for (const char* member : {"asns", "prefixes"}) {
    if (is_whole && !list.contains(member)) list[member] = nullptr;
  }
  return {{"policy", {{"blocklist", std::move(list)}}}};
}

// The blocklist's members are named as its own body has them.
Refusal in_words_of_blocklist(Refusal refusal) {
  if (refusal.field.starts_with(kBlocklist)) refusal.field.erase(0, kBlocklist.size());
  return refusal;
}

}  // namespace

http::Response AdminApi::show_settings(const http::Request& request) const {
  return for_admins(request, [&](const Caller&) -> Checked<http::Response> {
    CHECKED_TRY(const auto read, store_.versioned_settings());
    return versioned_answer(request, 200, write_settings(read.settings), read.version);
  });
}

http::Response AdminApi::edit_settings(const http::Request& request) const {
  return for_admins(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    CHECKED_TRY(const auto expected, expected_version(request));
    CHECKED_TRY(
        const auto changed,
        store_.change_settings(
            caller.author(), [&](const Settings& settings) { return merge_settings(settings, body); }, expected));
    log::info("settings changed");
    return versioned_answer(request, 200, write_settings(changed.settings), changed.version);
  });
}

http::Response AdminApi::show_blocklist(const http::Request& request) const {
  return for_admins(request, [&](const Caller&) -> Checked<http::Response> {
    CHECKED_TRY(const auto read, store_.versioned_settings());
    return versioned_answer(request, 200, write_blocklist(read.settings.policy.value_or(PolicySettings{})),
                            read.version);
  });
}

http::Response AdminApi::put_blocklist(const http::Request& request) const {
  return for_admins(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    CHECKED_TRY(const auto expected, expected_version(request));
    if (!body.is_object()) return refuse(Errc::invalid, "expected an object");
    const json::object change = change_of_blocklist(body.get_object(), request.method == "PUT");
    const auto decide = [&](const Settings& settings) -> Checked<Settings> {
      if (!settings.policy) return refuse(Errc::conflict, "this network has no policy: set `policy` first");
      return merge_settings(settings, change);
    };
    const auto changed = store_.change_settings(caller.author(), decide, expected);
    if (!changed) return std::unexpected(in_words_of_blocklist(changed.error()));
    log::info("blocklist changed", {{"by", caller.name}});
    return versioned_answer(request, 200, write_blocklist(*changed->settings.policy), changed->version);
  });
}

Checked<AdminApi::AskedNodes> AdminApi::asked_nodes(const http::Request& request) const {
  AskedNodes nodes;
  CHECKED_TRY(nodes.all, store_.nodes());
  if (const auto name = request.parameter("node")) {
    CHECKED_TRY(auto one, store_.find_node(*name));
    nodes.asked.push_back(std::move(one));
  } else {
    nodes.asked = nodes.all;
  }
  return nodes;
}

http::Response AdminApi::show_policy(const http::Request& request) const {
  return for_admins(request, [&](const Caller&) -> Checked<http::Response> {
    CHECKED_TRY(const auto settings, store_.settings());
    CHECKED_TRY(const auto nodes, asked_nodes(request));
    json::array list;
    for (const Node& node : nodes.asked) {
      CHECKED_TRY(const auto files, policy_files(settings, node, nodes.all));
      json::array texts;
      for (const model::BirdFile& file : files) texts.push_back(json::object{{"name", file.name}, {"text", file.text}});
      list.push_back(json::object{{"node", node.name}, {"files", std::move(texts)}});
    }
    return read_answer(request, json::object{{"nodes", std::move(list)}});
  });
}

http::Response AdminApi::preview_settings(const http::Request& request) const {
  return for_admins(request, [&](const Caller&) -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    CHECKED_TRY(const auto before, store_.settings());
    CHECKED_TRY(const auto after, merge_settings(before, body));
    CHECKED_TRY(const auto nodes, asked_nodes(request));
    if (auto sound = check_prefixes(after, nodes.all); !sound) return std::unexpected(sound.error());
    json::array list;
    for (const Node& node : nodes.asked) {
      CHECKED_TRY(const auto diff, policy_diff(before, after, node, nodes.all));
      if (!diff.empty()) list.push_back(json::object{{"node", node.name}, {"diff", diff}});
    }
    return json_answer(200, json::object{{"nodes", std::move(list)}});
  });
}

}  // namespace moenet::controlplane
