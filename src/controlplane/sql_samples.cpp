// SqlStore: series (samples.h). The newest readings of a series are one short row, which each report writes anew; slots
// that are done are put behind the text of their block, unread.

#include <algorithm>
#include <ranges>
#include <set>

#include <fmt/format.h>

#include "controlplane/sql_rows.h"
#include "controlplane/sql_state.h"
#include "model/text.h"

namespace moenet::controlplane {

namespace {

constexpr long long kFine = 0;
constexpr long long kCoarse = 1;

// A block of fine slots is one coarse slot; one of coarse slots is a day: rows that fill the pages of both databases.
constexpr std::int64_t slots_of_block(long long resolution) { return resolution == kFine ? 24 : 12; }
static_assert(slots_of_block(kFine) * kFineSeconds == kCoarseSeconds);

std::string link_subject(NodeId node, NodeId peer) { return fmt::format("mesh/{}/{}", node, peer); }

// What a node may tell of: its sessions, by uuid and by the name of their BGP protocol (wire contract A7), and its
// links.
std::map<std::string, std::string> subjects_of(soci::session& sql, NodeId node) {
  std::map<std::string, std::string> subjects;
  std::string uuid;
  long long asn = 0;
  soci::statement sessions = (sql.prepare << "SELECT uuid, asn FROM session WHERE node_id = :node", soci::use(node),
                              soci::into(uuid), soci::into(asn));
  sessions.execute();
  while (sessions.fetch()) {
    subjects[uuid] = uuid;
    subjects[fmt::format("dn42_{}", asn)] = uuid;
  }
  long long peer = 0;
  soci::statement nodes = (sql.prepare << "SELECT id FROM node WHERE id <> :node", soci::use(node), soci::into(peer));
  nodes.execute();
  while (nodes.fetch()) {
    const std::string subject = link_subject(node, static_cast<NodeId>(peer));
    subjects[subject] = subject;
  }
  return subjects;
}

std::map<std::string, OpenReadings> heads_of(soci::session& sql, NodeId node) {
  std::map<std::string, OpenReadings> heads;
  std::string subject;
  std::string head;
  soci::statement all = (sql.prepare << "SELECT subject, head FROM series WHERE node_id = :node", soci::use(node),
                         soci::into(subject), soci::into(head));
  all.execute();
  while (all.fetch()) heads.emplace(subject, read_open(head));
  return heads;
}

// Rows of series_block that grow.
class GrowingBlocks {
 public:
  void add(const std::string& subject, long long resolution, const Slots& slots) {
    for (const auto& [number, slot] : slots) {
      const std::int64_t block = number / slots_of_block(resolution);
      texts_[{subject, resolution, block}] += write_slots({{number, slot}}, block * slots_of_block(resolution));
    }
  }
  void write(soci::session& sql) const {
    std::vector<SqlRow> rows;
    for (const auto& [key, text] : texts_) {
      const auto& [subject, resolution, block] = key;
      rows.push_back({subject, resolution, block, text});
    }
    insert_rows(sql, "series_block (subject, resolution, block, body)", rows,
                "ON CONFLICT (subject, resolution, block) DO UPDATE SET body = series_block.body || excluded.body");
  }

 private:
  std::map<std::tuple<std::string, long long, long long>, std::string> texts_;
};

// What the database has of a series.
class SeriesReader {
 public:
  explicit SeriesReader(Span span) : span_(span) {}

  void add_block(long long resolution, std::int64_t block, std::string_view body) {
    Slots slots = read_slots(body, block * slots_of_block(resolution));
    if (resolution == kFine && span_ == Span::quarter) slots = coarse(slots);
    if (resolution == kCoarse && span_ == Span::day) return;
    append(slots);
  }
  void add_head(std::string_view head) {
    const Slots fine = open_slots(read_open(head));
    append(span_ == Span::day ? fine : coarse(fine));
  }
  Slots take() { return std::move(slots_); }

 private:
  void append(const Slots& slots) {
    for (const auto& [number, slot] : slots) slots_[number].append(slot);
  }

