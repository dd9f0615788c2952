// The tables, as numbered steps that each run once, in order. No one but SqlStore's own files includes it.
#pragma once

#include <limits>

#include <soci/soci.h>

#include "controlplane/sql_engine.h"
#include "controlplane/store.h"

namespace moenet::controlplane {

// Brings the tables up to date, or to `last` (tests, of what an older program left). All steps are one transaction, for
// which other processes wait: two that start together are safe. Errors: invalid when the tables are newer than this
// program. Exceptions: soci::soci_error.
Result<void> migrate(const SqlEngine& engine, soci::session& sql, UnixMs now,
                     long long last = std::numeric_limits<long long>::max());

// As above, of a database that nobody has open, over a connection of its own.
Result<void> migrate_database(const DatabaseName& database, UnixMs now,
                              long long last = std::numeric_limits<long long>::max());

// The number of the newest step.
long long newest_step();

}  // namespace moenet::controlplane
