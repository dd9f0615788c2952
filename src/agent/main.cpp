// moenet-agent as it runs: who is made, who talks to whom, and in which order all of it ends.
#include <csignal>
#include <cstdlib>
#include <net/if.h>
#include <sys/signalfd.h>
#include <thread>
#include <unistd.h>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/command_line.h"
#include "agent/commands.h"
#include "agent/compose_mesh.h"
#include "agent/config_source.h"
#include "agent/config_task.h"
#include "agent/heartbeat_task.h"
#include "agent/journal_document.h"
#include "agent/journal_task.h"
#include "agent/kernel_settings.h"
#include "agent/keys.h"
#include "agent/leftovers.h"
#include "agent/linux_node.h"
#include "agent/local_api.h"
#include "agent/mesh_report.h"
#include "agent/metric_report.h"
#include "agent/metric_task.h"
#include "agent/metrics.h"
#include "agent/mtu_task.h"
#include "agent/node_lock.h"
#include "agent/privileges.h"
#include "agent/process_memory.h"
#include "agent/query_task.h"
#include "agent/reconcile_task.h"
#include "agent/report_task.h"
#include "agent/roa_task.h"
#include "agent/rtt_task.h"
#include "agent/service.h"
#include "agent/session_sync.h"
#include "agent/status_document.h"
#include "agent/system_calls.h"
#include "agent/tools.h"
#include "agent/tools_work.h"
#include "agent/version.h"
#include "agent/watch_task.h"
#include "base/log.h"
#include "net/resolver.h"

namespace moenet::agent {
namespace {

// How long a step under way may go on after SIGTERM before it is broken off, which takes up to 15 s more: the longest
// single call to a WireGuard device (agent/linux_node.cpp). Together below the 30 s that are promised; systemd's
// TimeoutStopSec is 45 s.
constexpr std::chrono::seconds kStopGrace{10};

// Where the server lets no read wait.
constexpr std::chrono::seconds kMeshInterval{120};
constexpr std::chrono::seconds kIbgpInterval{120};

const char* environment_variable(const char* name) { return std::getenv(name); }

// Waits for SIGTERM or SIGINT (false) or SIGHUP (true).
bool wait_for_reload(const sigset_t& signals) {
  int signal = 0;
  ::sigwait(&signals, &signal);
  return signal == SIGHUP;
}

std::string user_agent() { return fmt::format("moenet-agent/{}", version_text()); }

// The agent of one configuration, from its tasks' start to their end. Errors: what keeps it from starting at all.
class RunningAgent {
 public:
  static Result<std::unique_ptr<RunningAgent>> start(const ConfigWithSource& config) {
    std::unique_ptr<RunningAgent> agent(new RunningAgent(config));
    TRY_VOID(agent->start_all());
    return agent;
  }

  // Tasks end first, then what they used. Tunnels and BGP sessions stay as they are.
  ~RunningAgent() {
    stop_.request_stop();
    reconcile_wakeup_.notify();
    std::jthread aborter([this](const std::stop_token& ended) {
      Wakeup never;
      never.wait(Deadline::after(kStopGrace), ended);
      if (!ended.stop_requested()) abort_.request_stop();
    });
    tasks_.clear();
    aborter.request_stop();
    journal_task_.save();
  }