  const Span span_;
  Slots slots_;
};

// Of the subjects that match: the blocks by time, then the heads.
std::map<std::string, SeriesReader> read_series(soci::session& sql, const std::string& condition,
                                                const std::string& value, Span span) {
  std::map<std::string, SeriesReader> series;
  std::string subject;
  std::string text;
  long long resolution = 0;
  long long block = 0;
  soci::statement blocks =
      (sql.prepare << fmt::format("SELECT subject, resolution, block, body FROM series_block WHERE subject {} :value "
                                  "ORDER BY resolution DESC, block",
                                  condition),
       soci::use(value), soci::into(subject), soci::into(resolution), soci::into(block), soci::into(text));
  blocks.execute();
  while (blocks.fetch()) series.try_emplace(subject, span).first->second.add_block(resolution, block, text);
  soci::statement heads =
      (sql.prepare << fmt::format("SELECT subject, head FROM series WHERE subject {} :value", condition),
       soci::use(value), soci::into(subject), soci::into(text));
  heads.execute();
  while (heads.fetch()) series.try_emplace(subject, span).first->second.add_head(text);
  return series;
}

struct Block {
  std::string subject;
  long long number = 0;
  std::string body;
};

// The oldest ones, those below `limit` only.
std::vector<Block> take_blocks(soci::session& sql, long long resolution, long long limit, std::size_t most) {
  std::vector<Block> blocks;
  Block block;
  const auto count = static_cast<long long>(most);
  {
    soci::statement all =
        (sql.prepare << "SELECT subject, block, body FROM series_block WHERE resolution = :resolution "
                        "AND block < :limit ORDER BY block LIMIT :most",
         soci::use(resolution), soci::use(limit), soci::use(count), soci::into(block.subject), soci::into(block.number),
         soci::into(block.body));
    all.execute();
    while (all.fetch()) blocks.push_back(block);
  }
  soci::statement remove = (sql.prepare << "DELETE FROM series_block WHERE subject = :subject AND resolution = "
                                           ":resolution AND block = :block",
                            soci::use(block.subject), soci::use(resolution), soci::use(block.number));
  for (const Block& old : blocks) {
    block = old;
    remove.execute(true);
  }
  return blocks;
}

// The first block that still has slots of the last `slots`.
long long first_kept_block(UnixMs now, std::int64_t slots, UnixSeconds seconds_of_slot, long long resolution) {
  return (now / 1'000 - slots * seconds_of_slot) / (seconds_of_slot * slots_of_block(resolution));
}

}  // namespace

void take_readings(SqlStore::State& state, soci::session& sql, NodeId node, const std::vector<SeriesReading>& readings,
                   UnixMs arrival) {
  if (readings.empty()) return;
  // Another process may have a report of the same node in its hand, which would write the same rows.
  long long locked = 0;
  sql << fmt::format("SELECT id FROM node WHERE id = :node{}", state.engine->row_lock()), soci::use(node),
      soci::into(locked);
  if (!sql.got_data()) return;
  const auto subjects = subjects_of(sql, node);
  auto heads = heads_of(sql, node);
  std::map<std::string, SqlRow> changed;
  GrowingBlocks blocks;
  std::uint64_t taken = 0;
  for (const SeriesReading& told : readings) {
    const auto subject =
        subjects.find(told.peer == 0 ? model::lower_case(told.session) : link_subject(node, told.peer));
    if (subject == subjects.end()) continue;
    OpenReadings& open = heads[subject->second];
    const Slots done = seal(open, arrival / 1'000);
    const bool is_taken = take(open, told.reading, arrival / 1'000);
    taken += is_taken ? 1 : 0;
    blocks.add(subject->second, kFine, done);
    if (is_taken || !done.empty()) {
      changed[subject->second] = {subject->second, static_cast<long long>(node), write_open(open)};
    }
  }
  insert_rows(sql, "series (subject, node_id, head)", changed | std::views::values,
              "ON CONFLICT (subject) DO UPDATE SET node_id = excluded.node_id, head = excluded.head");
  blocks.write(sql);
  state.counters.readings_taken += taken;
  state.counters.readings_ignored += readings.size() - taken;
}

void forget_series_of(soci::session& sql, std::string_view uuid) {
  const std::string subject(uuid);
  sql << "DELETE FROM series WHERE subject = :subject", soci::use(subject);
}

void forget_links_to(soci::session& sql, NodeId node) {
  const std::string links = fmt::format("mesh/%/{}", node);
  sql << "DELETE FROM series WHERE subject LIKE :links", soci::use(links);
}

Result<void> SqlStore::record_readings(NodeId node, const std::vector<SeriesReading>& readings, UnixMs arrival) {
  if (readings.empty()) return {};
  return guarded(*state_, "record readings", [&]() -> Result<void> {
    WriteTransaction transaction(*state_, Writes::told);
    take_readings(*state_, transaction.sql(), node, readings, arrival);
    transaction.commit();
    return {};
  });
}

Result<Slots> SqlStore::slots_of_session(std::string_view uuid, Span span) {
  return guarded(*state_, "read series", [&]() -> Result<Slots> {
    const std::string key = model::lower_case(uuid);
    if (!is_plain_text(key)) return fail(Errc::not_found, fmt::format("no session {}", uuid));
    ReadTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    long long count = 0;
    sql << "SELECT COUNT(*) FROM session WHERE uuid = :uuid", soci::use(key), soci::into(count);
    if (count == 0) return fail(Errc::not_found, fmt::format("no session {}", uuid));
    auto series = read_series(sql, "=", key, span);
    return series.empty() ? Slots{} : series.begin()->second.take();
  });
}

Result<std::map<NodeId, Slots>> SqlStore::slots_of_links(NodeId node, Span span) {
  return guarded(*state_, "read series", [&]() -> Result<std::map<NodeId, Slots>> {
    ReadTransaction transaction(*state_);
    auto series = read_series(transaction.sql(), "LIKE", fmt::format("mesh/{}/%", node), span);
    std::map<NodeId, Slots> links;
    for (NodeId peer = 1; peer <= kMaxNodeId; ++peer) {
      const auto link = series.find(link_subject(node, peer));
      if (link != series.end()) links.emplace(peer, link->second.take());
    }
    return links;
  });
}

Result<std::size_t> SqlStore::tidy_samples(UnixMs now, std::size_t most) {
  return guarded(*state_, "tidy samples", [&]() -> Result<std::size_t> {
    const long long first_fine = first_kept_block(now, kFineSlots, kFineSeconds, kFine);
    const long long first_coarse = first_kept_block(now, kCoarseSlots, kCoarseSeconds, kCoarse);
    WriteTransaction transaction(*state_);
    soci::session& sql = transaction.sql();
    std::vector<Block> old = take_blocks(sql, kFine, first_fine, most);
    GrowingBlocks blocks;
    for (const Block& block : old) {
      blocks.add(block.subject, kCoarse, coarse(read_slots(block.body, block.number * slots_of_block(kFine))));
    }
    blocks.write(sql);
    const std::size_t count = old.size() + take_blocks(sql, kCoarse, first_coarse, most).size();
    if (count > 0) transaction.commit();
    return count;
  });
}

}  // namespace moenet::controlplane
