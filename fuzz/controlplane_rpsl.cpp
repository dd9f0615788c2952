// Any bytes as a registry object: what is read has a name, no comment, and reads the same again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "controlplane/registry.h"
#include "controlplane/rpsl.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace moenet::controlplane;
  const auto object = parse_rpsl({reinterpret_cast<const char*>(data), size});
  if (!object) return 0;
  std::string again;
  for (const RpslAttribute& attribute : *object) {
    if (attribute.name.empty() || attribute.value.find('#') != std::string::npos) std::abort();
    again += attribute.name + ": ";
    for (const char c : attribute.value) again += c == '\n' ? std::string("\n+ ") : std::string(1, c);
    again += '\n';
  }
  if (again.size() <= kMostObjectBytes) {
    const auto same = parse_rpsl(again);
    if (!same || *same != *object) std::abort();
  }
  (void)maintainer_of(*object);
  return 0;
}
