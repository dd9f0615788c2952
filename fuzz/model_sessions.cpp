// The sessions answer, from bytes to rows: no crash, every row sound, accepted sessions read back from their canonical
// form.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <boost/json/value.hpp>

#include "model/lifecycle.h"
#include "model/peering.h"
#include "model/session_json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace moenet;
  const auto data = model::read_envelope({reinterpret_cast<const char*>(bytes), size});
  if (!data) return 0;
  const auto rows = model::read_sessions(*data);
  if (!rows) return 0;
  const model::NodeIdentity node{"n", IpAddress::v4({172, 22, 188, 2}), std::nullopt,
                                 IpAddress::v6({0xfe, 0x80, 0, 1})};
  for (const model::SessionRow& row : *rows) {
    if (!row.session) {
      if (model::fit_last_error(row.session.error().text()).empty()) std::abort();
      continue;
    }
    static_cast<void>(model::peering_of(*row.session, node));
    const model::SessionRow again = model::read_session(model::write_session(*row.session, row.last_error));
    if (!again.session || *again.session != *row.session) std::abort();
  }
  return 0;
}
