// Request targets and routes: any target is answered, and a bound segment is never empty.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "http/router.h"
#include "http/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet::http;
  static const Router router = [] {
    Router made;
    made.add("GET", "/agent/{node}/{action}", [](const Request&, const PathBindings& bindings) -> Answer {
      if (bindings.size() != 2 || bindings.at("node").empty() || bindings.at("action").empty()) std::abort();
      return Response::text(200, "");
    });
    return made;
  }();
  Target target = parse_target({reinterpret_cast<const char*>(bytes), size});
  if (target.path.empty()) std::abort();
  Request request;
  request.target = std::move(target.path);
  request.query = std::move(target.query);
  router.dispatch(request);
  return 0;
}
