// PeerFolder: the files of ours in BIRD's peer folder. A file is ours when its first line says so; all others are never
// touched. Reading costs nothing while the kernel tells of no change (inotify(7)), else one stat per unchanged file:
// content is remembered by inode, size, mtime and ctime. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"
#include "model/desired.h"

namespace moenet::bird {

// The first line of a file of ours, with its newline: "# moenet-agent session/<uuid>: generated, changes are
// overwritten\n".
std::string ownership_line(std::string_view owner);
// The owner in a file's first line; absent when the file is not ours.
std::optional<model::Owner> owner_in(std::string_view text);

class PeerFolder {
 public:
  explicit PeerFolder(std::string path) : path_(std::move(path)) {}

  struct Listing {
    std::vector<std::shared_ptr<const model::BirdFile>> ours;  // sorted by name
    std::vector<std::string> foreign;                          // *.conf of others, sorted
  };
  // Errors: not_found (no such folder), denied.
  Result<Listing> read();

  // From now on `read` gives these objects for files that are equal to them.
  void share(const std::vector<std::shared_ptr<const model::BirdFile>>& wanted);

  const std::string& path() const { return path_; }

 private:
  struct Stamp {
    std::uint64_t inode = 0;
    std::int64_t size = 0, mtime_ns = 0, ctime_ns = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  struct Known {
    SharedText foreign_name;  // of no file of ours, which knows its own
    Stamp stamp;
    bool settled = false;  // the stamp was old enough when the file was read: a later write must change it
    std::shared_ptr<const model::BirdFile> file;  // null: foreign
    std::string_view name() const { return file ? std::string_view(file->name) : foreign_name; }
  };
  Known read_file(int folder, const std::string& name, const Stamp& stamp, bool regular) const;

  Known* find(std::string_view name);

  // Did anything happen to the folder since the last call? True when that cannot be known.
  bool may_have_changed();
  Result<void> look_at_files();

  std::string path_;
  std::vector<Known> known_;           // sorted by name
  UniqueFd watch_;                     // none where the user's inotify instances are used up
  std::optional<SteadyTime> read_at_;  // of all files; absent: they must be looked at
};

}  // namespace moenet::bird
