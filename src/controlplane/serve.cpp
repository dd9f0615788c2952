#include "controlplane/serve.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <signal.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "base/log.h"
#include "base/sd_notify.h"
#include "controlplane/service.h"
#include "controlplane/sql_store.h"
#include "controlplane/token.h"
#include "controlplane/version.h"

namespace moenet::controlplane {

namespace {

namespace fs = std::filesystem;

constexpr int kConfigFault = 78;  // EX_CONFIG of sysexits.h: systemd does not restart it, for it would fail again

UnixMs unix_ms_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(wall_now().time_since_epoch()).count();
}

Result<Endpoint> parse_listen(const std::string& text) {
  const auto parsed = HostPort::parse(text);
  const auto address = parsed ? parsed->address() : std::nullopt;
  if (!address) return fail(Errc::invalid, fmt::format("--listen {}: expected ADDRESS:PORT", text));
  return Endpoint{*address, parsed->port};
}

Result<ServiceSettings> settings_of(const CommandLine& line, const ServeCommand& command) {
  ServiceSettings settings;
  TRY(settings.listen, parse_listen(command.listen));
  TRY(settings.keys.admin_token, admin_token_of(line.state_dir));
  if (!command.shared_key_file.empty()) {
    TRY(settings.keys.shared_key, read_secret_file(command.shared_key_file));
  }
  return settings;
}

// A port in use, a full disk or a locked database may be otherwise in a moment: for them systemd tries again.
int cannot_start(const Error& error) {
  log::error("cannot start", {{"error", error.what}});
  const bool stays_wrong = error.code == Errc::invalid || error.code == Errc::denied;
  return stays_wrong ? kConfigFault : EXIT_FAILURE;
}

}  // namespace

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
  // Before any thread starts, so that all of them leave the signals to sigwait below.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT}) sigaddset(&signals, signal);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);

  auto settings = settings_of(line, command);
  if (!settings) return cannot_start(settings.error());
  const fs::path database = command.db.empty() ? fs::path(line.state_dir) / "moenet.db" : fs::path(command.db);
  auto store = SqlStore::open_sqlite(database, unix_ms_now);
  if (!store) return cannot_start(store.error());
  auto service = Service::start(**store, std::move(*settings));
  if (!service) return cannot_start(service.error());

  log::info("ready", {{"version", version_line()},
                      {"listen", command.listen},
                      {"port", (*service)->port()},
                      {"database", database.string()}});
  sd_notify("READY=1");
  int signal = 0;
  ::sigwait(&signals, &signal);
  sd_notify("STOPPING=1");
  log::info("stopping", {{"signal", signal}});
  return 0;
}

}  // namespace moenet::controlplane
