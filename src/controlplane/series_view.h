// Series as the API shows them: an array of times, and per quantity an array of the same length, in which null is what
// is not known. Pure.
#pragma once

#include <boost/json/fwd.hpp>

#include "controlplane/samples.h"
#include "controlplane/store.h"

namespace moenet::controlplane {

// The slots of a span that ends with the one of `now`.
struct Window {
  std::int64_t first = 0;
  std::int64_t count = 0;
  UnixSeconds seconds = 0;  // of a slot
};
Window window_of(Span span, UnixSeconds now);

// {"slotSeconds","times":[unix s, of the slots' beginnings]}
boost::json::object view_window(const Window& window);
// {"up","rttMs":{"min","avg","max"},"lossPercent"}
boost::json::object view_link(const Slots& slots, const Window& window);
// The same with {"rxBytesPerSecond","txBytesPerSecond","routesIn","routesOut"}.
boost::json::object view_session(const Slots& slots, const Window& window);

}  // namespace moenet::controlplane
