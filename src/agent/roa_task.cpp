#include "agent/roa_task.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "agent/config_task.h"
#include "base/backoff.h"
#include "base/log.h"

namespace moenet::agent {
namespace {

// After a failure it is tried again sooner than the interval says: a node that boots may have its way to the server a
// moment later only (chosen).
constexpr std::chrono::seconds kFirstRetry{30};
// Between two rounds, however often somebody asks (chosen).
constexpr std::chrono::seconds kFloor{1};

StateFile state_file(const AgentConfig& config, std::size_t number) {
  return StateFile(config.state_folder, fmt::format("roa-{}", number + 1), identity_of(config));
}

RoaTable sorted_once(RoaTable roas) {
  std::ranges::sort(roas);
  roas.erase(std::ranges::unique(roas).begin(), roas.end());
  return roas;
}

}  // namespace

std::shared_ptr<const RoaTable> kept_roas(const AgentConfig& config) {
  RoaTable all;
  const auto& urls = config.bird.roa_urls;
  for (std::size_t i = 0; i < urls.size(); ++i) {
    const auto body = state_file(config, i).read();
    const auto kept = body ? read_kept_roas(*body) : std::unexpected(body.error());
    if (kept && std::ranges::find(urls, kept->url) != urls.end())
      all.insert(all.end(), kept->roas.begin(), kept->roas.end());
  }
  return all.empty() ? nullptr : std::make_shared<const RoaTable>(sorted_once(std::move(all)));
}

RoaTask::RoaTask(const AgentConfig& config, const std::string& user_agent, TaskLedger& ledger, Latest<RoaTable>& table,
                 std::function<void()> on_change)
    : interval_(config.bird.roa_interval), ledger_(ledger), table_(table), on_change_(std::move(on_change)) {
  for (const std::string& url : config.bird.roa_urls)
    sources_.push_back(std::make_unique<RoaSource>(url, user_agent, state_file(config, sources_.size())));
}

// The order of the URLs may have changed since, so each state file is offered to all.
void RoaTask::load() {
  for (const auto& holder : sources_) {
    const auto body = holder->load();
    auto kept = body ? read_kept_roas(*body) : std::unexpected(body.error());
    if (!kept && kept.error().code != Errc::not_found)
      log::warning("the last good state is of no use", {{"task", kRoaTask}, {"error", kept.error().what}});
    if (!kept) continue;
    const auto source = std::ranges::find(sources_, kept->url, [](const auto& one) { return one->url(); });
    if (source != sources_.end()) (*source)->take(std::move(*kept));
  }
  publish();
}

void RoaTask::request(bool allow_shrink) {
  if (allow_shrink) allow_shrink_ = true;
  requested_.notify();
}

void RoaTask::save(RoaSource& source) {
  const auto saved = source.save();
  ledger_.record("stateFile", saved);
  if (!saved)
    log::error("the last good state cannot be kept on disk", {{"task", kRoaTask}, {"error", saved.error().what}});
}

// The worst that happened is the error's code: an answer that cannot be right is not to be missed among servers that
// are away.
Result<void> RoaTask::fetch_all(bool allow_shrink, const std::stop_token& stop) {
  std::optional<Error> failure;
  for (const auto& source : sources_) {
    const auto fetched = source->fetch(allow_shrink, stop);
    if (stop.stop_requested()) return fail(Errc::cancelled, "fetch ROAs: stopped");
    if (fetched) {
      save(*source);
    } else if (!failure) {
      failure = fetched.error();
    } else {
      failure->what += "; " + fetched.error().what;
      if (fetched.error().code == Errc::invalid) failure->code = Errc::invalid;
    }
  }
  if (failure) return std::unexpected(std::move(*failure));
  return {};
}

// Only what is new: an equal table stays the same object.
bool RoaTask::publish() {
  RoaTable all;
  for (const auto& source : sources_) all.insert(all.end(), source->roas().begin(), source->roas().end());
  all = sorted_once(std::move(all));
  const auto known = table_.read();
  if (known == nullptr ? all.empty() : *known == all) return false;
  log::info("ROAs from files", {{"count", all.size()}});
  table_.put(std::move(all));
  return true;
}

void RoaTask::record(const Result<void>& outcome, SteadyTime::duration took) {
  if (!outcome && outcome.error().code == Errc::invalid) {
    ledger_.record_rejected(kRoaTask, outcome.error());
  } else {
    ledger_.record(kRoaTask, outcome, took);
  }
  const std::string error = outcome ? "" : outcome.error().what;
  if (error == last_error_) return;
  if (outcome) {
    log::info("all files of ROAs can be had again", {{"task", kRoaTask}});
  } else {
    log::warning("a file of ROAs cannot be had; what it said last stays", {{"task", kRoaTask}, {"error", error}});
  }
  last_error_ = error;
}

void RoaTask::pause(const Result<void>& outcome, const std::stop_token& stop) {
  failures_ = outcome ? 0 : failures_ + 1;
  const Backoff retry{kFirstRetry, interval_};
  const std::chrono::milliseconds whole = outcome ? std::chrono::milliseconds(interval_) : retry.ceiling(failures_ - 1);
  const auto jitter = std::chrono::duration_cast<std::chrono::milliseconds>(whole * (random_fraction() * 0.1));
  Wakeup never;
  never.wait(Deadline::after(kFloor), stop);
  requested_.wait(Deadline::after(whole - jitter), stop);
}

void RoaTask::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto began = steady_now();
    const auto outcome = fetch_all(allow_shrink_.exchange(false), stop);
    if (stop.stop_requested()) return;
    record(outcome, steady_now() - began);
    if (publish()) on_change_();
    pause(outcome, stop);
  }
}

}  // namespace moenet::agent
