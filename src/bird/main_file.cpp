#include "bird/main_file.h"

#include <cerrno>
#include <unistd.h>

#include "base/file.h"
#include "bird/peer_folder.h"
#include "bird/render.h"

namespace moenet::bird {
namespace {

constexpr std::size_t kMostMainBytes = 16u << 20;

}  // namespace

Result<void> MainFile::take_up() {
  if (!wanted) return {};
  auto text = read_file(path, kMostMainBytes);
  if (!text && text.error().code == Errc::not_found) return {};
  if (!text) return std::unexpected(std::move(text).error());
  if (owner_in(*text) != model::Owner(kBaseOwner)) {
    return fail(Errc::invalid,
                path + " is not ours: move it away, and let BIRD read the one that `moenet-agent render` makes");
  }
  if (*text == *wanted) wanted.reset();
  if (::stat(path.c_str(), &old_status) != 0) return std::unexpected(error_from_errno(errno, "look at " + path));
  old_text = std::move(*text);
  return {};
}

Result<void> MainFile::write(gid_t group) const {
  if (!wanted) return {};
  return write_text(*wanted, old_text ? old_status.st_uid : static_cast<uid_t>(-1),
                    old_text ? old_status.st_gid : group);
}

Result<void> MainFile::restore() const {
  if (!wanted) return {};
  if (old_text) return write_text(*old_text, old_status.st_uid, old_status.st_gid);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return std::unexpected(error_from_errno(errno, "remove " + path));
  return {};
}

Result<void> MainFile::write_text(const std::string& text, uid_t user, gid_t group) const {
  TRY_VOID(atomic_write_file(path, text, 0640));
  if (::chown(path.c_str(), user, group) == 0) return {};
  if (errno == EPERM && ::chown(path.c_str(), static_cast<uid_t>(-1), group) == 0) return {};
  return std::unexpected(error_from_errno(errno, "give " + path + " its owner"));
}

}  // namespace moenet::bird
