#include "agent/rtt_task.h"

#include <algorithm>
#include <cmath>
#include <set>

#include <boost/json.hpp>

#include "base/log.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;

// While there is no link to measure: how often one is looked for.
constexpr std::chrono::seconds kLook{5};
// Averages are kept on disk this often; what BIRD is told, whenever it changes. An hour is a twelfth of what an average
// is made of.
constexpr std::chrono::hours kSaveEvery{1};
// As ping(8) does with -i 0.2, the least that it allows everybody.
constexpr std::chrono::milliseconds kBetweenEchoes{200};
// Chosen: who did not answer in so many rounds is silent, and gets a single echo until it answers one.
constexpr int kSilentRounds = 3;
// Chosen: a round of many links asks at most so many times in turn, so that it ends before the next one begins.
constexpr int kParts = 4;
// WireGuard uses no key for longer (whitepaper, section 6.2: Reject-After-Time).
constexpr std::chrono::seconds kAlive{180};

double milliseconds(std::chrono::nanoseconds time) { return std::chrono::duration<double, std::milli>(time).count(); }

std::optional<double> milliseconds(const std::optional<std::chrono::nanoseconds>& time) {
  return time ? std::optional(milliseconds(*time)) : std::nullopt;
}

// For people and the wire: microseconds are the last that says something.
double rounded(double value) { return std::round(value * 1000) / 1000; }

// Is it known to be down?
bool is_dead(const model::Owner& owner, const Measurement* measurement) {
  if (model::mesh_node_of(owner)) return true;  // a loopback of ours answers, if it can be reached
  if (measurement == nullptr) return false;
  const auto link = std::ranges::lower_bound(measurement->links, owner, {}, &LinkMeasurement::owner);
  if (link == measurement->links.end() || link->owner != owner || !link->tunnel) return false;
  return !link->tunnel->handshake_age || *link->tunnel->handshake_age > kAlive;
}

std::optional<model::EchoBurst> burst_of(const std::optional<LinkEchoes>& answer) {
  if (!answer || !answer->echoes.median) return std::nullopt;
  return model::EchoBurst{milliseconds(*answer->echoes.median), answer->echoes.loss_percent};
}

// Without what is too old to be known.
LinkQualities qualities_now(KnownLinks& links, WallTime now) {
  LinkQualities qualities;
  for (auto& [owner, link] : links) {
    link.quality = model::smoothed(link.quality, std::nullopt, now);
    qualities.push_back(quality_of(owner, link));
  }
  return qualities;
}

LinkQuality quality_of_answer(const model::Owner& owner, const KnownLink& link, const LinkEchoes& answer,
                              WallTime now) {
  LinkQuality quality = quality_of(owner, link);
  quality.target = answer.target;
  quality.measured = now;
  quality.answers = answer.echoes.median.has_value();
  quality.rtt_ms = milliseconds(answer.echoes.median);
  quality.jitter_ms = milliseconds(answer.echoes.jitter);
  if (quality.answers) quality.loss_percent = answer.echoes.loss_percent;
  return quality;
}

// Of all that are known or were asked; both are sorted by owner.
LinkQualities qualities_of_round(const KnownLinks& known, const std::vector<EchoedLink>& links,
                                 const std::vector<std::optional<LinkEchoes>>& answers, WallTime now) {
  static const KnownLink kUnknown;
  LinkQualities qualities;
  auto next = known.begin();
  const auto add_known_before = [&](const model::Owner* end) {
    for (; next != known.end() && (end == nullptr || next->first < *end); ++next)
      qualities.push_back(quality_of(next->first, next->second));
  };
  for (std::size_t i = 0; i < links.size(); ++i) {
    if (!answers[i]) continue;  // it was not asked
    add_known_before(&links[i].owner);
    const bool is_known = next != known.end() && next->first == links[i].owner;
    const KnownLink& link = is_known ? next->second : kUnknown;
    qualities.push_back(quality_of_answer(links[i].owner, link, *answers[i], now));
    if (is_known) ++next;
  }
  add_known_before(nullptr);
  qualities.shrink_to_fit();
  return qualities;
}

bool has_tags(const LinkQuality& quality) { return quality.latency_tier != 0 || quality.loss_class != 0; }

}  // namespace

json::value rtt_body(const LinkQualities& qualities, const Measurement* measurement, WallTime now) {
  json::array measurements;
  for (const LinkQuality& quality : qualities) {
    if (quality.measured != now) continue;  // it was not asked
    if (quality.answers) {
      measurements.push_back(json::object{{"target", quality.target.text()},
                                          {"rtt_ms", rounded(quality.rtt_ms.value_or(0))},
                                          {"loss", rounded(quality.loss_percent.value_or(0))}});
    } else if (is_dead(quality.owner, measurement)) {
      measurements.push_back(json::object{{"target", quality.target.text()}, {"rtt_ms", -1}, {"loss", 100}});
    }
  }
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  return json::object{{"timestamp", seconds.count()}, {"measurements", std::move(measurements)}};
}

bool have_equal_tags(const LinkQualities& one, const LinkQualities& other) {
  const auto told = [](const LinkQualities& qualities) {
    std::vector<const LinkQuality*> links;
    for (const LinkQuality& quality : qualities) {
      if (has_tags(quality)) links.push_back(&quality);
    }
    return links;
  };
  return std::ranges::equal(told(one), told(other), [](const LinkQuality* a, const LinkQuality* b) {
    return a->owner == b->owner && a->latency_tier == b->latency_tier && a->loss_class == b->loss_class;
  });
}

