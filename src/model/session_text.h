// SessionText: the list of sessions cut into the texts of its rows, so that an answer which says nothing new, in
// whatever order, is known by its bytes alone: comparing 10,000 rows costs a tenth of reading them. It never says
// whether a text is right: only whether it equals one that was read before.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace moenet::model {

class SessionText {
 public:
  // Absent when `body` has no list that can be cut.
  static std::optional<SessionText> of(std::string_view body);

  // Are the bodies equal but for the order of the rows? `body` and `other_body` are what each was made of. Every row
  // must count by itself: that holds for a list without repeated and without unreadable uuids.
  bool says_the_same(std::string_view body, const SessionText& other, std::string_view other_body) const;

 private:
  struct Row {
    std::uint64_t hash;
    std::uint32_t begin;
    std::uint32_t size;
  };
  std::size_t list_begin_ = 0;
  std::size_t list_end_ = 0;
  std::vector<Row> rows_;  // sorted by hash
};

}  // namespace moenet::model
