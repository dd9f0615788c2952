// Copying everything from one database to another, whatever each runs on: what backup, restore and the move from SQLite
// to PostgreSQL are made of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "controlplane/database_name.h"
#include "controlplane/store.h"

namespace moenet::controlplane {

struct CopiedTable {
  std::string name;
  long long rows = 0;
};

// What becomes of rows that the target has: they are a reason to refuse, or they go.
enum class Existing : std::uint8_t { refuse, replace };

// One snapshot of `from`, which may be in use and is not changed, into `to`, whose tables are made when it has none.
// All or nothing: the rows are counted on both sides before the commit. With `replace` the counters of nodes go on
// above what `to` had, so that nobody who waits takes an old number for a new one. Errors: not_found (`from` is no
// file), invalid (no database of this program, or of a newer one), conflict (`to` has rows, or is a file that a running
// control plane holds), unavailable.
Result<std::vector<CopiedTable>> copy_database(const DatabaseName& from, const DatabaseName& to, Existing existing,
                                               UnixMs now);

// As above, of a database that an older program may have left: what is copied is brought up to date in a copy of its
// own.
Result<std::vector<CopiedTable>> copy_older_database(const std::filesystem::path& from, const DatabaseName& to,
                                                     Existing existing, UnixMs now);

}  // namespace moenet::controlplane
