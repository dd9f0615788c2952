// KeptText: a text that costs time to make, for whoever asks. Making it takes at most a quarter of the time: whoever
// asks sooner gets the one of before, so that a crowd that asks without a pause keeps nobody else waiting. What costs
// a millisecond is three milliseconds old at most.
// Not thread-safe: it is the HTTP server's thread's.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "base/clock.h"

namespace moenet::agent {

class KeptText {
 public:
  using Make = std::function<std::string()>;
  explicit KeptText(Make make, std::function<SteadyTime()> now = steady_now)
      : make_(std::move(make)), now_(std::move(now)) {}

  const std::string& read() {
    const SteadyTime begun = now_();
    if (begun < kept_until_) return text_;
    text_ = make_();
    const SteadyTime made = now_();
    kept_until_ = made + 3 * (made - begun);
    return text_;
  }

 private:
  Make make_;
  std::function<SteadyTime()> now_;
  std::string text_;
  SteadyTime kept_until_{};
};

}  // namespace moenet::agent
