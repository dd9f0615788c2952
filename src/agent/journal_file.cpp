#include "agent/journal_file.h"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/fd.h"
#include "base/file.h"
#include "model/json_reader.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;
using std::chrono::milliseconds;

// When the file has so many lines it is rewritten: each event is then written twice at most.
constexpr std::size_t kMostLines = 2 * kEventsInAll;
// A text of 255 characters of four bytes, each with a backslash before it, and the rest of its line.
constexpr std::size_t kMostLineBytes = 255 * 8 + 512;
constexpr std::size_t kFileLimit = kMostLines * kMostLineBytes;

std::string_view text_at(const json::object& line, std::string_view key) {
  const auto* value = line.if_contains(key);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

std::optional<std::int64_t> number_at(const json::object& line, std::string_view key) {
  const auto* value = line.if_contains(key);
  if (value == nullptr || !value->is_int64() || value->get_int64() < 0) return std::nullopt;
  return value->get_int64();
}

}  // namespace

std::string line_of(const Event& event) {
  const auto since_epoch = std::chrono::floor<milliseconds>(event.time).time_since_epoch();
  return json::serialize(json::object{{"number", static_cast<std::int64_t>(event.number)},
                                      {"time_ms", since_epoch.count()},
                                      {"owner", event.owner},
                                      {"kind", name_of(event.kind)},
                                      {"text", event.text}}) +
         "\n";
}

Result<Event> read_event(std::string_view line) {
  if (line.size() > kMostLineBytes) return fail(Errc::invalid, "event: too long");
  TRY(const json::value value, model::parse_json(line));
  const auto* object = value.if_object();
  if (object == nullptr) return fail(Errc::invalid, "event: no object");
  const auto number = number_at(*object, "number");
  const auto time = number_at(*object, "time_ms");
  const auto kind = event_kind_from(text_at(*object, "kind"));
  const auto owner = text_at(*object, "owner");
  // The clock's own range: what is beyond is no time of ours.
  const auto latest = std::chrono::floor<milliseconds>(WallTime::max().time_since_epoch()).count();
  if (!number || *number == 0 || !time || *time > latest || !kind || owner.empty())
    return fail(Errc::invalid, "event: a member is missing or out of range");
  return Event{static_cast<std::uint64_t>(*number), WallTime(milliseconds(*time)), model::Owner(owner), *kind,
               std::string(text_at(*object, "text"))};
}

JournalFile::JournalFile(std::string folder) : folder_(std::move(folder)), path_(folder_ + "/events.journal") {}

Result<std::vector<Event>> JournalFile::load() {
  must_rewrite_ = true;
  TRY(const std::string bytes, read_file(path_, kFileLimit));
  must_rewrite_ = !bytes.empty() && !bytes.ends_with('\n');
  std::vector<Event> events;
  for (std::string_view rest = bytes; !rest.empty();) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    ++lines_;
    auto event = read_event(line);
    if (!event || event->number <= written_) {
      must_rewrite_ = true;
      continue;
    }
    written_ = event->number;
    events.push_back(std::move(*event));
  }
  return events;
}

Result<void> JournalFile::save(const Journal& journal) {
  const auto events = journal.after(written_, kEventsInAll);
  if (events.empty()) return {};
  if (must_rewrite_ || lines_ + events.size() > kMostLines) return rewrite(journal);
  return append(events);
}

Result<void> JournalFile::append(const std::vector<Event>& events) {
  std::string bytes;
  for (const Event& event : events) bytes += line_of(event);
  must_rewrite_ = true;  // until it is whole
  const UniqueFd file(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW));
  if (!file) return std::unexpected(error_from_errno(errno, "open " + path_));
  for (std::string_view rest = bytes; !rest.empty();) {
    const ssize_t count = ::write(file.get(), rest.data(), rest.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(error_from_errno(errno, "write " + path_));
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  must_rewrite_ = false;
  lines_ += events.size();
  written_ = events.back().number;
  return {};
}

Result<void> JournalFile::rewrite(const Journal& journal) {
  must_rewrite_ = true;
  const auto events = journal.after(0, kEventsInAll);
  std::string bytes;
  for (const Event& event : events) bytes += line_of(event);
  TRY_VOID(make_folder(folder_, 0700));
  TRY_VOID(atomic_write_file(path_, bytes, 0600));
  must_rewrite_ = false;
  lines_ = events.size();
  written_ = events.empty() ? 0 : events.back().number;
  return {};
}

}  // namespace moenet::agent
