// What the agent asks of the kernel and of malloc for its own memory: that secrets stay in it, and that it is small.
#pragma once

namespace moenet::agent {

// Secrets live in this process: no core dump, no tracing by others of the same user.
void keep_secrets_in();

// Tasks allocate in turns, so one arena does; and a large block, as a list of sessions is, goes back to the system when
// it is freed (docs/benchmarks.md).
void keep_memory_small();

// What a piece of work took for a moment goes back to the system, where it is much.
void give_back_memory();

// Code and constants that only the start needed, of this program and of the libraries that it loads, leave its memory;
// what is needed again comes back from the page cache by itself (madvise(2), of mappings that nobody can have written
// to).
void give_back_code();

}  // namespace moenet::agent