LinkQualities kept_qualities(const StateFile& state, WallTime now) {
  const auto text = state.read();
  auto links = text ? read_links(*text) : std::unexpected(text.error());
  return links ? qualities_now(*links, now) : LinkQualities{};
}

void RttTask::load() {
  const auto text = wiring_.state.load();
  auto links = text ? read_links(*text) : std::unexpected(text.error());
  if (!links) {
    if (links.error().code != Errc::not_found)
      log::warning("what was measured of the links before is of no use", {{"error", links.error().what}});
    return;
  }
  known_ = std::move(*links);
  wiring_.qualities.put(qualities_now(known_, wall_now()));
}

// Who is in no list is gone for good; a session that is only down for now keeps what is known of it, as long as that is
// not too old. A look that failed lists nobody.
void RttTask::forget(const NodeReport& report, WallTime now) {
  std::set<model::Owner> listed;
  for (const BackboneView& view : report.backbone) listed.insert(view.owner);
  for (const SessionView& view : *report.sessions) listed.insert(model::owner_of_session(view.uuid));
  for (auto& [owner, link] : known_) link.quality = model::smoothed(link.quality, std::nullopt, now);
  std::erase_if(known_, [&](const auto& entry) { return !report.error && !listed.contains(entry.first); });
}

Result<RttTask::Answers> RttTask::ask(const std::vector<EchoedLink>& links, const std::stop_token& stop) const {
  TRY(const auto pinger, wiring_.open_pinger());
  EchoRound round;
  round.burst.count = wiring_.settings.ping_count;
  round.burst.timeout = wiring_.settings.ping_timeout;
  round.burst.interval = kBetweenEchoes;
  round.heard_since = wall_now() - kSilentRounds * wiring_.settings.rtt_interval;
  round.span = wiring_.settings.rtt_interval / kParts;
  round.link_local = wiring_.node.ipv6_link_local;
  return ask_links(*pinger, links, known_, round, wiring_.interface_index, stop);
}

void RttTask::take(const std::vector<EchoedLink>& links, const Answers& answers, WallTime now) {
  std::erase_if(known_, [](const auto& entry) { return entry.second.quality.bursts == 0; });
  for (std::size_t i = 0; i < links.size(); ++i) {
    const auto burst = burst_of(answers[i]);
    if (!burst) continue;  // silence says nothing of the link
    KnownLink& link = known_[links[i].owner];
    link.target = answers[i]->target;
    link.quality = model::smoothed(link.quality, burst, now);
  }
  publish(qualities_of_round(known_, links, answers, now));
}

void RttTask::publish(LinkQualities qualities) {
  const auto before = wiring_.qualities.read();
  const bool is_news = !have_equal_tags(before == nullptr ? LinkQualities{} : *before, qualities);
  wiring_.qualities.put(std::move(qualities));
  if (is_news) is_saved_ = false;
  if (is_news) wiring_.on_tags();
}

Result<void> RttTask::send(const LinkQualities& qualities, WallTime now, const std::stop_token& stop) {
  const auto measurement = wiring_.measurement.read();
  const json::value body = rtt_body(qualities, measurement.get(), now);
  if (body.at("measurements").as_array().empty()) return {};
  return wiring_.control_plane.report_rtt(body, stop);
}

void RttTask::save() {
  const Result<void> saved = wiring_.state.save(write_links(known_));
  if (!saved) log::error("what is measured of the links cannot be kept on disk", {{"error", saved.error().what}});
  saved_ = steady_now();
  is_saved_ = true;
}

// When it comes, changes or goes, not at each round.
void RttTask::record(const Result<void>& outcome) {
  wiring_.ledger.record(kRttTask, outcome);
  const std::string error = outcome ? "" : outcome.error().what;
  if (error == last_error_) return;
  if (error.empty()) {
    log::info("round trips are measured and told again");
  } else {
    log::warning("round trips are not measured or not told", {{"error", error}});
  }
  last_error_ = error;
}

// False: there was nothing to measure.
bool RttTask::measure(const std::stop_token& stop) {
  const auto report = wiring_.report.read();
  if (report == nullptr) return false;
  const std::vector<EchoedLink> links = echoed_links(*report, wiring_.node);
  Answers answers(links.size());
  Result<void> outcome;
  if (!links.empty()) {
    auto asked = ask(links, stop);
    if (!asked && asked.error().code == Errc::cancelled) return true;
    if (asked) answers = std::move(*asked);
    if (!asked) outcome = std::unexpected(with_context(asked.error(), "ICMP echoes"));
  }
  const WallTime now = wall_now();
  forget(*report, now);
  take(links, answers, now);
  if (!is_saved_ || steady_now() - saved_ >= kSaveEvery) save();
  if (links.empty()) return false;
  if (outcome) outcome = send(*wiring_.qualities.read(), now, stop);
  if (outcome || outcome.error().code != Errc::cancelled) record(outcome);
  return true;
}

void RttTask::run(const std::stop_token& stop) {
  Wakeup never;
  while (!stop.stop_requested()) {
    const SteadyTime begun = steady_now();
    const std::chrono::seconds interval = wiring_.settings.rtt_interval;
    const bool has_measured = measure(stop);
    never.wait(Deadline(begun + (has_measured ? interval : std::min(interval, kLook))), stop);
  }
  save();
}

}  // namespace moenet::agent
