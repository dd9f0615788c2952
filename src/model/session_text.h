// SessionText: a list of sessions as the hashes of its rows' texts, so that an answer which says nothing new, in
// whatever order, is known by its bytes alone: comparing 10,000 rows costs a tenth of reading them. It never says
// whether a text is right: only whether it equals one that was read before, but for a chance of 2^-64 for each row that
// changed.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace moenet::model {

class SessionText {
 public:
  // Absent when `body` has no list that can be cut.
  static std::optional<SessionText> of(std::string_view body);

  // Were the two made of bodies that are equal but for the order of their rows? Every row must count by itself: that
  // holds for a list without repeated and without unreadable uuids.
  friend bool operator==(const SessionText&, const SessionText&) = default;

 private:
  struct Row {
    std::uint64_t hash;
    std::uint64_t size;
    friend auto operator<=>(const Row&, const Row&) = default;
  };
  std::string frame_;      // the body without its list
  std::vector<Row> rows_;  // sorted
};

}  // namespace moenet::model
