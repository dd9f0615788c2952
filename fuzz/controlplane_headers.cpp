// What the control plane reads in targets and headers of people and nodes: the query behind the first line, headers
// behind it. No crash, and bounds hold.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "controlplane/admin_body.h"
#include "controlplane/database_name.h"
#include "controlplane/pagination.h"
#include "controlplane/people_body.h"
#include "controlplane/request_headers.h"
#include "controlplane/web_page.h"
#include "http/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet;
  std::string_view rest(reinterpret_cast<const char*>(bytes), size);
  const auto next_line = [&rest] {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    return line;
  };
  http::Request request;
  http::Target target = http::parse_target(next_line());
  request.target = std::move(target.path);
  request.query = std::move(target.query);
  while (!rest.empty()) {
    const std::string_view line = next_line();
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) request.headers.add(line.substr(0, colon), line.substr(colon + 1));
  }
  using namespace controlplane;
  const std::string id = request_id(request);
  if (id.empty() || id.size() > 64 || id.find_first_of("\r\n \"") != id.npos) std::abort();
  if (preferred_wait(request).count() < 0 || preferred_wait(request).count() > 55) std::abort();
  if (const auto part = part_of_list(request)) {
    if (part->limit < 1 || part->limit > 500) std::abort();
    (void)audit_filter(request, *part);
  }
  (void)expected_version(request);
  (void)web_answer(web_files(), request);
  (void)parse_database_name(request.target);
  return 0;
}
