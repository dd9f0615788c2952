// Whole files: read with a limit, replaced in one step. Folders, locks and watching are not its business.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <sys/types.h>

#include "base/result.h"

namespace moenet {

// The file's bytes. Errors: not_found, denied, invalid (a folder, or more than `limit_bytes`), internal.
Result<std::string> read_file(const std::string& path, std::size_t limit_bytes);

// Replaces `path` so that a reader, or a reboot, finds the old bytes or the new ones and never a part: a temporary file
// in the same folder gets its mode, then its bytes, is flushed to the disk and renamed over `path`, and the folder is
// flushed. A failure removes the temporary and leaves the old file. A symbolic link at `path` is replaced, not
// followed. Errors: not_found (no such folder), denied, unavailable (disk full), internal.
Result<void> atomic_write_file(const std::string& path, std::string_view bytes, mode_t mode);

// Removes what atomic_write_file() left in `folder` when its process was killed: of the file `name`, or, where that is
// empty, of any. For a process that is the only one to write there. What cannot be removed stays.
void remove_temporaries(const std::string& folder, std::string_view name = {});

// Makes a folder with its missing parents, these with mode 0755. A folder that is there stays as it is. Errors: denied,
// unavailable, conflict (something that is no folder has the name).
Result<void> make_folder(const std::string& path, mode_t mode);

}  // namespace moenet
