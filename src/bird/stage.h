// Stage: the hidden folder inside the peer folder where files wait until BIRD has approved them, where the old ones lie
// until BIRD runs the new ones, and where a journal says that a swap is under way. BIRD can read it, and no `*.conf`
// reaches into it. Every file is replaced by one rename; what a kill -9 leaves is whole files, old ones and new ones,
// and the journal. That is enough: the next plan sees the files, and the journal makes it reload.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/result.h"
#include "model/desired.h"

namespace moenet::bird {

class Stage {
 public:
  // `folder`: the peer folder. Touches nothing.
  explicit Stage(std::string folder);
  // Takes the stage away, also what an earlier one left, but for a journal.
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  // Takes away what a killed process left in the stage of `folder`, but for a journal.
  static void sweep(const std::string& folder);

  static bool has_journal(const std::string& folder);

  // Makes the empty stage; leftovers are removed, a journal stays. New files get `group`, and nobody else may read
  // them.
  Result<void> open(gid_t group);
  Result<void> put(const model::BirdFile& file);
  Result<void> write_check(std::string_view text);
  std::string path_of(const std::string& name) const;  // of a staged file
  std::string check_path() const;

  struct Swap {
    std::vector<std::string> put;     // staged names that replace or add
    std::vector<std::string> remove;  // names that go
  };
  // Keeps a second link to each old file, writes the journal to the disk, then moves the files. A file that stopped
  // being ours meanwhile fails it before anything moved: conflict. Any failure leaves the folder as it was.
  Result<void> swap(const Swap& swap);
  // Puts the old files back.
  Result<void> restore();
  // Ends the journal: BIRD runs what the folder holds.
  Result<void> drop_journal();

 private:
  Result<void> keep_old(const std::string& name);
  Result<void> move_all(const Swap& swap);

  std::string folder_;
  std::string root_;
  gid_t group_ = 0;
  std::map<std::string, bool> moved_;  // name -> an old file is kept
};

}  // namespace moenet::bird
