// moenet-agent: the command line, and `run`: who is made, who talks to whom, and in which order all of it ends.
#include <csignal>
#include <cstdlib>
#include <link.h>
#include <malloc.h>
#include <span>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <thread>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>
#include <sodium.h>

#include "agent/commands.h"
#include "agent/compose_mesh.h"
#include "agent/config_task.h"
#include "agent/doctor.h"
#include "agent/heartbeat_task.h"
#include "agent/kernel_settings.h"
#include "agent/keys.h"
#include "agent/ledger.h"
#include "agent/linux_node.h"
#include "agent/local_api.h"
#include "agent/maintenance_commands.h"
#include "agent/mesh_report.h"
#include "agent/node_lock.h"
#include "agent/reconcile_task.h"
#include "agent/report_task.h"
#include "agent/roa_task.h"
#include "agent/service.h"
#include "agent/session_sync.h"
#include "agent/status_document.h"
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

// The state file's sessions, so that a node without its control plane comes up as it was.
void put_last_good(const AgentConfig& config, Latest<SessionInput>& input) {
  auto body = StateFile(config.state_folder, kSessionsAnswer, identity_of(config)).load();
  auto answer = body ? read_answer(std::move(*body)) : std::unexpected(body.error());
  if (answer) {
    log::info("sessions come from the last good state until the control plane answers",
              {{"sessions", answer->rows.size()}});
    input.put(SessionInput{std::make_shared<const SessionAnswer>(std::move(*answer)), 0, 0, ""});
  } else if (answer.error().code != Errc::not_found) {
    log::warning("the last good state is of no use", {{"error", answer.error().what}});
  }
}

// Waits for SIGTERM or SIGINT (false) or SIGHUP (true).
bool wait_for_reload(const sigset_t& signals) {
  int signal = 0;
  ::sigwait(&signals, &signal);
  return signal == SIGHUP;
}

