#include "agent/status_commands.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "agent/commands.h"
#include "agent/local_client.h"
#include "agent/session_view.h"
#include "agent/status_view.h"
#include "base/latest.h"
#include "model/json_reader.h"

namespace moenet::agent {
namespace {

constexpr std::chrono::seconds kAnswer{10};
constexpr std::size_t kLeastWidth = 80;
constexpr std::size_t kMostWidth = 160;  // longer lines are hard to read

int complain(const Error& error) {
  fmt::print(stderr, "moenet-agent: {}\n", error.what);
  return EXIT_FAILURE;
}

std::size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return kLeastWidth;
  return std::clamp<std::size_t>(size.ws_col, kLeastWidth, kMostWidth);
}

ViewOptions options_of(const StatusCommand& command) {
  return {{command.sort, command.filter},
          wants_colour(::isatty(STDOUT_FILENO) == 1, std::getenv("NO_COLOR"), std::getenv("TERM")),
          terminal_width()};
}

Result<std::string> text_now(const ApiSettings& api, const StatusCommand& command) {
  TRY(auto status, ask_running_agent(api, "/status", kAnswer));
  if (command.peer.empty()) {
    if (command.as_json) return status + "\n";
    return status_view(status, options_of(command));
  }
  TRY(const auto document, model::parse_json(status));
  TRY(const std::string uuid, session_named(document, command.peer));
  TRY(const auto session, ask_running_agent(api, "/sessions/" + uuid, kAnswer));
  if (command.as_json) return session + "\n";
  return session_view(session, status, options_of(command));
}

void print(std::string_view text) {
  fmt::print("{}", text);
  std::fflush(stdout);
}

// An agent that is away for a moment, as in a restart, ends nothing.
[[noreturn]] void watch(const ApiSettings& api, const StatusCommand& command) {
  constexpr std::string_view kClear = "\x1b[H\x1b[2J";  // ECMA-48: home, erase
  const bool is_terminal = ::isatty(STDOUT_FILENO) == 1;
  const auto pause =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::duration<double>(command.watch_seconds));
  Wakeup never;
  for (;;) {
    const auto text = text_now(api, command);
    print(is_terminal ? kClear : "");
    print(text ? *text : fmt::format("moenet-agent: {}\n", text.error().what));
    if (!is_terminal) print("\n");
    if (std::ferror(stdout) != 0) std::exit(EXIT_FAILURE);
    never.wait(Deadline::after(pause), {});
  }
}

}  // namespace

CLI::App* add_status_command(CLI::App& app, StatusCommand& command) {
  auto* status = app.add_subcommand("status", "Show what the running agent sees and does, or one session in full");
  status->add_option("peer", command.peer, "One session: its AS number, dn42_<asn>, interface, name or uuid");
  status->add_option("--sort", command.sort, std::string("By one of ") + std::string(kSortFields));
  status->add_option("--filter", command.filter,
                     "Only sessions with this text, or \"problem\": those that do not work");
  status->add_option("--watch", command.watch_seconds, "Show it again every so many seconds (2)")
      ->expected(0, 1)
      ->default_str("2")
      ->check(CLI::Range(0.1, 3600.0));
  status->add_flag("--json", command.as_json, "The document of GET /status, or of /sessions/<uuid>");
  return status;
}

int show_status(const std::string& config_path, const StatusCommand& command) {
  const auto config = load_config(config_path, {std::string(kServiceCredential), true});
  if (!config) return kExitConfig;
  if (command.watch_seconds > 0) watch(config->loaded.config.api, command);
  const auto text = text_now(config->loaded.config.api, command);
  if (!text) return complain(text.error());
  print(*text);
  return EXIT_SUCCESS;
}

}  // namespace moenet::agent
