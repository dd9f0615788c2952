#include "model/desired.h"

namespace moenet::model {

bool operator==(const DesiredPeering& a, const DesiredPeering& b) {
  const auto same = [](const auto& x, const auto& y) { return x == y || (x && y && *x == *y); };
  return a.uuid == b.uuid && a.asn == b.asn && a.intent == b.intent && same(a.tunnel, b.tunnel) &&
         same(a.bird_file, b.bird_file) && a.protocol == b.protocol && a.verdict == b.verdict &&
         a.endpoint_problem == b.endpoint_problem && a.has_named_endpoint == b.has_named_endpoint &&
         a.awaits_endpoint == b.awaits_endpoint;
}

}  // namespace moenet::model
