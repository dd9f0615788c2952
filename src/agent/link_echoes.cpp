#include "agent/link_echoes.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

namespace moenet::agent {
namespace {

// Chosen: each asked after the others costs a timeout for each place that nobody answers at, and 10,000 links are not
// to take more than half a minute for that.
constexpr std::size_t kLinksAtOnce = 2000;

void add_candidate(const std::optional<IpAddress>& address, const model::NodeIdentity& node,
                   std::vector<IpAddress>& candidates) {
  const bool is_ours = address && (address == node.ipv4 || address == node.ipv6 || address == node.ipv6_link_local);
  if (address && !is_ours && std::ranges::find(candidates, *address) == candidates.end())
    candidates.push_back(*address);
}

std::vector<IpAddress> candidates_of(const model::Session& session, const model::NodeIdentity& node) {
  std::vector<IpAddress> candidates;
  const bool is_link_local = session.ipv6 && session.ipv6->is_link_local();
  if (is_link_local) add_candidate(session.ipv6, node, candidates);
  add_candidate(session.ipv6_link_local, node, candidates);
  add_candidate(session.ipv6, node, candidates);
  add_candidate(session.ipv4, node, candidates);
  return candidates;
}

std::vector<IpAddress> candidates_of(const model::MeshPeer& peer, const model::NodeIdentity& node) {
  std::vector<IpAddress> candidates;
  add_candidate(peer.loopback_ipv6, node, candidates);
  add_candidate(peer.loopback_ipv4, node, candidates);
  return candidates;
}

bool is_in_place(const model::Condition& condition) { return std::holds_alternative<model::InPlace>(condition); }

void add_mesh(const NodeReport& report, const model::NodeIdentity& node, std::vector<EchoedLink>& links) {
  if (report.mesh == nullptr) return;
  for (const BackboneView& view : report.backbone) {
    const auto id = model::mesh_node_of(view.owner);
    if (!id || !is_in_place(view.condition)) continue;
    const auto row = std::ranges::lower_bound(report.mesh->peers, *id, {}, &model::MeshRow::node_id);
    if (row == report.mesh->peers.end() || row->node_id != *id || !row->peer) continue;
    if (auto candidates = candidates_of(*row->peer, node); !candidates.empty())
      links.push_back({view.owner, "", std::move(candidates)});
  }
}

// Both are sorted by uuid.
void add_sessions(const NodeReport& report, const model::NodeIdentity& node, std::vector<EchoedLink>& links) {
  if (report.rows == nullptr) return;
  auto row = report.rows->begin();
  for (const SessionView& view : *report.sessions) {
    while (row != report.rows->end() && row->uuid < view.uuid) ++row;
    if (row == report.rows->end()) return;
    if (row->uuid != view.uuid || !row->session || !is_in_place(view.condition)) continue;
    if (auto candidates = candidates_of(*row->session, node); !candidates.empty())
      links.push_back({model::owner_of_session(view.uuid), row->session->interface_name, std::move(candidates)});
  }
}

// The one that answered last comes first. Absent: there are no more.
std::optional<IpAddress> candidate(const EchoedLink& link, const KnownLinks& known, std::size_t attempt) {
  if (attempt >= link.candidates.size()) return std::nullopt;
  const auto before = known.find(link.owner);
  const auto preferred =
      before == known.end() ? link.candidates.end() : std::ranges::find(link.candidates, before->second.target);
  if (preferred == link.candidates.end()) return link.candidates[attempt];
  if (attempt == 0) return *preferred;
  const auto place = static_cast<std::size_t>(preferred - link.candidates.begin());
  return link.candidates[attempt <= place ? attempt - 1 : attempt];
}

// A node of ours answers, if it can be reached.
bool is_silent(const EchoedLink& link, const KnownLinks& known, WallTime heard_since) {
  if (model::mesh_node_of(link.owner)) return false;
  const auto before = known.find(link.owner);
  return before == known.end() || before->second.quality.bursts == 0 || before->second.quality.answered < heard_since;
}

using Answers = std::vector<std::optional<LinkEchoes>>;

bool has_answered(const std::optional<LinkEchoes>& answer) { return answer && answer->echoes.median; }

std::chrono::microseconds pace_of(std::size_t packets, const EchoRound& round) {
  const std::chrono::microseconds even =
      std::chrono::microseconds(round.span) / static_cast<std::int64_t>(std::max<std::size_t>(packets, 1));
  return std::clamp(even, round.burst.pace, std::max(round.burst.pace, kSlowestPace));
}

// With its source an echo takes no look at the routes (IcmpSocket).
std::optional<IpAddress> source_for(const IpAddress& address, const EchoRound& round) {
  return address.is_v6() && address.is_link_local() ? round.link_local : std::nullopt;
}

// Asks each link at place(link, attempt) until it answers or there is no further place.
template <class Place>
Result<Answers> ask_in_turn(net::Pinger& pinger, std::span<const EchoedLink> links, const EchoRound& round,
                            const InterfaceIndex& index, const std::stop_token& stop, const Place& place) {
  Answers answers(links.size());
  for (std::size_t attempt = 0;; ++attempt) {
    std::vector<net::EchoTarget> targets;
    std::vector<std::size_t> asked;
    for (std::size_t i = 0; i < links.size(); ++i) {
      const auto address = has_answered(answers[i]) ? std::nullopt : place(i, attempt);
      if (!address) continue;
      const int interface = links[i].interface_name.empty() ? 0 : index(links[i].interface_name);
      if (interface == 0 && !links[i].interface_name.empty()) continue;
      targets.push_back({*address, interface, source_for(*address, round)});
      asked.push_back(i);
    }
    if (targets.empty()) return answers;
    net::EchoPlan plan = round.burst;
    plan.pace = pace_of(targets.size() * plan.count, round);
    TRY(const auto results, pinger.measure(targets, plan, stop));
    for (std::size_t t = 0; t < targets.size(); ++t)
      answers[asked[t]] = LinkEchoes{targets[t].address, net::summary_of(results[t])};
  }
}

Result<Answers> ask_some(net::Pinger& pinger, std::span<const EchoedLink> links, const KnownLinks& known,
                         const EchoRound& round, const InterfaceIndex& index, const std::stop_token& stop) {
  std::vector<bool> is_knocked(links.size());
  for (std::size_t i = 0; i < links.size(); ++i) is_knocked[i] = is_silent(links[i], known, round.heard_since);
  EchoRound knock = round;
  knock.burst.count = 1;
  const auto knock_at = [&](std::size_t i, std::size_t attempt) {
    return is_knocked[i] ? candidate(links[i], known, attempt) : std::nullopt;
  };
  TRY(Answers answers, ask_in_turn(pinger, links, knock, index, stop, knock_at));
  const auto burst_at = [&](std::size_t i, std::size_t attempt) -> std::optional<IpAddress> {
    if (!is_knocked[i]) return candidate(links[i], known, attempt);
    return attempt == 0 && has_answered(answers[i]) ? std::optional(answers[i]->target) : std::nullopt;
  };
  TRY(Answers bursts, ask_in_turn(pinger, links, round, index, stop, burst_at));
  for (std::size_t i = 0; i < links.size(); ++i) {
    if (bursts[i]) answers[i] = std::move(bursts[i]);
  }
  return answers;
}

}  // namespace

std::vector<EchoedLink> echoed_links(const NodeReport& report, const model::NodeIdentity& node) {
  std::vector<EchoedLink> links;
  add_mesh(report, node, links);
  add_sessions(report, node, links);
  std::ranges::sort(links, {}, &EchoedLink::owner);
  return links;
}

Result<Answers> ask_links(net::Pinger& pinger, std::span<const EchoedLink> links, const KnownLinks& known,
                          const EchoRound& round, const InterfaceIndex& index, const std::stop_token& stop) {
  Answers answers;
  answers.reserve(links.size());
  while (answers.size() < links.size()) {
    const auto left = links.subspan(answers.size());
    const auto some = left.first(std::min(left.size(), kLinksAtOnce));
    EchoRound part = round;
    part.span = round.span * static_cast<std::int64_t>(some.size()) / static_cast<std::int64_t>(links.size());
    TRY(Answers theirs, ask_some(pinger, some, known, part, index, stop));
    std::ranges::move(theirs, std::back_inserter(answers));
  }
  return answers;
}

}  // namespace moenet::agent
