#include "agent/base_config.h"

#include <cstdio>

#include <fmt/format.h>

#include "base/file.h"
#include "bird/render.h"

namespace moenet::agent {
namespace {

constexpr std::size_t kFileLimit = 4u << 20;
constexpr std::string_view kFirstLine = "# moenet-agent bird.conf: generated, changes are overwritten (bird.ownership is \"full\")\n";
// BIRD often runs as its own user; there is no secret in this file (those are in the peer files).
constexpr mode_t kMode = 0644;

}  // namespace

std::string base_config_text(const BirdSettings& bird, const model::NodeIdentity& node) {
  bird::BaseConfig base;
  base.node = node;
  base.local_asn = bird.local_asn.value_or(0);
  base.peer_folder = bird.peer_folder;
  base.names = bird.names;
  base.own_prefixes = bird.own_prefixes;
  return std::string(kFirstLine) + bird::render_base(base);
}

Result<BaseConfigFile::State> BaseConfigFile::look() const {
  auto held = read_file(path_, kFileLimit);
  if (!held && held.error().code == Errc::not_found) return State::absent;
  if (!held) return std::unexpected(held.error());
  if (!held->starts_with(kFirstLine)) {
    return fail(Errc::conflict, fmt::format("{} was not written by moenet-agent: move it away, or set bird.ownership to \"peers\"", path_));
  }
  return *held == text_ ? State::current : State::outdated;
}

Result<void> BaseConfigFile::create_if_absent() const {
  TRY(const State state, look());
  return state == State::absent ? atomic_write_file(path_, text_, kMode) : Result<void>{};
}

Result<void> BaseConfigFile::replace(bird::BirdPool& pool, Deadline deadline, const std::stop_token& stop) const {
  TRY(const State state, look());
  if (state == State::current) return {};
  const std::string staged = path_ + ".moenet-new";
  TRY_VOID(atomic_write_file(staged, text_, kMode));
  auto reply = pool.ask(fmt::format("configure check \"{}\"", staged), deadline, stop);
  Result<void> outcome;
  if (!reply) {
    outcome = std::unexpected(reply.error());
  } else if (reply->is_error()) {
    outcome = fail(Errc::invalid, fmt::format("BIRD refuses the new {}: {}", path_, reply->text()));
  } else if (std::rename(staged.c_str(), path_.c_str()) != 0) {
    outcome = std::unexpected(error_from_errno(errno, fmt::format("replace {}", path_)));
  }
  if (!outcome) std::remove(staged.c_str());
  return outcome;
}

}  // namespace moenet::agent
