#include "bird/stage.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "bird/peer_folder.h"

namespace moenet::bird {
namespace {

constexpr std::string_view kStageName = "/.moenet-stage";
constexpr std::string_view kCheckName = "/check.conf";
constexpr mode_t kFolderMode = 0750;
constexpr mode_t kFileMode = 0640;  // BGP passwords are in there
constexpr std::size_t kLongestFirstLine = 256;
constexpr std::size_t kMostFileBytes = 64u << 20;  // chosen: far above a file of all ROAs

std::string root_of(const std::string& folder) { return folder + std::string(kStageName); }

std::unexpected<Error> failed(std::string_view action, const std::string& path) {
  return std::unexpected(error_from_errno(errno, std::string(action) + " " + path));
}

Result<void> make_folder_for(const std::string& path, gid_t group) {
  if (::mkdir(path.c_str(), kFolderMode) != 0 && errno != EEXIST) return failed("make", path);
  if (::chown(path.c_str(), static_cast<uid_t>(-1), group) != 0) return failed("give the group to", path);
  if (::chmod(path.c_str(), kFolderMode) != 0) return failed("set the mode of", path);
  return {};
}

Result<void> write_new(const std::string& path, std::string_view text, gid_t group) {
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return failed("make", path);
  if (::fchown(fd.get(), static_cast<uid_t>(-1), group) != 0) return failed("give the group to", path);
  if (::fchmod(fd.get(), kFileMode) != 0) return failed("set the mode of", path);
  while (!text.empty()) {
    const ssize_t written = ::write(fd.get(), text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return failed("write", path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// A second link to a file, or false where there is none. Of a file of another user, which an agent that ran as root or
// a hand has left, a copy: nobody may link those (fs.protected_hardlinks in proc_sys_fs(5)).
Result<bool> keep_file(const std::string& live, const std::string& kept, gid_t group) {
  if (::link(live.c_str(), kept.c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  if (errno != EPERM) return failed("keep a second link to", live);
  TRY(const std::string text, read_file(live, kMostFileBytes));
  TRY_VOID(write_new(kept, text, group));
  return true;
}

// One flush for all files of the stage: an fsync for each costs a disk write for each.
Result<void> flush(const std::string& folder) {
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::syncfs(fd.get()) != 0) return failed("flush", folder);
  return {};
}

Result<void> flush_names(const std::string& folder) {
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return failed("flush", folder);
  return {};
}

void remove_tree(const std::string& path) {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

bool is_ours(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  char start[kLongestFirstLine];
  const ssize_t got = fd ? ::read(fd.get(), start, sizeof(start)) : -1;
  return got > 0 && owner_in({start, static_cast<std::size_t>(got)});
}

}  // namespace

Stage::Stage(std::string folder) : folder_(std::move(folder)), root_(root_of(folder_)) {}

Stage::~Stage() { sweep(folder_); }

void Stage::sweep(const std::string& folder) {
  const std::string root = root_of(folder);
  remove_tree(root + "/new");
  remove_tree(root + "/old");
  remove_temporaries(root);
  ::unlink((root + std::string(kCheckName)).c_str());
  ::rmdir(root.c_str());  // stays while it holds a journal
}

bool Stage::has_journal(const std::string& folder) {
  return ::access((root_of(folder) + "/journal").c_str(), F_OK) == 0;
}

std::string Stage::path_of(const std::string& name) const { return root_ + "/new/" + name; }
std::string Stage::check_path() const { return root_ + std::string(kCheckName); }

Result<void> Stage::open(gid_t group) {
  group_ = group;
  remove_tree(root_ + "/new");
  remove_tree(root_ + "/old");
  for (const std::string& path : {root_, root_ + "/new", root_ + "/old"}) TRY_VOID(make_folder_for(path, group));
  return {};
}

Result<void> Stage::put(const model::BirdFile& file) { return write_new(path_of(file.name), file.text, group_); }

Result<void> Stage::write_check(std::string_view text) {
  ::unlink(check_path().c_str());
  return write_new(check_path(), text, group_);
}

Result<void> Stage::keep_old(const std::string& name) {
  const std::string live = folder_ + "/" + name;
  const std::string kept = root_ + "/old/" + name;
  TRY(const bool is_kept, keep_file(live, kept, group_));
  if (is_kept && !is_ours(kept)) return fail(Errc::conflict, live + " is not ours any more");
  moved_[name] = is_kept;
  return {};
}

Result<void> Stage::swap(const Swap& swap) {
  moved_.clear();
  std::string journal = "A swap of BIRD peer files is under way, or was cut off.\n";
  for (const std::string& name : swap.put) {
    TRY_VOID(keep_old(name));
    journal += "put " + name + "\n";
  }
  for (const std::string& name : swap.remove) {
    TRY_VOID(keep_old(name));
    journal += "remove " + name + "\n";
  }
  TRY_VOID(flush(root_));
  TRY_VOID(atomic_write_file(root_ + "/journal", journal, 0600));
  const auto moved = move_all(swap);
  if (moved) return flush_names(folder_);
  TRY_VOID(restore());
  return moved;
}

Result<void> Stage::move_all(const Swap& swap) {
  for (const std::string& name : swap.put) {
    const std::string live = folder_ + "/" + name;
    if (moved_.at(name)) {
      if (::rename(path_of(name).c_str(), live.c_str()) != 0) return failed("replace", live);
    } else {
      // link() never overwrites what somebody else put there meanwhile
      if (::link(path_of(name).c_str(), live.c_str()) != 0) {
        const int number = errno;
        moved_.erase(name);
        return std::unexpected(error_from_errno(number, "add " + live));
      }
      ::unlink(path_of(name).c_str());
    }
  }
  for (const std::string& name : swap.remove) {
    if (::unlink((folder_ + "/" + name).c_str()) != 0 && errno != ENOENT) return failed("remove", folder_ + "/" + name);
  }
  return {};
}

Result<void> Stage::restore() {
  Result<void> outcome;
  for (const auto& [name, has_old] : moved_) {
    const std::string live = folder_ + "/" + name;
    const std::string kept = root_ + "/old/" + name;
    // A rename between two links to one file does nothing, which is right: that file was not moved yet.
    const bool done = has_old ? ::rename(kept.c_str(), live.c_str()) == 0
                              : !is_ours(live) || ::unlink(live.c_str()) == 0 || errno == ENOENT;
    if (!done && outcome) outcome = failed("restore", live);
  }
  moved_.clear();
  if (outcome) outcome = flush_names(folder_);
  return outcome;
}

Result<void> Stage::drop_journal() {
  if (::unlink((root_ + "/journal").c_str()) != 0 && errno != ENOENT) return failed("remove", root_ + "/journal");
  return {};
}

}  // namespace moenet::bird
