// Files of route origin authorizations (RFC 6482) in BIRD's language, as DN42's communities publish them: one
// `route PREFIX max LENGTH as NUMBER;` per line, or `roa` as in files for BIRD 1. Pure. What a file says goes into
// BIRD's configuration, so nothing is guessed: a line that is anything else makes the whole file a fault.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "bird/policy.h"

namespace moenet::bird {

// DN42 has 3,000; the whole Internet 600,000 (2026), which is another network's table (chosen).
inline constexpr std::size_t kMostRoasOfFile = 100'000;

// Sorted, each once; may be none. Blank lines and what follows a `#` say nothing. Errors: invalid, which names the
// first line at fault (also: a prefix with host bits, a length that is none for its prefix) or says that there are too
// many.
Result<std::vector<Roa>> read_roa_file(std::string_view text);

// May `fresh` take the place of `before`? Not when it is empty, and not when more than half of what there was is gone:
// then more likely the file is cut than the network. Errors: invalid, which says so.
Result<void> check_successor(const std::vector<Roa>& fresh, const std::vector<Roa>& before);

}  // namespace moenet::bird
