#include "controlplane/serve.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>
#include <signal.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "base/log.h"
#include "base/sd_notify.h"
#include "controlplane/server_config.h"
#include "controlplane/service.h"
#include "controlplane/sql_store.h"
#include "controlplane/token.h"
#include "controlplane/version.h"
#include "http/target.h"

namespace moenet::controlplane {

namespace {

namespace fs = std::filesystem;
using model::JsonFault;
using std::chrono::milliseconds;

constexpr int kConfigFault = 78;  // EX_CONFIG of sysexits.h: systemd does not restart it, for it would fail again
constexpr std::chrono::seconds kFinishWithin{10};  // the longest request is a database call of that order

UnixMs unix_ms_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(wall_now().time_since_epoch()).count();
}

std::string absolute(const std::string& path) { return path.empty() ? path : fs::absolute(path).string(); }

// The command line in the words of the file.
Result<boost::json::object> words_of(const CommandLine& line, const ServeCommand& command) {
  boost::json::object words;
  const auto put = [&](const char* key, const std::string& value) {
    if (!value.empty()) words[key] = value;
  };
  put("stateDir", absolute(line.state_dir));
  put("databaseFile", absolute(command.database.db_file));
  put("sharedKeyFile", absolute(command.shared_key_file));
  put("registry", absolute(command.registry));
  put("metricsTokenFile", absolute(command.metrics_token_file));
  if (command.private_webhooks) words["privateWebhooks"] = true;
  put("publicUrl", command.public_url);
  if (const std::string& db = command.database.db; !db.empty()) {
    TRY(const auto name, database_name_from_argument(db));
    put("database", name.is_file() ? absolute(db) : db);
  }
  if (!command.listen.empty()) words["listen"] = boost::json::array(command.listen.begin(), command.listen.end());
  if (line.verbose) words["logLevel"] = "debug";
  return words;
}

std::string text_of(const JsonFault& fault) { return fault.path.empty() ? fault.expected : fault.text(); }

std::expected<LoadedServerConfig, std::vector<JsonFault>> load(const CommandLine& line, const ServeCommand& command) {
  auto words = words_of(line, command);
  if (!words) return std::unexpected(std::vector<JsonFault>{{"", "", words.error().what}});
  return load_server_config(line.config_file, *words, [](const char* name) { return std::getenv(name); });
}

Result<std::shared_ptr<const http::TlsIdentity>> tls_of(const ServerConfig& config) {
  if (config.tls_certificate.empty()) return nullptr;
  return http::TlsIdentity::load(config.tls_certificate, config.tls_key, wall_now());
}

// What the configuration names, but for the admin token, which is made when it is absent.
Result<ServiceSettings> settings_of(const ServerConfig& config) {
  ServiceSettings settings;
  settings.listen = config.listen;
  settings.proxies = config.proxies;
  settings.most_connections = config.most_connections;
  settings.most_connections_per_address = config.most_connections_per_address;
  settings.workers = config.workers;
  settings.bootstrap = {config.public_url, fs::path(config.state_folder) / "packages"};
  TRY(settings.tls, tls_of(config));
  if (!config.shared_key_file.empty()) {
    TRY(settings.keys.shared_key, read_secret_file(config.shared_key_file));
  }
  settings.auth = {config.registry, config.public_url};
  if (!config.metrics_token_file.empty()) {
    TRY(settings.keys.metrics_token, read_secret_file(config.metrics_token_file));
  }
  settings.webhooks.may_reach_private = config.private_webhooks;
  return settings;
}

// A port in use, a full disk or a locked database may be otherwise in a moment: for them systemd tries again.
int cannot_start(const Error& error) {
  log::error("cannot start", {{"error", error.what}});
  const bool stays_wrong = error.code == Errc::invalid || error.code == Errc::denied || error.code == Errc::not_found;
  return stays_wrong ? kConfigFault : EXIT_FAILURE;
}

sigset_t awaited_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  return signals;
}

// The next of them, or 0 when `span` is over first.
int signal_within(const sigset_t& signals, milliseconds span) {
  const timespec time{span.count() / 1000, span.count() % 1000 * 1'000'000};
  const int signal = ::sigtimedwait(&signals, nullptr, &time);
  return signal < 0 ? 0 : signal;
}

// How often systemd wants to hear that the service works (sd_watchdog_enabled(3)); nothing when it does not.
std::optional<milliseconds> watchdog_interval() {
  const char* text = std::getenv("WATCHDOG_USEC");
  std::int64_t microseconds = 0;
  if (text == nullptr || std::from_chars(text, text + std::strlen(text), microseconds).ec != std::errc())
    return std::nullopt;
  return microseconds < 4'000 ? std::nullopt : std::optional(milliseconds(microseconds / 1'000));
}

// A running server and what it was told; all of it on the main thread, between signals.
class Running {
 public:
  Running(const CommandLine& line, const ServeCommand& command, LoadedServerConfig loaded, Store& store,
          Service& service)
      : line_(line), command_(command), loaded_(std::move(loaded)), store_(store), service_(service) {}