 private:
  explicit RunningAgent(const ConfigWithSource& config)
      : source_(config.source),
        config_(config.loaded.config),
        control_plane_(config_.control_plane, config_.node.name, user_agent()),
        resolver_([this] { reconcile_wakeup_.notify(); }),
        session_sync_(control_plane_, ledger_, input_, reconcile_wakeup_, config_.control_plane.sync_interval),
        mesh_sync_(kMeshSyncTask, kMeshAnswer, model::read_mesh, control_plane_, ledger_, kMeshInterval,
                   state_file(kMeshAnswer), mesh_, [this] { on_mesh_answer(); }),
        ibgp_sync_(kIbgpSyncTask, kPolicyAnswer, model::read_bird_config, control_plane_, ledger_, kIbgpInterval,
                   state_file(kPolicyAnswer), policy_, [this] { reconcile_wakeup_.notify(); }),
        roa_task_(config_, user_agent(), ledger_, roas_, [this] { reconcile_wakeup_.notify(); }),
        rtt_task_({control_plane_, ledger_, config_.node, config_.metric, report_, measurement_, qualities_,
                   state_file(kLinksState), [] { return net::Pinger::open(); },
                   [](const std::string& name) { return static_cast<int>(::if_nametoindex(name.c_str())); },
                   [this] { reconcile_wakeup_.notify(); }}),
        report_task_(control_plane_, ledger_, report_, input_, health_, report_wakeup_,
                     [this](const Modification& told) { note_told(told, wall_now(), journal_); }),
        journal_task_(config_.state_folder, journal_, ledger_, measurement_, qualities_),
        metric_report_(config_.node.name, ledger_, qualities_,
                       [this](const std::string& body, const std::stop_token& stop) {
                         return control_plane_.report_sessions(body, stop);
                       }),
        metric_task_({config_, ledger_, report_, maintenance_view_, measurement_, health_, metric_wakeup_,
                      [this](LookDepth depth) { on_look(depth); }, [this] { report_wakeup_.notify(); }}),
        mtu_task_({ledger_, config_.mtu, report_, measurement_, tunnel_paths_, mtu_limits_, state_file(kMtusState),
                   search_path, [this] { reconcile_wakeup_.notify(); }}),
        mesh_report_(control_plane_, ledger_, config_.node.name, report_, qualities_, mesh_report_wakeup_,
                     kMeshInterval),
        tool_work_(config_.bird.control_socket),
        tools_([this](const ToolQuestion& question, Deadline deadline, const std::stop_token& stop) {
          return tool_work_.answer(question, deadline, stop);
        }),
        query_work_(config_.bird.control_socket,
                    [this](const IpAddress& address) { return config_.looking_glass.may_reach(address); }),
        query_task_({control_plane_, ledger_, config_.looking_glass, query_tools_, stop_.get_token()}),
        query_tools_([this](const ToolQuestion& question, Deadline deadline,
                            const std::stop_token& stop) { return query_work_.answer(question, deadline, stop); },
                     kQueryLimits) {}

  Result<void> start_all() {
    remove_leftovers(config_);
    TRY(const Key key, load_or_create_private_key(config_.wireguard.private_key_path));
    public_key_ = public_key_of(key);
    if (!config_.wireguard.public_key_path.empty())
      TRY_VOID(write_public_key(config_.wireguard.public_key_path, public_key_));
    TRY(node_, LinuxNode::open(config_));
    start_reconcile(key);
    journal_task_.load();
    TRY(api_, serve_local_api(api_wiring()));
    put_last_good(state_file(kSessionsAnswer), input_);
    mesh_sync_.load();
    ibgp_sync_.load();
    roa_task_.load();
    rtt_task_.load();
    mtu_task_.load();
    start_tasks();
    return {};
  }

  void start_reconcile(const Key& key) {
    const NodeContext context = context_of(config_, key);
    backbone_ = std::make_unique<Backbone>(config_, context);
    maintenance_ = std::make_unique<MaintenanceKeeper>(
        config_.state_folder, config_.bird.ownership == BirdOwnership::full, maintenance_view_);
    reconcile_task_ = std::make_unique<ReconcileTask>(
        ReconcileWiring{*node_,
                        context,
                        config_.reconciler,
                        resolver_,
                        ledger_,
                        input_,
                        mesh_,
                        policy_,
                        roas_,
                        qualities_,
                        measurement_,
                        config_.health.limit_retry,
                        mtu_limits_,
                        *backbone_,
                        *maintenance_,
                        requests_,
                        reconcile_wakeup_,
                        report_,
                        LastGood::in(config_.state_folder, identity_of(config_)),
                        [this](const std::shared_ptr<const NodeReport>& report) { on_report(report); },
                        [] { notify_alive(); }});
  }

  StateFile state_file(std::string_view answer) const { return {config_.state_folder, answer, identity_of(config_)}; }

  // Runs on reconcileTask after each attempt. Ready means: one attempt was made, whatever it found.
  void on_report(const std::shared_ptr<const NodeReport>& report) {
    if (!ready_.exchange(true)) {
      notify_ready(fmt::format("node {}", config_.node.name));
      give_back_code();
    }
    const auto phase = maintenance_view_.read()->record.phase;
    if (std::exchange(told_phase_, phase) != phase) heartbeat_wakeup_.notify();
    if (report == nullptr) return;
    give_back_memory();
    look_at_kernel(*report);
    note_changes(*report, journal_);
    report_wakeup_.notify();
    mesh_report_wakeup_.notify();
    if (std::exchange(told_sessions_, report->sessions) != report->sessions) metric_wakeup_.notify();
    waiters_.answer(*report, [](const NodeReport& done) { return http::Response::json(200, sync_document(done)); });
  }

