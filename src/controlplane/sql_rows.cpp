#include "controlplane/sql_rows.h"

#include <span>

#include <fmt/format.h>

namespace moenet::controlplane {

namespace {

// Chosen: with ten columns it is far from the 32,766 values that SQLite takes, and twice as many are hardly faster.
constexpr std::size_t kAtOnce = 100;

std::string statement_text(std::string_view into, std::size_t rows, std::size_t columns, std::string_view conflict) {
  std::string text = fmt::format("INSERT INTO {} VALUES ", into);
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t column = 0; column < columns; ++column) {
      text += fmt::format("{}:v{}", column > 0 ? ", " : row > 0 ? ", (" : "(", row * columns + column);
    }
    text += ')';
  }
  return fmt::format("{} {}", text, conflict);
}

}  // namespace

void insert_rows(soci::session& sql, std::string_view into, const std::vector<const SqlRow*>& rows,
                 std::string_view conflict) {
  for (std::size_t first = 0; first < rows.size(); first += kAtOnce) {
    const auto some = std::span(rows).subspan(first, std::min(kAtOnce, rows.size() - first));
    soci::statement insert(sql);
    for (const SqlRow* row : some) {
      for (const auto& value : *row) {
        std::visit([&](const auto& known) { insert.exchange(soci::use(known)); }, value);
      }
    }
    insert.alloc();
    insert.prepare(statement_text(into, some.size(), some.front()->size(), conflict));
    insert.define_and_bind();
    insert.execute(true);
  }
}

}  // namespace moenet::controlplane
