// SqlStore: the moves of sessions, and the deliveries of them to webhooks.

#include <algorithm>

#include <fmt/format.h>

#include "controlplane/sql_state.h"
#include "controlplane/token.h"
#include "controlplane/webhook_body.h"
#include "model/text.h"

namespace moenet::controlplane {

namespace {

constexpr long long kNew = -1;

long long number_of(std::optional<model::SessionStatus> status) {
  return status ? static_cast<long long>(*status) : kNew;
}

void insert_event(soci::session& sql, const std::string& uuid, const SessionEvent& event) {
  using soci::use;
  const long long number = event.number;
  const long long at = event.at;
  const long long from = number_of(event.from);
  const long long to = number_of(event.to);
  sql << "INSERT INTO session_event (session, number, at, from_status, to_status, who, reason) "
         "VALUES (:session, :number, :at, :from, :to, :who, :reason)",
      use(uuid), use(number), use(at), use(from), use(to), use(event.cause.who), use(event.cause.reason);
  const long long kept = kMostEvents;
  sql << "DELETE FROM session_event WHERE session = :session AND number <= (SELECT number FROM session_event "
         "WHERE session = :again ORDER BY number DESC LIMIT 1 OFFSET :kept)",
      use(uuid), use(uuid), use(kept);
}

// Due, nobody's, and the oldest of its webhook.
constexpr std::string_view kSelectDue =
    "SELECT number, hook, event, body, created_at, attempts FROM webhook_delivery AS due "
    "WHERE next_at <= :now AND lease_until <= :also_now AND number = (SELECT MIN(number) FROM webhook_delivery AS "
    "other "
    "WHERE other.hook = due.hook) ORDER BY next_at, number LIMIT 1";

std::optional<Delivery> find_due(soci::session& sql, UnixMs now) {
  using soci::into;
  Delivery delivery;
  const long long at = now;
  long long number = 0;
  long long created = 0;
  long long attempts = 0;
  sql << std::string(kSelectDue), soci::use(at), soci::use(at), into(number), into(delivery.hook), into(delivery.id),
      into(delivery.body), into(created), into(attempts);
  if (!sql.got_data()) return std::nullopt;
  delivery.number = number;
  delivery.created_at = created;
  delivery.attempts = static_cast<unsigned>(attempts);
  return delivery;
}

}  // namespace

void MoveRecorder::prepare() {
  if (std::exchange(is_prepared_, true)) return;
  if (auto settings = fetch_settings(state_, sql_)) hooks_ = std::move(settings->settings.webhooks);
  if (hooks_.empty()) return;
  for (const Node& node : all_nodes(sql_)) nodes_[node.id] = node.name;
  std::string hook;
  long long count = 0;
  long long last = 0;
  soci::statement all = (sql_.prepare << "SELECT hook, COUNT(*), MAX(number) FROM webhook_delivery GROUP BY hook",
                         soci::into(hook), soci::into(count), soci::into(last));
  all.execute();
  while (all.fetch()) {
    waiting_[hook] = count;
    next_number_ = std::max(next_number_, last + 1);
  }
}

void MoveRecorder::record(const StoredSession& row, std::optional<model::SessionStatus> from,
                          std::optional<model::SessionStatus> to, const Cause& cause) {
  const UnixMs now = state_.now();
  if (to) insert_event(sql_, row.uuid, {row.version, now, from, *to, cause});
  prepare();
  const model::SessionStatus told = to.value_or(model::SessionStatus::deleted);
  std::string id;
  std::string body;
  for (const Webhook& hook : hooks_) {
    if (!hook.events.empty() && std::ranges::find(hook.events, told) == hook.events.end()) continue;
    if (id.empty()) {
      id = make_uuid();
      body = webhook_body({id, now, row.uuid, nodes_[row.node], row.asn, from, told, cause});
    }
    deliver(hook, id, body, now);
  }
}

void MoveRecorder::deliver(const Webhook& hook, const std::string& id, const std::string& body, UnixMs now) {
  using soci::use;
  if (waiting_[hook.name] >= kMostWaitingDeliveries) {
    sql_ << "DELETE FROM webhook_delivery WHERE number = (SELECT MIN(number) FROM webhook_delivery WHERE hook = :hook)",
        use(hook.name);
    --waiting_[hook.name];
    ++state_.counters.deliveries_dropped;
  }
  const long long number = next_number_++;
  const long long at = now;
  sql_ << "INSERT INTO webhook_delivery (number, hook, event, body, created_at, attempts, next_at, claimer, "
          "lease_until) "
          "VALUES (:number, :hook, :event, :body, :created, 0, :next, '', 0)",
      use(number), use(hook.name), use(id), use(body), use(at), use(at);
  ++waiting_[hook.name];
}

Result<std::vector<SessionEvent>> SqlStore::events_of(std::string_view uuid) {
  return guarded(*state_, "read events", [&]() -> Result<std::vector<SessionEvent>> {
    using soci::into;
    std::vector<SessionEvent> events;
    const std::string key = model::lower_case(uuid);
    if (!is_plain_text(key)) return events;
    ReadTransaction transaction(*state_);
    SessionEvent event;
    long long number = 0;
    long long at = 0;
    long long from = 0;
    long long to = 0;
    soci::statement all =
        (transaction.sql().prepare << "SELECT number, at, from_status, to_status, who, reason FROM session_event "
                                      "WHERE session = :session ORDER BY number DESC",
         soci::use(key), into(number), into(at), into(from), into(to), into(event.cause.who), into(event.cause.reason));
    all.execute();
    while (all.fetch()) {
      event.number = number;
      event.at = at;
      event.from = model::session_status_from_int(from);
      event.to = model::session_status_from_int(to).value_or(model::SessionStatus::pending);
      events.push_back(event);
    }
    return events;
  });
}

Result<std::map<model::SessionStatus, std::int64_t>> SqlStore::session_counts() {
  return guarded(*state_, "count sessions", [&]() -> Result<std::map<model::SessionStatus, std::int64_t>> {
    ReadTransaction transaction(*state_);
    long long status = 0;
    long long count = 0;
    soci::statement all = (transaction.sql().prepare << "SELECT status, COUNT(*) FROM session GROUP BY status",
                           soci::into(status), soci::into(count));
    all.execute();
    std::map<model::SessionStatus, std::int64_t> counts;
    while (all.fetch()) counts[model::session_status_from_int(status).value_or(model::SessionStatus::pending)] += count;
    return counts;
  });
}

Result<std::optional<Delivery>> SqlStore::claim_delivery(const std::string& claimer, UnixMs now, UnixMs lease_until) {
  return guarded(*state_, "claim delivery", [&]() -> Result<std::optional<Delivery>> {
    {
      ReadTransaction transaction(*state_);  // mostly there is none, and nobody need wait for that to be found out
      if (!find_due(transaction.sql(), now)) return std::nullopt;
    }
    WriteTransaction transaction(*state_);
    auto delivery = find_due(transaction.sql(), now);
    if (!delivery) return std::nullopt;
    const long long number = delivery->number;
    const long long until = lease_until;
    transaction.sql()
        << "UPDATE webhook_delivery SET claimer = :claimer, lease_until = :until, attempts = attempts + 1 "
           "WHERE number = :number",
        soci::use(claimer), soci::use(until), soci::use(number);
    transaction.commit();
    return delivery;
  });
}

Result<void> SqlStore::end_delivery(const std::string& claimer, std::int64_t number) {
  return guarded(*state_, "end delivery", [&]() -> Result<void> {
    WriteTransaction transaction(*state_);
    const long long which = number;
    transaction.sql() << "DELETE FROM webhook_delivery WHERE number = :number AND claimer = :claimer", soci::use(which),
        soci::use(claimer);
    transaction.commit();
    return {};
  });
}

Result<void> SqlStore::postpone_delivery(const std::string& claimer, std::int64_t number, UnixMs next_at) {
  return guarded(*state_, "postpone delivery", [&]() -> Result<void> {
    WriteTransaction transaction(*state_);
    const long long which = number;
    const long long next = next_at;
    transaction.sql() << "UPDATE webhook_delivery SET next_at = :next, claimer = '', lease_until = 0 "
                         "WHERE number = :number AND claimer = :claimer",
        soci::use(next), soci::use(which), soci::use(claimer);
    transaction.commit();
    return {};
  });
}

Result<std::int64_t> SqlStore::waiting_deliveries() {
  return guarded(*state_, "count deliveries", [&]() -> Result<std::int64_t> {
    ReadTransaction transaction(*state_);
    long long count = 0;
    transaction.sql() << "SELECT COUNT(*) FROM webhook_delivery", soci::into(count);
    return count;
  });
}

}  // namespace moenet::controlplane