  void until_stopped(const sigset_t& signals) {
    const auto watchdog = watchdog_interval();
    const milliseconds tick = watchdog ? *watchdog / 4 : std::chrono::hours(1);
    bool is_ready = false;
    for (;;) {
      if (!is_ready) is_ready = announce_ready();
      const int signal = signal_within(signals, is_ready ? tick : std::min(tick, milliseconds(1'000)));
      if (signal == SIGHUP) {
        reload();
      } else if (signal != 0) {
        return stop(signals, signal);
      }
      if (watchdog) feed_watchdog();
    }
  }

 private:
  bool announce_ready() {
    const auto settings = store_.settings();
    if (!settings) {
      log::warning("not ready: the database does not answer", {{"error", settings.error().what}});
      return false;
    }
    std::string listen;
    const auto ports = service_.ports();
    for (std::size_t i = 0; i < ports.size(); ++i) {
      ListenAddress address = loaded_.config.listen[i];
      address.endpoint.port = ports[i];
      listen += (i == 0 ? "" : ", ") + address.text();
    }
    log::info("ready", {{"version", version_line()},
                        {"listen", listen},
                        {"port", ports.front()},
                        {"database", loaded_.config.database.shown()}});
    sd_notify("READY=1\nSTATUS=ready");
    return true;
  }

  void feed_watchdog() {
    const auto progress = service_.progress();
    if (all_moved(progress_, progress)) sd_notify("WATCHDOG=1");
    progress_ = progress;
    service_.pulse();
  }

  void reload() {
    auto loaded = load(line_, command_);
    if (!loaded) {
      std::string faults;
      for (const JsonFault& fault : loaded.error()) faults += (faults.empty() ? "" : "; ") + text_of(fault);
      return stay_as_it_was(faults);
    }
    auto tls = tls_of(loaded->config);
    if (!tls) return stay_as_it_was(tls.error().what);
    service_.refresh(*tls, loaded->config.proxies);
    log::set_threshold(loaded->config.log_level);
    const std::string late = keys_for_a_restart(loaded_.words, loaded->words);
    loaded_.config.drain = loaded->config.drain;
    if (late.empty()) {
      log::info("configuration read again");
      sd_notify("STATUS=ready");
    } else {
      log::warning("configuration read again; a part of it needs a restart", {{"keys", late}});
      sd_notify("STATUS=ready; needs a restart: " + late);
    }
  }

  static void stay_as_it_was(const std::string& fault) {
    log::error("configuration not taken; the old one stays in force", {{"error", fault}});
    sd_notify("STATUS=configuration not taken; the old one stays in force: " + fault);
  }

  // A second signal cuts the drain short.
  void stop(const sigset_t& signals, int signal) {
    sd_notify("STOPPING=1");
    log::info("stopping", {{"signal", signal}});
    service_.announce_stop();
    if (loaded_.config.drain.count() > 0) signal_within(signals, loaded_.config.drain);
    if (!service_.finish(Deadline::after(kFinishWithin)))
      log::warning("requests were still under way after 10 s, and were answered with 503");
  }

  const CommandLine& line_;
  const ServeCommand& command_;
  LoadedServerConfig loaded_;
  Store& store_;
  Service& service_;
  std::vector<std::uint64_t> progress_;
};

}  // namespace

bool all_moved(const std::vector<std::uint64_t>& before, const std::vector<std::uint64_t>& now) {
  for (std::size_t i = 0; i < before.size() && i < now.size(); ++i) {
    if (before[i] == now[i]) return false;
  }
  return true;
}

Result<Secret> admin_token_of(const std::string& state_dir) {
  const fs::path file = fs::path(state_dir) / "admin-token";
  std::error_code failed;
  if (!fs::exists(state_dir, failed)) {
    fs::create_directories(state_dir, failed);
    if (failed) return std::unexpected(error_from_errno(failed.value(), fmt::format("make {}", state_dir)));
    ::chmod(state_dir.c_str(), 0700);
  }
  if (fs::exists(file, failed)) return read_secret_file(file);
  Secret token = make_token();
  TRY_VOID(write_secret_file(file, token));
  if (log::detect_output() == log::Output::journald) {  // which keeps what it is told, and more may read than the file
    log::info("admin token made", {{"file", file.string()}});
    return token;
  }
  // To the operator who starts it for the first time, not to the log's fields.
  std::fputs(fmt::format("admin token, kept in {}, printed this once: {}\n", file.string(), token.reveal()).c_str(),
             stderr);
  return token;
}

int run_server(const CommandLine& line, const ServeCommand& command) {
  // Before any thread starts, so that all of them leave the signals to sigtimedwait.
  const sigset_t signals = awaited_signals();
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  auto loaded = load(line, command);
  if (!loaded) {
    for (const JsonFault& fault : loaded.error()) log::error("cannot start", {{"error", text_of(fault)}});
    return kConfigFault;
  }
  log::set_threshold(loaded->config.log_level);
  for (const auto& warning : loaded->warnings) log::warning(warning);
  auto settings = settings_of(loaded->config);
  if (!settings) return cannot_start(settings.error());
  auto token = admin_token_of(loaded->config.state_folder);
  if (!token) return cannot_start(token.error());
  settings->keys.admin_token = std::move(*token);
  auto store = SqlStore::open(loaded->config.database, unix_ms_now);
  if (!store) return cannot_start(store.error());
  settings->others = store->get();
  auto service = Service::start(**store, std::move(*settings));
  if (!service) return cannot_start(service.error());
  Running(line, command, std::move(*loaded), **store, **service).until_stopped(signals);
  return 0;
}

int check_config(const CommandLine& line, const ServeCommand& command) {
  const auto say = [](const std::string& text) { std::fputs((text + "\n").c_str(), stderr); };
  const auto loaded = load(line, command);
  if (!loaded) {
    for (const JsonFault& fault : loaded.error()) say(text_of(fault));
    return kConfigFault;
  }
  for (const auto& warning : loaded->warnings) say("warning: " + warning);
  if (const auto settings = settings_of(loaded->config); !settings) {
    say(settings.error().what);
    return kConfigFault;
  }
  std::puts("the configuration is sound");
  return 0;
}

}  // namespace moenet::controlplane
