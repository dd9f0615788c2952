#include "agent/base_config.h"

#include <fmt/format.h>

#include "base/file.h"
#include "bird/peer_folder.h"
#include "bird/render.h"

namespace moenet::agent {
namespace {

constexpr std::size_t kFileLimit = 4u << 20;

}  // namespace

Result<bool> is_base_config_current(const std::string& path, const std::string& text) {
  auto held = read_file(path, kFileLimit);
  if (!held && held.error().code == Errc::not_found) return false;
  if (!held) return std::unexpected(held.error());
  if (bird::owner_in(*held) != model::Owner(bird::kBaseOwner)) {
    return fail(Errc::conflict,
                fmt::format("{} was not written by moenet-agent: move it away and let BIRD read the one that "
                            "`moenet-agent render` makes, or set bird.ownership to \"peers\"",
                            path));
  }
  return *held == text;
}

}  // namespace moenet::agent
