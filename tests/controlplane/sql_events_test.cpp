// The Store's contract: the moves of sessions, and the deliveries of them to webhooks.
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "controlplane/session_moves.h"
#include "controlplane/store_fixture.h"

namespace moenet::controlplane {
namespace {

using enum model::SessionStatus;
using testing::must;

class StoreEvents : public testing::StoreTest {
 protected:
  Changed move(const std::string& uuid, model::SessionStatus to, const Cause& cause = {}) {
    return store_->change_session({cause.who, ""}, {uuid,
                                                    [to](const StoredSession& row) -> Checked<Verdict> {
                                                      StoredSession wanted = row;
                                                      wanted.status = to;
                                                      return Replace{wanted};
                                                    },
                                                    {},
                                                    cause.reason});
  }
  void drop(const std::string& uuid, const Cause& cause = {}) {
    must(store_->change_session(
        {cause.who, ""}, {uuid, [](const StoredSession&) -> Checked<Verdict> { return Drop{}; }, {}, cause.reason}));
  }
  void want(const std::vector<Webhook>& hooks) {
    must(store_->change_settings(testing::kTester, [&](Settings settings) -> Checked<Settings> {
      settings.webhooks = hooks;
      return settings;
    }));
  }
  static Webhook hook(const std::string& name, std::vector<model::SessionStatus> events = {}) {
    return {name, "https://" + name + ".example.net/", Secret("a secret of sixteen"), std::move(events)};
  }
  std::optional<Delivery> claim(const std::string& who = "one", UnixMs now = 2'000, UnixMs until = 10'000) {
    return must(store_->claim_delivery(who, now, until));
  }
};
INSTANTIATE_TEST_SUITE_P(All, StoreEvents, ::testing::ValuesIn(testing::database_kinds()), testing::name_of_kind);

TEST_P(StoreEvents, KeepEachMoveWithItsCause) {
  const StoredSession session = must(store_->add_session({"admin", ""}, row(add("jp1"), 1)));
  must(move(session.uuid, queued_for_setup, {"admin", ""}));
  must(move(session.uuid, queued_for_setup, {"admin", "nothing moves"}));
  must(move(session.uuid, problem, {"node jp1", "no handshake"}));
  const auto events = must(store_->events_of(session.uuid));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0], (SessionEvent{3, 1'000, queued_for_setup, problem, {"node jp1", "no handshake"}}));
  EXPECT_EQ(events[1], (SessionEvent{2, 1'000, pending, queued_for_setup, {"admin", ""}}));
  EXPECT_EQ(events[2], (SessionEvent{1, 1'000, std::nullopt, pending, {"admin", ""}}));
}

TEST_P(StoreEvents, AreBoundedAndGoWithTheirSession) {
  const NodeId jp = add("jp1");
  const StoredSession session = must(store_->add_session(testing::kTester, row(jp, 1)));
  const StoredSession other = must(store_->add_session(testing::kTester, row(jp, 2)));
  for (int i = 0; i < kMostEvents + 25; ++i) must(move(session.uuid, i % 2 == 0 ? enabled : problem));
  const auto events = must(store_->events_of(session.uuid));
  EXPECT_EQ(events.size(), static_cast<std::size_t>(kMostEvents));
  EXPECT_EQ(events.front().number, kMostEvents + 26);
  EXPECT_EQ(must(store_->events_of(other.uuid)).size(), 1u) << "each session has its own";
  drop(session.uuid);
  EXPECT_TRUE(must(store_->events_of(session.uuid)).empty());
}

TEST_P(StoreEvents, CountSessionsByStatus) {
  const NodeId jp = add("jp1");
  EXPECT_TRUE(must(store_->session_counts()).empty());
  must(store_->add_session(testing::kTester, row(jp, 1)));
  must(store_->add_session(testing::kTester, row(jp, 2)));
  must(move(must(store_->add_session(testing::kTester, row(jp, 3))).uuid, enabled));
  EXPECT_EQ(must(store_->session_counts()), (std::map<model::SessionStatus, std::int64_t>{{enabled, 1}, {pending, 2}}));
}

TEST_P(StoreEvents, WaitForTheWebhooksThatWantThem) {
  want({hook("all"), hook("up", {enabled})});
  const StoredSession session = must(store_->add_session({"admin", ""}, row(add("jp1"), 7)));
  must(move(session.uuid, enabled, {"node jp1", ""}));
  drop(session.uuid, {"admin", "forced"});
  EXPECT_EQ(must(store_->waiting_deliveries()), 4);
  std::vector<std::string> told;
  std::set<std::string> ids;
  while (const auto delivery = claim()) {
    told.push_back(delivery->hook + " " + std::string(boost::json::parse(delivery->body).at("to").as_string()));
    ids.insert(delivery->id);
    EXPECT_EQ(delivery->created_at, 1'000);
    must(store_->end_delivery("one", delivery->number));
  }
  EXPECT_EQ(told, (std::vector<std::string>{"all PENDING", "all ENABLED", "up ENABLED", "all DELETED"}));
  EXPECT_EQ(ids.size(), 3u) << "an event has one id, whoever hears of it";
}

TEST_P(StoreEvents, TellTheWholeMove) {
  want({hook("all")});
  const StoredSession session = must(store_->add_session({"admin", ""}, row(add("jp1"), 7)));
  const auto delivery = claim();
  ASSERT_TRUE(delivery);
  EXPECT_EQ(boost::json::parse(delivery->body), (boost::json::value{{"id", delivery->id},
                                                                    {"time", "1970-01-01T00:00:01.000Z"},
                                                                    {"uuid", session.uuid},
                                                                    {"node", "jp1"},
                                                                    {"asn", 7},
                                                                    {"from", nullptr},
                                                                    {"to", "PENDING"},
                                                                    {"cause", {{"who", "admin"}, {"reason", ""}}}}));
}

TEST_P(StoreEvents, AreOnesWhoHasTheLease) {
  want({hook("all")});
  const StoredSession session = must(store_->add_session(testing::kTester, row(add("jp1"), 7)));
  must(move(session.uuid, enabled));
  const auto first = claim("one", 2'000, 10'000);
  ASSERT_TRUE(first);
  EXPECT_FALSE(claim("two", 9'999, 20'000)) << "it is the other's, and the next one waits behind it";
  const auto again = claim("two", 10'000, 20'000);
  ASSERT_TRUE(again) << "its holder did not come back";
  EXPECT_EQ(again->number, first->number);
  EXPECT_EQ(again->attempts, 1u);
  must(store_->end_delivery("one", first->number));
  EXPECT_EQ(must(store_->waiting_deliveries()), 2) << "too late: it is not the first one's any more";
  must(store_->end_delivery("two", first->number));
  EXPECT_EQ(must(store_->waiting_deliveries()), 1);
}

TEST_P(StoreEvents, WaitForTheirNextAttemptInOrder) {
  want({hook("a"), hook("b")});
  const StoredSession session = must(store_->add_session(testing::kTester, row(add("jp1"), 7)));
  must(move(session.uuid, enabled));
  const auto first = claim();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->hook, "a");
  must(store_->postpone_delivery("one", first->number, 5'000));
  for (int i = 0; i < 2; ++i) {
    const auto other = claim();
    ASSERT_TRUE(other);
    EXPECT_EQ(other->hook, "b") << "one that fails holds up nobody else";
    must(store_->end_delivery("one", other->number));
  }
  EXPECT_FALSE(claim());
  const auto again = claim("one", 5'000);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->number, first->number);
}

TEST_P(StoreEvents, AreKeptForAWebhookUpToABound) {
  want({hook("all")});
  const StoredSession session = must(store_->add_session(testing::kTester, row(add("jp1"), 7)));
  database_->execute(
      "INSERT INTO webhook_delivery (number, hook, event, body, created_at, attempts, next_at, claimer, lease_until) "
      "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
      "SELECT i, 'all', '', '', 0, 0, 0, '', 0 FROM n");
  ASSERT_EQ(must(store_->waiting_deliveries()), kMostWaitingDeliveries);
  must(move(session.uuid, enabled));
  EXPECT_EQ(must(store_->waiting_deliveries()), kMostWaitingDeliveries);
  EXPECT_EQ(store_->counters().deliveries_dropped, 1u);
  EXPECT_EQ(claim()->number, 2) << "the oldest went";
}

TEST_P(StoreEvents, SurviveTheEndOfTheProcess) {
  want({hook("all")});
  const StoredSession session = must(store_->add_session(testing::kTester, row(add("jp1"), 7)));
  const auto first = claim("one", 2'000, 10'000);
  store_->set_change_listener({});
  store_ = database_->open({.recheck = std::chrono::hours(1)});
  EXPECT_FALSE(claim("two", 9'000));
  EXPECT_EQ(claim("two", 10'000)->id, first->id);
}

TEST_P(StoreEvents, HaveWebhooksWhoseSecretsTheStoreKeeps) {
  want({hook("all", {enabled, problem})});
  EXPECT_EQ(must(store_->settings()).webhooks, std::vector{hook("all", {enabled, problem})});
}

}  // namespace
}  // namespace moenet::controlplane
