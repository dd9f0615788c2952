// SqlStore: messages to the other control planes on the same database.

#include <mutex>

#include <fmt/format.h>

#include "controlplane/sql_state.h"

namespace moenet::controlplane {

void SqlStore::State::hear(std::string_view text) {
  const std::shared_lock lock(on_message_mutex);
  if (on_message) on_message(text);
}

void SqlStore::set_message_listener(Messages::Listener listener) {
  const std::lock_guard lock(state_->on_message_mutex);
  state_->on_message = std::move(listener);
}

// No row is written, so no lock of the writers is needed.
Result<void> SqlStore::tell(const std::vector<std::string>& texts) {
  if (!state_->engine->is_shared()) return {};
  for (const std::string& text : texts) {
    if (text.size() > kMostMessageText || !is_plain_text(text))
      return fail(Errc::invalid, fmt::format("tell other control planes: {} bytes, or no text", text.size()));
  }
  return guarded(*state_, "tell other control planes", [&]() -> Result<void> {
    Lease lease(*state_);
    lease.begin([this](soci::session& sql) { state_->engine->begin_read(sql); });
    try {
      for (const std::string& text : texts)
        state_->engine->notify(lease.sql(), write_plain_message({state_->instance, text}));
      lease.sql() << "COMMIT";
    } catch (const soci::soci_error&) {
      lease.roll_back();
      throw;
    }
    return {};
  });
}

}  // namespace moenet::controlplane
