// What leaves the heap leaves it empty: keys and passwords pass through JSON, files, messages and the copies that
// libraries make of these, and a type of ours cannot follow them there. So each block is wiped when it is freed, of
// this program and of the C++ libraries that it loads.
#include <cstdlib>
#include <malloc.h>
#include <new>

#include "base/secret.h"

void operator delete(void* memory) noexcept {
  if (memory != nullptr) moenet::wipe(memory, ::malloc_usable_size(memory));
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept { operator delete(memory); }