  // On metricTask, like on_report() on its own.
  void on_look(LookDepth depth) {
    journal_task_.notify();
    if (depth == LookDepth::whole) {
      metric_report_.add(*measurement_.read());
      mtu_wakeup_.notify();
    }
    give_back_memory();
  }

  // What the kernel's settings are, and, where the operator allows it, makes them what a router needs. On
  // reconcileTask.
  void look_at_kernel(const NodeReport& report) {
    std::vector<std::string> tunnels;
    for (const SessionView& view : *report.sessions) {
      if (std::holds_alternative<model::InPlace>(view.condition)) tunnels.push_back(view.interface_name);
    }
    for (const BackboneView& view : report.backbone) {
      if (const auto node = model::mesh_node_of(view.owner)) tunnels.push_back(mesh_interface(*node));
    }
    auto look = kernel_watch_.look(tunnels);
    for (const KernelSetting& setting : look.applied.changed) {
      log::info("kernel setting changed",
                {{"key", setting.key.text()}, {"was", setting.is.value_or(0)}, {"is", setting.wanted}});
    }
    for (const Error& error : look.applied.failed)
      log::warning("a kernel setting cannot be changed", {{"error", error.what}});
    kernel_.put(std::move(look));
  }

  // A node that was moved or renumbered hears it here first: then its own configuration is another one as well.
  void on_mesh_answer() {
    reconcile_wakeup_.notify();
    const auto known = mesh_.read();
    if (known == nullptr || known->answer == nullptr) return;
    const model::MeshMember& self = known->answer->self;
    const auto differs = [](const auto& told, const auto& ours) { return told && ours && told != ours; };
    if (differs(self.loopback_ipv4, config_.node.ipv4) || differs(self.loopback_ipv6, config_.node.ipv6))
      config_wakeup_.notify();
  }

  LocalApiWiring api_wiring() {
    return LocalApiWiring{
        config_.api,
        [this] {
          const StatusSnapshots snapshots{measurement_.read(), qualities_.read(), health_.read(), tunnel_paths_.read()};
          return status_document({config_.node.name, std::string(node_->backend_name()), started_, control_plane_,
                                  ledger_, report_, input_, kernel_, maintenance_view_, metric_report_.counters(),
                                  snapshots});
        },
        [](const NodeReport& report) { return http::Response::json(200, sync_document(report)); },
        [this](bool allow_mass_delete) {
          if (allow_mass_delete) reconcile_task_->allow_mass_delete();
          mesh_sync_.request();
          ibgp_sync_.request();
          roa_task_.request(allow_mass_delete);
          return session_sync_.request();
        },
        waiters_,
        [this] { return boost::json::serialize(maintenance_document(*maintenance_view_.read())); },
        [this](NodeRequest request) {
          requests_.add(std::move(request));
          reconcile_wakeup_.notify();
        },
        [this] { return metrics_text(metrics_source()); },
        [this](std::uint64_t since, std::size_t limit) { return events_document(journal_, since, limit); },
        [this](std::string_view uuid) {
          return session_document({report_.read(), measurement_.read(), qualities_.read(), health_.read(), journal_},
                                  uuid);
        },
        [this](ToolQuestion question, Tools::Done done) {
          return tools_.ask(std::move(question), steady_now(), std::move(done));
        },
        std::string(config_.is_complete ? "" : kWaitsForConfig)};
  }

  MetricsSource metrics_source() const {
    return {version_text(),
            config_.node.name,
            node_->backend_name(),
            wall_now(),
            steady_now() - started_,
            ledger_.records(),
            control_plane_.counters(),
            node_->bird_counters(),
            control_plane_.breaker(),
            report_.read(),
            input_.read(),
            kernel_.read(),
            maintenance_view_.read(),
            measurement_.read(),
            qualities_.read(),
            health_.read(),
            tunnel_paths_.read()};
  }

  void start_task(std::string_view name, std::function<void(const std::stop_token&)> loop) {
    tasks_.emplace_back([this, name, loop = std::move(loop)] { run_task(name, ledger_, stop_.get_token(), loop); });
  }

