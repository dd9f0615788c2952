#include "bird/peer_folder.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "base/fd.h"

namespace moenet::bird {
namespace {

constexpr std::string_view kMark = "# moenet-agent ";
constexpr std::string_view kMarkEnd = ": generated, changes are overwritten\n";
constexpr std::size_t kLongestOwner = 128;
// A file of ours has about 500 bytes; what somebody made larger is read to here, which is enough to see that it
// differs.
constexpr std::size_t kMostFileBytes = 64 * 1024;
// Two writes within one tick of the file system's clock leave equal stamps. The coarsest is 10 ms (CONFIG_HZ=100); ten
// of them.
constexpr std::int64_t kSettleNs = 100'000'000;

// Files are looked at at least this often, should an event ever be lost (chosen).
constexpr std::chrono::minutes kTrustEvents{10};
constexpr std::uint32_t kEvents = IN_ATTRIB | IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF;

std::int64_t nanoseconds(const timespec& time) { return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec; }

std::int64_t wall_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now);
}

std::optional<std::string> read_start(int folder, const char* name) {
  const UniqueFd fd(::openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) return std::nullopt;
  std::string text(kMostFileBytes, '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  text.resize(have);
  text.shrink_to_fit();
  return text;
}

struct CloseDir {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

}  // namespace

std::string ownership_line(std::string_view owner) { return fmt::format("{}{}{}", kMark, owner, kMarkEnd); }

std::optional<model::Owner> owner_in(std::string_view text) {
  if (!text.starts_with(kMark)) return std::nullopt;
  text.remove_prefix(kMark.size());
  const std::size_t end = text.substr(0, kLongestOwner + kMarkEnd.size()).find(kMarkEnd);
  if (end == text.npos || end == 0 || end > kLongestOwner) return std::nullopt;
  const std::string_view owner = text.substr(0, end);
  for (const char c : owner) {
    if (c <= ' ' || c >= 0x7F) return std::nullopt;
  }
  return model::Owner(owner);
}

PeerFolder::Known PeerFolder::read_file(int folder, const std::string& name, const Stamp& stamp, bool regular) const {
  Known known{{}, stamp, stamp.ctime_ns < wall_ns() - kSettleNs, nullptr};
  auto text = regular ? read_start(folder, name.c_str()) : std::nullopt;
  auto owner = text ? owner_in(*text) : std::nullopt;
  if (owner)
    known.file = std::make_shared<const model::BirdFile>(model::BirdFile{name, std::move(*owner), std::move(*text)});
  if (!known.file) known.foreign_name = name;
  return known;
}

// A folder that was removed or replaced is watched anew: its own end is an event too. Events from before the files are
// looked at are taken first, so that none is missed.
bool PeerFolder::may_have_changed() {
  const auto now = steady_now();
  bool is_quiet = watch_ && read_at_ && now - *read_at_ < kTrustEvents;
  char sink[4096];
  while (watch_) {
    const ssize_t size = ::read(watch_.get(), sink, sizeof sink);
    if (size > 0) is_quiet = false;
    if (size <= 0 && errno != EINTR) break;
  }
  if (is_quiet) return false;
  watch_ = UniqueFd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (watch_ && ::inotify_add_watch(watch_.get(), path_.c_str(), kEvents) < 0) watch_ = UniqueFd();
  read_at_.reset();
  return true;
}

Result<PeerFolder::Listing> PeerFolder::read() {
  if (may_have_changed()) TRY_VOID(look_at_files());
  Listing listing;
  listing.ours.reserve(known_.size());
  for (const Known& known : known_) {
    if (known.file) {
      listing.ours.push_back(known.file);
    } else {
      listing.foreign.emplace_back(known.foreign_name);
    }
  }
  return listing;
}

void PeerFolder::share(const std::vector<std::shared_ptr<const model::BirdFile>>& wanted) {
  for (const auto& file : wanted) {
    Known* known = find(file->name);
    if (known != nullptr && known->file && *known->file == *file) known->file = file;
  }
}

PeerFolder::Known* PeerFolder::find(std::string_view name) {
  const auto known = std::ranges::lower_bound(known_, name, {}, &Known::name);
  return known != known_.end() && known->name() == name ? &*known : nullptr;
}

Result<void> PeerFolder::look_at_files() {
  const auto now = steady_now();
  const std::unique_ptr<DIR, CloseDir> dir(::opendir(path_.c_str()));
  if (!dir && errno == ENOENT) {
    return fail(Errc::not_found, "the peer folder " + path_ + " is missing: install -d -m 770 -g bird " + path_);
  }
  if (!dir) return std::unexpected(error_from_errno(errno, "read the peer folder " + path_));
  const int folder = ::dirfd(dir.get());
  if (folder < 0) return std::unexpected(error_from_errno(errno, "read the peer folder " + path_));
  std::vector<Known> found;
  found.reserve(known_.size());
  errno = 0;
  for (const dirent* entry = ::readdir(dir.get()); entry != nullptr; errno = 0, entry = ::readdir(dir.get())) {
    const std::string name = entry->d_name;
    if (name.starts_with('.') || !name.ends_with(".conf")) continue;
    struct stat status{};
    if (::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;  // gone since
    const Stamp stamp{status.st_ino, status.st_size, nanoseconds(status.st_mtim), nanoseconds(status.st_ctim)};
    const Known* known = find(name);
    if (known != nullptr && known->settled && known->stamp == stamp) {
      found.push_back(*known);
    } else {
      found.push_back(read_file(folder, name, stamp, S_ISREG(status.st_mode)));
      auto& file = found.back().file;
      if (known != nullptr && known->file && file && *file == *known->file)
        file = known->file;  // which others may share
    }
  }
  if (errno != 0) return std::unexpected(error_from_errno(errno, "read the peer folder " + path_));
  std::ranges::sort(found, {}, &Known::name);
  const auto repeated = std::ranges::unique(found, {}, &Known::name);  // one that was replaced may be told twice
  found.erase(repeated.begin(), repeated.end());
  found.shrink_to_fit();
  known_ = std::move(found);
  read_at_ = now;
  return {};
}

}  // namespace moenet::bird
