// What nodes tell the control plane: statuses, reports, measurements, links, answers to queries. No crash, and every
// number is within its bounds.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <boost/json.hpp>

#include "controlplane/mesh_report.h"
#include "controlplane/modify_body.h"
#include "controlplane/query_body.h"
#include "controlplane/reported.h"
#include "model/json_reader.h"

namespace {

using namespace moenet::controlplane;

void judge(const Reading& reading) {
  for (const std::int64_t value : {reading.up, reading.rtt_us, reading.loss_permille, reading.rx_bytes,
                                   reading.tx_bytes, reading.routes_in, reading.routes_out}) {
    if (value < kUnknown || value > kMostValue) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  constexpr UnixSeconds kArrival = 1'700'000'000;
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  (void)mesh_links(text, {});
  (void)read_query_answer(text);
  const auto body = moenet::model::parse_json(text);
  if (!body || !body->is_object()) return 0;
  const auto& object = body->get_object();
  const ModifyBody modify = read_modify_body(object);
  if (!modify.is_batch && !modify.refused && modify.items.size() != 1) std::abort();
  const UnixSeconds at = measured_at(object, kArrival);
  judge(reading_of_session(object, at));
  for (const auto& target : measured_targets(object, at)) judge(target.reading);
  for (const auto& series : readings_of_mesh(object, at)) judge(series.reading);
  return 0;
}