  void start_tasks() {
    start_task(kConfigTask, [this](const std::stop_token& stop) {
      // The watchdog is fed by the reconciler's progress; before there is a reconciler, by this task's.
      std::function<void()> feed = [] {};
      if (!config_.is_complete) feed = notify_alive;
      run_config({control_plane_, ledger_, config_, source_, environment_variable, [] { ::kill(::getpid(), SIGHUP); },
                  feed, config_wakeup_},
                 stop);
    });
    start_task(kHeartbeatTask, [this](const std::stop_token& stop) {
      run_heartbeat(control_plane_, ledger_, {config_.node.name, public_key_, maintenance_view_, config_.looking_glass},
                    config_.control_plane.heartbeat_interval, heartbeat_wakeup_, stop);
    });
    if (!config_.is_complete) {  // no session may be judged before the node knows its own addresses
      log::info(kWaitsForConfig);
      notify_ready(kWaitsForConfig);
      return;
    }
    start_task(kSessionSyncTask, [this](const std::stop_token& stop) { session_sync_.run(stop); });
    if (config_.mesh.enabled) {
      start_task(kMeshSyncTask, [this](const std::stop_token& stop) { mesh_sync_.run(stop); });
      start_task(kMeshReportTask, [this](const std::stop_token& stop) { mesh_report_.run(stop); });
    }
    if (config_.bird.ownership == BirdOwnership::full) {
      start_task(kIbgpSyncTask, [this](const std::stop_token& stop) { ibgp_sync_.run(stop); });
      if (!config_.bird.roa_urls.empty())
        start_task(kRoaTask, [this](const std::stop_token& stop) { roa_task_.run(stop); });
    }
    start_task(kReconcileTask, [this](const std::stop_token& stop) { reconcile_task_->run(stop, abort_.get_token()); });
    start_task(kRttTask, [this](const std::stop_token& stop) { rtt_task_.run(stop); });
    start_task(kReportTask, [this](const std::stop_token& stop) { report_task_.run(stop); });
    start_task(kMetricTask, [this](const std::stop_token& stop) { metric_task_.run(stop); });
    start_task(kMetricReportTask, [this](const std::stop_token& stop) { metric_report_.run(stop); });
    if (config_.mtu.probe != MtuProbe::off)
      start_task(kMtuTask, [this](const std::stop_token& stop) { mtu_task_.run(mtu_wakeup_, stop); });
    start_task(kJournalTask, [this](const std::stop_token& stop) { journal_task_.run(stop); });
    if (config_.looking_glass.enabled)
      start_task(kQueryTask, [this](const std::stop_token& stop) { query_task_.run(stop); });
    start_task(kWatchTask, [this](const std::stop_token& stop) { run_watch(ledger_, reconcile_wakeup_, stop); });
  }