// Code and constants that only the start needed, of this program and of the libraries that it loads, leave its memory;
// what is needed again comes back from the page cache by itself (madvise(2), of mappings that nobody can have written
// to).
void give_back_code() {
  ::dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void*) {
        const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
        for (const auto& segment : std::span(object->dlpi_phdr, object->dlpi_phnum)) {
          if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
          const std::uintptr_t begin = (object->dlpi_addr + segment.p_vaddr) / page * page;
          const std::uintptr_t end = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
          (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
        }
        return 0;
      },
      nullptr);
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
  }

 private:
  explicit RunningAgent(const ConfigWithSource& config)
      : source_(config.source),
        config_(config.loaded.config),
        control_plane_(config_.control_plane, config_.node.name, user_agent()),
        resolver_([this] { reconcile_wakeup_.notify(); }),
        session_sync_(control_plane_, ledger_, input_, reconcile_wakeup_, config_.control_plane.sync_interval),
        mesh_sync_(kMeshSyncTask, kMeshAnswer, model::read_mesh, control_plane_, ledger_, kMeshInterval,
                   StateFile(config_.state_folder, kMeshAnswer, identity_of(config_)), mesh_,
                   [this] { on_mesh_answer(); }),
        ibgp_sync_(kIbgpSyncTask, kPolicyAnswer, model::read_bird_config, control_plane_, ledger_, kIbgpInterval,
                   StateFile(config_.state_folder, kPolicyAnswer, identity_of(config_)), policy_,
                   [this] { reconcile_wakeup_.notify(); }),
        roa_task_(config_, user_agent(), ledger_, roas_, [this] { reconcile_wakeup_.notify(); }),
        report_task_(control_plane_, ledger_, report_, input_, report_wakeup_),
        mesh_report_(control_plane_, ledger_, config_.node.name, report_, mesh_report_wakeup_, kMeshInterval) {}

  Result<void> start_all() {
    TRY(const Key key, load_or_create_private_key(config_.wireguard.private_key_path));
    public_key_ = public_key_of(key);
    if (!config_.wireguard.public_key_path.empty())
      TRY_VOID(write_public_key(config_.wireguard.public_key_path, public_key_));
    TRY(node_, LinuxNode::open(config_));
    start_reconcile(key);
    TRY(api_, serve_local_api(api_wiring()));
    put_last_good(config_, input_);
    mesh_sync_.load();
    ibgp_sync_.load();
    roa_task_.load();
    start_tasks();
    return {};
  }

  void start_reconcile(const Key& key) {
    const NodeContext context = context_of(config_, key);
    backbone_ = std::make_unique<Backbone>(config_, context);
    maintenance_ = std::make_unique<MaintenanceKeeper>(
        config_.state_folder, config_.bird.ownership == BirdOwnership::full, maintenance_view_);
    reconcile_task_ = std::make_unique<ReconcileTask>(ReconcileWiring{
        *node_, context, config_.reconciler, resolver_, ledger_, input_, mesh_, policy_, roas_, *backbone_,
        *maintenance_, requests_, reconcile_wakeup_, report_,
        StateFile(config_.state_folder, kSessionsAnswer, identity_of(config_)),
        [this](const std::shared_ptr<const NodeReport>& report) { on_report(report); }, [] { notify_alive(); }});
  }

  // Runs on reconcileTask after each attempt. Ready means: one attempt was made, whatever it found.
  void on_report(const std::shared_ptr<const NodeReport>& report) {
    if (!ready_.exchange(true)) {
      notify_ready(fmt::format("node {}", config_.node.name));
      give_back_code();
    }
    const auto phase = maintenance_view_.read()->record.phase;
    if (std::exchange(told_phase_, phase) != phase) heartbeat_wakeup_.notify();
    if (report == nullptr) return;
    ::malloc_trim(0);  // what a step took for a moment goes back to the system
    look_at_kernel(*report);
    report_wakeup_.notify();
    mesh_report_wakeup_.notify();
    waiters_.answer(*report, [](const NodeReport& done) { return http::Response::json(200, sync_document(done)); });
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
    const model::MeshSelf& self = known->answer->self;
    const auto differs = [](const auto& told, const auto& ours) { return told && ours && told != ours; };
    if (differs(self.loopback_ipv4, config_.node.ipv4) || differs(self.loopback_ipv6, config_.node.ipv6))
      config_wakeup_.notify();
  }

  LocalApiWiring api_wiring() {
    return LocalApiWiring{
        config_.api,
        [this] {
          return status_document({config_.node.name, std::string(node_->backend_name()), started_, control_plane_,
                                  ledger_, report_, input_, kernel_, maintenance_view_});
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
        std::string(config_.is_complete ? "" : kWaitsForConfig)};
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
      run_heartbeat(control_plane_, ledger_, {config_.node.name, public_key_, maintenance_view_},
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
    start_task(kReportTask, [this](const std::stop_token& stop) { report_task_.run(stop); });
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
  Latest<NodeReport> report_;                            // reconcileTask -> reportTask, /status
  Latest<MaintenanceView> maintenance_view_;             // reconcileTask -> /maintenance, /status, heartbeatTask
  MaintenancePhase told_phase_ = MaintenancePhase::off;  // to the control plane, or is about to be
  NodeRequests requests_;                                // local API -> reconcileTask
  Wakeup reconcile_wakeup_;
  Wakeup heartbeat_wakeup_;
  Wakeup report_wakeup_;
  Wakeup mesh_report_wakeup_;
  Wakeup config_wakeup_;
  Key public_key_;
  ControlPlane control_plane_;
  net::Resolver resolver_;
  SessionSync session_sync_;
  AnswerSync<model::Mesh> mesh_sync_;
  AnswerSync<model::BirdPolicy> ibgp_sync_;
  RoaTask roa_task_;
  ReportTask report_task_;
  MeshReport mesh_report_;
  SyncWaiters waiters_;
  std::unique_ptr<LinuxNode> node_;
  KernelWatch kernel_watch_{config_.kernel};  // reconcileTask's alone
  std::unique_ptr<Backbone> backbone_;
  std::unique_ptr<MaintenanceKeeper> maintenance_;
  std::unique_ptr<ReconcileTask> reconcile_task_;
  std::unique_ptr<http::HttpServer> api_;
  std::vector<std::jthread> tasks_;
};

// Secrets live in this process: no core dump, no tracing by others of the same user.
void keep_secrets_in() {
  ::prctl(PR_SET_DUMPABLE, 0);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

// Tasks allocate in turns, so one arena does; and a large block, as a list of sessions is, goes back to the system when
// it is freed (docs/benchmarks.md).
void keep_memory_small() {
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_THRESHOLD, 256 << 10);
}

int run(const std::string& config_path, log::Level level) {
  keep_memory_small();
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  keep_secrets_in();
  log::start(log::detect_output(), level);

  auto config = load_config(config_path);
  if (!config) return kExitConfig;
  auto lock = lock_node(config->loaded.config.state_folder);
  if (!lock) {
    log::error("cannot start", {{"error", lock.error().what}});
    return EXIT_FAILURE;
  }
  log::info(version_line(), {{"config", config->source.path}, {"node", config->loaded.config.node.name}});
  std::optional<ConfigWithSource> before;  // the configuration that ran last
  for (bool again = true; again;) {
    for (const auto& warning : config->loaded.warnings) log::warning(warning, {{"config", config->source.path}});
    auto agent = RunningAgent::start(*config);
    if (!agent && before) {
      log::error("the new configuration cannot run; the old one goes on", {{"error", agent.error().what}});
      config = std::exchange(before, std::nullopt);
      continue;
    }
    if (!agent) {
      log::error("cannot start", {{"error", agent.error().what}});
      return agent.error().code == Errc::invalid || agent.error().code == Errc::denied ? kExitConfig : EXIT_FAILURE;
    }
    before = *config;
    for (;;) {
      again = wait_for_reload(signals);
      if (!again) break;
      notify_reloading();
      if (auto fresh = load_config(config_path)) {
        config = std::move(fresh);
        log::info("configuration read again");
        break;
      }
      log::error("the new configuration is at fault; the old one stays in force", {{"config", config->source.path}});
      notify_ready("the new configuration is at fault; the old one stays in force");
    }
    if (!again) notify_stopping();
  }
  log::info("stopped; tunnels and BGP sessions stay up");
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace moenet::agent

int main(int argc, char** argv) {
  using namespace moenet::agent;
  CLI::App app{
      "moenet-agent makes this node match what its control plane wants: WireGuard tunnels and BIRD peers.\n"
      "Without a command it runs until SIGTERM; SIGHUP reads the configuration again."};
  app.set_version_flag("-v,--version", std::string(version_line()));
  app.set_help_flag("-h,--help", "Show this help");
  std::string config_path;
  app.add_option("-c,--config", config_path,
                 "Configuration file (default: the first of ./config.json, /etc/moenet-agent/config.json,\n"
                 "/opt/moenet-agent/config.json)");
  bool is_verbose = false;
  app.add_flag("--debug", is_verbose, "Log more");
  app.require_subcommand(0, 1);
  app.fallthrough();
  bool as_json = false;
  bool allow_mass_delete = false;
  std::string folder;
  auto* run_command = app.add_subcommand("run", "Run in the foreground (the default)");
  auto* check =
      app.add_subcommand("check-config", "Read the configuration and name every fault; exit 78 when there is one");
  auto* plan = app.add_subcommand("plan", "Show what a sync would change now; changes nothing");
  plan->add_flag("--json", as_json, "As JSON");
  auto* status = app.add_subcommand("status", "Show what the running agent sees and does");
  status->add_flag("--json", as_json, "The document of GET /status");
  auto* sync = app.add_subcommand("sync", "Make the running agent sync now, wait for it, and show what changed");
  sync->add_flag("--json", as_json, "The document of GET /sync");
  sync->add_flag(
      "--allow-mass-delete", allow_mass_delete,
      "Let the deletion guard go: sessions that vanished from the list are removed; files of ROAs may shrink");
  auto* doctor = app.add_subcommand(
      "doctor", "Say what this node lacks and what mends it; changes nothing; exit 1 when there is a problem");
  doctor->add_flag("--json", as_json, "As JSON");
  MaintenanceCommand maintenance_command;
  auto* maintenance = app.add_subcommand("maintenance", "Drain this node before work on it, and restore it afterwards");
  maintenance->require_subcommand(1);
  auto* start = maintenance->add_subcommand("start", "Ask all neighbors to route around this node");
  start->add_flag("--shutdown", maintenance_command.shuts_sessions, "Then take down the sessions with other networks");
  start->add_option("--message", maintenance_command.message, "What their operators read of it (RFC 9003)");
  start->add_option("--timeout", maintenance_command.timeout_seconds, "Seconds after which the node counts as drained")
      ->check(CLI::Range(0, 86400));
  auto* end = maintenance->add_subcommand("stop", "Back into service");
  for (auto* command : {start, end})
    command->add_flag("--wait", maintenance_command.waits, "Until it is done; exit 1 when it takes too long");
  auto* show = maintenance->add_subcommand("status", "Show the state of maintenance");
  for (auto* command : {start, end, show})
    command->add_flag("--json", maintenance_command.as_json, "The document of GET /maintenance");
  RestartCommand restart_command;
  auto* restart = app.add_subcommand("restart", "Set up one session anew; no other is disturbed");
  restart->add_option("name", restart_command.name, "dn42_<asn>, or the interface's name")->required();
  auto* wg_only = restart->add_flag("--wg-only", restart_command.wg_only, "Only its tunnel");
  restart->add_flag("--bgp-only", restart_command.bgp_only, "Only its BGP session")->excludes(wg_only);
  auto* genkey = app.add_subcommand("genkey", "Print a new WireGuard private key");
  auto* pubkey = app.add_subcommand("pubkey", "Print the public key of the private key on stdin");
  auto* render = app.add_subcommand("render", "Write the BIRD files that a sync would put in place to a folder");
  render->add_option("folder", folder, "Where to (made when absent)")->required();
  app.footer(
      "Examples:\n  moenet-agent check-config -c /etc/moenet-agent/config.json\n  moenet-agent plan\n  moenet-agent "
      "status\n"
      "Documentation: /usr/share/doc/moenet-agent/, or docs/ in the source.");
  CLI11_PARSE(app, argc, argv);

  if (sodium_init() < 0) {
    fmt::print(stderr, "moenet-agent: libsodium does not start\n");
    return EXIT_FAILURE;
  }
  if (*check) return check_config(config_path);
  if (*plan) return show_plan(config_path, as_json);
  if (*status) return show_status(config_path, as_json);
  if (*sync) return request_sync(config_path, allow_mass_delete, as_json);
  if (*start) return start_maintenance(config_path, maintenance_command);
  if (*end) return stop_maintenance(config_path, maintenance_command);
  if (*show) return show_maintenance(config_path, maintenance_command);
  if (*restart) return restart_session(config_path, restart_command);
  if (*doctor) return run_doctor(config_path, as_json);
  if (*genkey) return print_new_key();
  if (*pubkey) return print_public_key();
  if (*render) return render_files(config_path, folder);
  static_cast<void>(*run_command);
  return run(config_path, is_verbose ? moenet::log::Level::debug : moenet::log::Level::info);
}
