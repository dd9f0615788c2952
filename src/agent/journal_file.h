// The journal on disk: `events.journal` in the state folder, mode 0600, one JSON object per line, appended to, and
// rewritten whole when it has grown to twice what is kept or may be torn. It is not flushed to the disk line by line: a
// power cut may cost the last events, and a full disk costs those that found no room, until it has some again.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/journal.h"
#include "base/result.h"

namespace moenet::agent {

std::string line_of(const Event& event);  // with its newline
// A line without its newline. Errors: invalid.
Result<Event> read_event(std::string_view line);

// Not thread-safe.
class JournalFile {
 public:
  explicit JournalFile(std::string folder);

  // What can be read, oldest first; a line that cannot, or is out of order, is passed over. Changes nothing on disk.
  // Errors: not_found, denied, invalid (too large to be ours); save() then begins a new file.
  Result<std::vector<Event>> load();

  // Writes what the journal has beyond what is written. Nothing to write is nothing done. Errors: unavailable (the disk
  // is full), denied; the next call tries to write all of it.
  Result<void> save(const Journal& journal);

 private:
  Result<void> append(const std::vector<Event>& events);
  Result<void> rewrite(const Journal& journal);

  std::string folder_;
  std::string path_;
  std::uint64_t written_ = 0;  // the number of the last event that is on disk
  std::size_t lines_ = 0;      // of the file
  bool must_rewrite_ = true;   // it is not there, its end may be torn, or it cannot be read
};

}  // namespace moenet::agent