  const ConfigSource source_;
  const AgentConfig config_;
  const SteadyTime started_ = steady_now();
  std::stop_source stop_;   // ends the tasks' loops
  std::stop_source abort_;  // ends a step under way
  std::atomic<bool> ready_{false};
  TaskLedger ledger_;
  Latest<SessionInput> input_;                           // sessionSyncTask -> reconcileTask
  Latest<Known<model::Mesh>> mesh_;                      // meshSyncTask -> reconcileTask
  Latest<Known<model::BirdPolicy>> policy_;              // ibgpSyncTask -> reconcileTask
  Latest<KernelWatch::Look> kernel_;                     // reconcileTask -> /status
  Latest<RoaTable> roas_;                                // roaTask -> reconcileTask
  Latest<NodeReport> report_;                            // reconcileTask -> the tasks that report and measure, the API
  Latest<Measurement> measurement_;                      // metricTask -> rttTask, journalTask, the API
  Latest<HealthTable> health_;                           // metricTask -> reportTask, the API
  Latest<LinkQualities> qualities_;                      // rttTask -> reconcileTask, the tasks that report, the API
  Latest<TunnelPaths> tunnel_paths_;                     // mtuTask -> the API
  Latest<MtuLimits> mtu_limits_;                         // mtuTask -> reconcileTask
  Journal journal_;                                      // reconcileTask, reportTask, journalTask -> the API
  Latest<MaintenanceView> maintenance_view_;             // reconcileTask -> /maintenance, /status, heartbeatTask
  MaintenancePhase told_phase_ = MaintenancePhase::off;  // to the control plane, or is about to be
  std::shared_ptr<const SessionViews> told_sessions_;    // to metricTask; reconcileTask's alone
  NodeRequests requests_;                                // local API -> reconcileTask
  Wakeup reconcile_wakeup_;
  Wakeup heartbeat_wakeup_;
  Wakeup report_wakeup_;
  Wakeup mesh_report_wakeup_;
  Wakeup metric_wakeup_;
  Wakeup mtu_wakeup_;
  Wakeup config_wakeup_;
  Key public_key_;
  ControlPlane control_plane_;
  net::Resolver resolver_;
  SessionSync session_sync_;
  AnswerSync<model::Mesh> mesh_sync_;
  AnswerSync<model::BirdPolicy> ibgp_sync_;
  RoaTask roa_task_;
  RttTask rtt_task_;
  ReportTask report_task_;
  JournalTask journal_task_;
  MetricReport metric_report_;
  MetricTask metric_task_;
  MtuTask mtu_task_;
  MeshReport mesh_report_;
  SyncWaiters waiters_;
  ToolWork tool_work_;
  Tools tools_;
  ToolWork query_work_;   // of strangers, so that the operator's questions never wait for theirs
  QueryTask query_task_;  // before the tools that it asks: their threads end while it is there to send their answers
  Tools query_tools_;
  std::unique_ptr<LinuxNode> node_;
  KernelWatch kernel_watch_{config_.kernel};  // reconcileTask's alone
  std::unique_ptr<Backbone> backbone_;
  std::unique_ptr<MaintenanceKeeper> maintenance_;
  std::unique_ptr<ReconcileTask> reconcile_task_;
  std::unique_ptr<http::HttpServer> api_;
  std::vector<std::jthread> tasks_;
};

// SIGTERM, SIGINT and SIGHUP, which from now on only wait_for_reload() takes.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  return signals;
}

int refuse(const Error& error, int status = EXIT_FAILURE) {
  log::error("cannot start", {{"error", error.what}});
  return status;
}

// Before the first task: what is given up is given up for all of them.
void filter_system_calls() {
  if (const auto filtered = allow_needed_system_calls(); !filtered)
    log::warning("system calls are not filtered", {{"error", filtered.error().what}});
}

// The configuration that is to run next, at SIGHUP; nothing when it is to end.
std::optional<ConfigWithSource> next_config(const std::string& path, const sigset_t& signals,
                                            const ConfigWithSource& now) {
  while (wait_for_reload(signals)) {
    notify_reloading();
    if (auto fresh = load_config(path)) {
      log::info("configuration read again");
      return fresh;
    }
    log::error("the new configuration is at fault; the old one stays in force", {{"config", now.source.path}});
    notify_ready("the new configuration is at fault; the old one stays in force");
  }
  notify_stopping();
  return std::nullopt;
}

int run(const std::string& config_path, log::Level level) {
  keep_memory_small();
  const sigset_t signals = block_signals();
  keep_secrets_in();
  log::start(log::detect_output(), level);
  if (const auto dropped = drop_privileges(); !dropped) return refuse(dropped.error());

  auto config = load_config(config_path);
  if (!config) return kExitConfig;
  auto lock = lock_node(config->loaded.config.state_folder);
  if (!lock) return refuse(lock.error());
  log::info(version_line(), {{"config", config->source.path}, {"node", config->loaded.config.node.name}});
  if (wants_system_call_filter(config->source)) filter_system_calls();
  std::optional<ConfigWithSource> before;  // the configuration that ran last
  for (;;) {
    for (const auto& warning : config->loaded.warnings) log::warning(warning, {{"config", config->source.path}});
    auto agent = RunningAgent::start(*config);
    if (!agent && before) {
      log::error("the new configuration cannot run; the old one goes on", {{"error", agent.error().what}});
      config = std::exchange(before, std::nullopt);
      continue;
    }
    if (!agent) {
      const bool is_lasting = agent.error().code == Errc::invalid || agent.error().code == Errc::denied;
      return refuse(agent.error(), is_lasting ? kExitConfig : EXIT_FAILURE);
    }
    before = *config;
    auto next = next_config(config_path, signals, *config);
    if (!next) break;
    config = std::move(next);
  }
  log::info("stopped; tunnels and BGP sessions stay up");
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace moenet::agent

int main(int argc, char** argv) { return moenet::agent::run_command_line(argc, argv, moenet::agent::run); }
