// RoaState: whether this network's own ROAs are in BIRD's tables, and whether the filters were asked since that
// changed. Only BIRD 3 needs it: it asks the filters again for routes that a changed ROA covers, while those without
// any ROA keep the verdict of before (decision 0007).
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/ip.h"
#include "base/result.h"
#include "bird/client.h"
#include "model/session.h"

namespace moenet::bird {

// The function of the policy (25_loaded_roas.conf) that tells what the filters see.
inline constexpr std::string_view kLoadedRoas = "moenet_loaded_roas";

// In BIRD's language: does its table hold a ROA that lets `asn` announce `network`, which has no host bits?
std::string has_roa(const IpPrefix& network, model::Asn asn);

// As of one look.
struct RoaState {
  std::string run;     // of BIRD: BirdControl::last_boot
  std::string loaded;  // what the function says

  friend bool operator==(const RoaState&, const RoaState&) = default;
};

// Absent where nobody must be reminded: the BIRD that runs is no BIRD 3, or has no policy that needs it. Errors: those
// of BirdControl.
Result<std::optional<RoaState>> look_at_roas(BirdPool& pool, Deadline deadline, const std::stop_token& stop);

// All routes of sessions with other networks go through the filters again. Errors: those of BirdControl.
Result<void> ask_filters_again(BirdPool& pool, Deadline deadline, const std::stop_token& stop);

// Remembers what the filters saw. A level, not an event: however often the ROA came and went since, and whoever was
// restarted, one reload settles it.
class FilterMemory {
 public:
  // Must the filters be asked again? A BIRD of another run has seen no ROA, and so it is taken to be of one that ran
  // before this program did: to ask once too often does no harm, and what was refused meanwhile stays refused.
  bool is_stale(const RoaState& now);
  // They were asked, in the state that is_stale() was given last.
  void note_asked() { seen_ = looked_at_; }

 private:
  RoaState looked_at_;
  RoaState seen_;
};

}  // namespace moenet::bird
