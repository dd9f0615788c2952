#include "bird/control.h"

#include <algorithm>

namespace moenet::bird {
namespace {

std::unexpected<Error> unexpected_reply(const std::string& command, const Reply& reply) {
  return fail(Errc::internal, command + ": BIRD answered " + std::to_string(reply.code()) + " " + reply.text());
}

bool holds(const Reply& reply, int code) {
  return std::any_of(reply.lines.begin(), reply.lines.end(), [&](const ReplyLine& line) { return line.code == code; });
}

// 3: done; 4: under way; 5: queued behind another load.
bool is_accepted(int code) { return code == 3 || code == 4 || code == 5; }

}  // namespace

Result<BirdSurvey> survey(BirdPool& pool, Deadline deadline, const std::stop_token& stop) {
  TRY(BirdPool::Lease lease, pool.take(deadline, stop));
  TRY(std::vector<ProtocolStatus> protocols, BirdControl(*lease, deadline, stop).protocols());
  return BirdSurvey{lease->version(), std::move(protocols)};
}

Result<Reply> BirdControl::ask(const std::string& command) {
  TRY(Reply reply, client_.ask(command, deadline_, stop_));
  if (reply.code() == 8007) return fail(Errc::denied, command + ": BIRD's control socket is restricted to reading");
  return reply;
}

Result<std::vector<ProtocolStatus>> BirdControl::protocols() {
  TRY(const Reply reply, ask("show protocols"));
  return parse_protocols(reply);
}

Result<std::string> BirdControl::main_file() {
  TRY(const Reply reply, ask("configure check"));
  // "Reading configuration from /etc/bird/bird.conf": the words before the path are not looked at.
  for (const ReplyLine& line : reply.lines) {
    if (line.code != 2) continue;
    const std::size_t path = line.text.find(" /");
    if (path != line.text.npos) return std::string(line.text.substr(path + 1));
    return fail(Errc::invalid, "BIRD was started with a relative path of its configuration (" + std::string(line.text) +
                                   "): start it with -c and an absolute one");
  }
  return unexpected_reply("configure check", reply);
}

Result<std::optional<ConfigError>> BirdControl::check(const std::string& path) {
  const std::string command = "configure check \"" + path + "\"";
  TRY(const Reply reply, ask(command));
  if (reply.code() == 20) return std::optional<ConfigError>();
  if (reply.code() == 8002) return parse_config_error(reply);
  return unexpected_reply(command, reply);
}

Result<std::optional<ConfigError>> BirdControl::configure(std::chrono::seconds undo) {
  const std::string command = "configure timeout " + std::to_string(undo.count());
  TRY(const Reply reply, ask(command));
  if (is_accepted(reply.code())) return std::optional<ConfigError>();
  if (reply.code() == 8002) return parse_config_error(reply);
  if (reply.code() == 6) return fail(Errc::unavailable, command + ": BIRD is shutting down");
  return unexpected_reply(command, reply);
}

Result<BirdControl::LoadState> BirdControl::load_state() {
  TRY(const Reply reply, ask("configure status"));
  if (reply.is_error()) return unexpected_reply("configure status", reply);
  return LoadState{!holds(reply, 4), holds(reply, 22)};
}

Result<bool> BirdControl::confirm() {
  TRY(const Reply reply, ask("configure confirm"));
  if (reply.code() == 18) return true;
  if (reply.code() == 19) return false;
  return unexpected_reply("configure confirm", reply);
}

Result<bool> BirdControl::undo() {
  TRY(const Reply reply, ask("configure undo"));
  if (is_accepted(reply.code())) return true;
  if (reply.code() == 19) return false;
  return unexpected_reply("configure undo", reply);
}

Result<std::optional<std::string>> BirdControl::evaluate(const std::string& expression) {
  TRY(const Reply reply, ask("eval " + expression));
  if (reply.code() == 23) return std::optional(reply.text());
  if (reply.code() >= 9000) return std::optional<std::string>();
  return unexpected_reply("eval", reply);
}

Result<std::string> BirdControl::last_boot() {
  TRY(const Reply reply, ask("show status"));
  auto boot = parse_last_boot(reply);
  if (!boot) return unexpected_reply("show status", reply);
  return std::move(*boot);
}

Result<void> BirdControl::reload_filters_in(std::string_view pattern) {
  const std::string command = "reload filters in \"" + std::string(pattern) + "\"";
  TRY(const Reply reply, ask(command));
  if (reply.code() == 0 || reply.code() == 8003) return {};  // 8003: no protocol matches
  return unexpected_reply(command, reply);
}

}  // namespace moenet::bird
