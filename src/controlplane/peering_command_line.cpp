#include "controlplane/peering_command_line.h"

#include <charconv>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json.hpp>

namespace moenet::controlplane {

namespace {

namespace json = boost::json;
using Kind = ApiCommand::Kind;
using Words = std::vector<std::string>;

// What is typed; the callbacks of CLI11 live as long as the parser, and so does this.
struct Typed {
  ApiCommand api;
  std::optional<std::string> approval, policy;
  std::optional<Words> ranges, allowed, blocked;
  std::optional<bool> private_endpoints;
};

// "4242420101" or "AS4242420101"; what is none is left for the control plane to refuse.
json::value asn_of(std::string_view text) {
  if (text.starts_with("AS") || text.starts_with("as")) text.remove_prefix(2);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return json::value(text);
  return number;
}

// "4242420000-4242423999"; one number is a range too.
json::value range_of(std::string_view text) {
  const std::size_t dash = text.find('-');
  return json::array{asn_of(text.substr(0, dash)),
                     asn_of(dash == std::string_view::npos ? text : text.substr(dash + 1))};
}

// One empty word is an empty list.
template <class Read>
void put(json::object& body, std::string_view member, const std::optional<Words>& words, Read read) {
  if (!words) return;
  json::array list;
  for (const std::string& word : *words) {
    if (!word.empty()) list.push_back(read(word));
  }
  body[member] = std::move(list);
}

std::string body_of(const Typed& typed) {
  json::object peering;
  if (typed.approval) peering["approval"] = *typed.approval;
  put(peering, "asnRanges", typed.ranges, range_of);
  put(peering, "allowedAsns", typed.allowed, asn_of);
  put(peering, "blockedAsns", typed.blocked, asn_of);
  if (typed.private_endpoints) peering["privateEndpoints"] = *typed.private_endpoints;
  if (typed.policy) peering["policy"] = typed.policy->empty() ? json::value(nullptr) : json::value(*typed.policy);
  return json::serialize(json::object{{"peering", std::move(peering)}});
}

}  // namespace

void add_peering_commands(CLI::App& app, CommandLine& line) {
  const auto typed = std::make_shared<Typed>();
  CLI::App* peering = app.add_subcommand("peering", "Who may peer with this network, and how");
  peering->fallthrough();
  peering->require_subcommand(1);
  const auto command = [&](Kind kind, const char* name, const char* help) {
    CLI::App* added = peering->add_subcommand(name, help);
    added->fallthrough();
    added->callback([&line, typed, kind] {
      typed->api.kind = kind;
      if (kind == Kind::peering_change) typed->api.body = body_of(*typed);
      line.command = typed->api;
    });
    return added;
  };
  command(Kind::peering_show, "show", "The rules that bind users; operators may do otherwise");
  CLI::App* set =
      command(Kind::peering_change, "set", "Change what is named; a list takes the place of the one before");
  set->add_option("--approval", typed->approval, "manual, or automatic: what the rules accept is set up at once");
  set->add_option_function<Words>(
      "--asn-range", [typed](const Words& words) { typed->ranges = words; },
      "FIRST-LAST, as often as needed: who may ask; '' = anybody");
  set->add_option_function<Words>(
      "--allow-asn", [typed](const Words& words) { typed->allowed = words; },
      "May peer whatever ranges and registry say; '' = none");
  set->add_option_function<Words>(
      "--block-asn", [typed](const Words& words) { typed->blocked = words; }, "May not; '' = none");
  auto* may = set->add_flag_callback(
      "--private-endpoints", [typed] { typed->private_endpoints = true; },
      "Endpoints may be where the internet does not lead");
  set->add_flag_callback(
         "--no-private-endpoints", [typed] { typed->private_endpoints = false; }, "They may not")
      ->excludes(may);
  set->add_option("--policy", typed->policy, "Of every peer: full, peer, upstream or downstream; '' = it chooses");
}

}  // namespace moenet::controlplane
