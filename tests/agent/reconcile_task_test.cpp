#include "agent/reconcile_task.h"

#include <future>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "agent/compose_mesh.h"
#include "agent/mesh_of.h"
#include "support/fake_node.h"
#include "support/temporary_folder.h"

namespace moenet::agent {
namespace {

using model::InPlace;
using std::chrono::seconds;

std::string uuid_of(int number) { return fmt::format("00000000-0000-4000-8000-{:012}", number); }

std::string row_of(int number, int status, std::string_view endpoint = "") {
  return fmt::format(R"({{"uuid":"{}","asn":{},"name":"peer","status":{},"ipv6":"fe80::{}","type":"wireguard",
      "extensions":["mp_bgp"],"interface":"dn42_{}","credential":"uJskkgsWIKjUdj4GVtWL07j7wGWGrSLW5g3jUjtfgmk=","port":{},"mtu":1420,
      "policy":"full","endpoint":"{}"}})",
                     uuid_of(number), 4242420000 + number, status, number + 1, number, 30000 + number, endpoint);
}

std::string body_of(const std::vector<std::string>& rows) {
  return fmt::format(R"({{"code":0,"message":"Success","data":{{"bgpSessions":[{}]}}}})", fmt::join(rows, ","));
}

std::vector<std::string> rows_of(int from, int to, int status = 4) {
  std::vector<std::string> rows;
  for (int number = from; number <= to; ++number) rows.push_back(row_of(number, status));
  return rows;
}

Result<std::optional<IpAddress>> to_address(std::string_view host, std::optional<IpFamily>) {
  TRY(const auto address, IpAddress::parse(host));
  return std::optional(address);
}

// A task on a node in memory, run answer by answer.
class ReconcileTaskTest : public testing::Test {
 protected:
  void start() {
    backbone_ = std::make_unique<Backbone>(config_, context_);
    maintenance_ = std::make_unique<MaintenanceKeeper>(folder_.path(), true, maintenance_view_);
    task_ = std::make_unique<ReconcileTask>(
        ReconcileWiring{node_,
                        context_,
                        {},
                        resolver_,
                        ledger_,
                        input_,
                        mesh_,
                        policy_,
                        roas_,
                        qualities_,
                        measurement_,
                        seconds(300),
                        limits_,
                        *backbone_,
                        *maintenance_,
                        requests_,
                        wakeup_,
                        report_,
                        LastGood::in(folder_.path(), {"jp1", "http://cp"}),
                        [this](const std::shared_ptr<const NodeReport>& report) { reported(report); },
                        [] {}});
    thread_ = std::jthread([this](const std::stop_token& stop) { task_->run(stop, {}); });
  }
  // A process that ends takes its answers and reports along.
  void stop() {
    thread_ = std::jthread();
    task_.reset();
    backbone_.reset();
    input_.put(std::shared_ptr<const SessionInput>());
    last_.reset();
  }

  // Publishes an answer and waits for the step that worked from it.
  NodeReport answer(const std::string& body, std::uint64_t number) {
    auto read = read_answer(body);
    EXPECT_TRUE(read) << read.error().what;
    input_.put(SessionInput{std::make_shared<const SessionAnswer>(std::move(*read)), number, number, ""});
    wakeup_.notify();
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(arrived_.wait_for(lock, seconds(10), [&] { return last_ && last_->answer == number; }))
        << "no report in 10 s";
    return *last_;
  }

  std::size_t in_place(const NodeReport& report) {
    return static_cast<std::size_t>(std::ranges::count_if(
        *report.sessions, [](const SessionView& view) { return std::holds_alternative<InPlace>(view.condition); }));
  }

  support::TemporaryFolder folder_;
  reconcile::FakeNode node_;
  Wakeup wakeup_;
  std::atomic<int> lookups_{0};
  std::atomic<int> host_moves_{0};  // the name's address ends in this
  net::Resolver resolver_{[this] { wakeup_.notify(); }, {[this](const std::string&, auto) -> Result<IpAddress> {
                            ++lookups_;
                            return IpAddress::v4({192, 0, 2, static_cast<std::uint8_t>(host_moves_.load())});
                          }}};
  TaskLedger ledger_;
  AgentConfig config_;
  NodeContext context_{.identity = {"jp1", *IpAddress::parse("172.22.188.2"), {}, *IpAddress::parse("fe80::998")},
                       .private_key = {},
                       .names = {}};
  Latest<SessionInput> input_;
  Latest<Known<model::Mesh>> mesh_;
  Latest<Known<model::BirdPolicy>> policy_;
  Latest<RoaTable> roas_;
  Latest<LinkQualities> qualities_;
  Latest<Measurement> measurement_;
  Latest<MtuLimits> limits_;
  Latest<NodeReport> report_;
  Latest<MaintenanceView> maintenance_view_;
  NodeRequests requests_;

  // Asks the task and waits for its answer.
  Result<void> request(decltype(NodeRequest::what) what) {
    std::promise<Result<void>> answered;
    requests_.add({std::move(what), [&](const Result<void>& outcome) { answered.set_value(outcome); }});
    wakeup_.notify();
    return answered.get_future().get();
  }
  template <class Holds>
  bool comes_true(Holds holds) {
    const auto deadline = Deadline::after(seconds(15));
    while (!holds() && !deadline.passed()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return holds();
  }

 private:
  void reported(const std::shared_ptr<const NodeReport>& report) {
    const std::lock_guard lock(mutex_);
    if (report) last_ = report;
    arrived_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::shared_ptr<const NodeReport> last_;
  std::unique_ptr<Backbone> backbone_;
  std::unique_ptr<MaintenanceKeeper> maintenance_;
  std::unique_ptr<ReconcileTask> task_;
  std::jthread thread_;
};

TEST_F(ReconcileTaskTest, SetsUpTheMeshBesideTheSessionsAndKeepsItUntilItIsKnown) {
  start();
  node_.state.tunnels.push_back(*compose_mesh(mesh_of({3}), context_, to_address).front().tunnel);
  answer(body_of(rows_of(1, 1)), 1);
  EXPECT_NE(node_.link("dn42-wg-igp-3"), nullptr) << "no mesh is known yet";
  mesh_.put(Known<model::Mesh>{std::make_shared<const model::Mesh>(mesh_of({4})), false, 1});
  const auto report = answer(body_of(rows_of(1, 1)), 2);
  EXPECT_EQ(node_.link("dn42-wg-igp-3"), nullptr);
  ASSERT_NE(node_.link("dn42-wg-igp-4"), nullptr);
  ASSERT_EQ(report.backbone.size(), 1u);
  EXPECT_EQ(report.backbone[0].owner, "mesh/4");
  EXPECT_TRUE(std::holds_alternative<InPlace>(report.backbone[0].condition));
  EXPECT_EQ(in_place(report), 1u);
}

TEST_F(ReconcileTaskTest, ALinkThatIsMeasuredAnewChangesItsFileAlone) {
  context_.owns_bird = true;
  start();
  answer(body_of(rows_of(1, 3)), 1);
  node_.operations.clear();
  LinkQuality quality;
  quality.owner = model::owner_of_session(uuid_of(2));
  quality.latency_tier = 4;
  qualities_.put(LinkQualities{quality});
  answer(body_of(rows_of(1, 3, 2)), 2);
  EXPECT_EQ(node_.operations, (std::vector<std::string>{"put dn42_4242420002.conf", "configure"}));
  quality.rtt_ms = 31;
  qualities_.put(LinkQualities{quality});
  answer(body_of(rows_of(1, 3, 2)), 3);
  EXPECT_EQ(node_.operations.size(), 2u) << "the tags are as they were";
}

TEST_F(ReconcileTaskTest, APathThatCarriesLessChangesItsTunnelAloneAndNotBird) {
  context_.owns_bird = true;
  start();
  mesh_.put(Known<model::Mesh>{std::make_shared<const model::Mesh>(mesh_of({3})), false, 1});
  answer(body_of(rows_of(1, 3)), 1);
  node_.operations.clear();
  const model::Owner owner = model::owner_of_session(uuid_of(2));
  limits_.put(MtuLimits{{"mesh/3", 1330}, {owner, 1340}});
  answer(body_of(rows_of(1, 3, 2)), 2);
  EXPECT_EQ(node_.operations, (std::vector<std::string>{"update dn42-wg-igp-3", "update dn42_2"}));
  EXPECT_EQ(node_.link("dn42-wg-igp-3")->mtu_bytes, 1330u);
  EXPECT_EQ(node_.link("dn42_2")->mtu_bytes, 1340u);
  node_.link("dn42_2")->mtu_bytes = 1420;
  answer(body_of(rows_of(1, 3, 2)), 3);
  EXPECT_EQ(node_.link("dn42_2")->mtu_bytes, 1340u) << "drift";
  limits_.put(MtuLimits{{"mesh/3", 1440}, {owner, 1440}});
  answer(body_of(rows_of(1, 3, 2)), 4);
  EXPECT_EQ(node_.link("dn42-wg-igp-3")->mtu_bytes, 1420u);
  EXPECT_EQ(node_.link("dn42_2")->mtu_bytes, 1420u);
}

TEST_F(ReconcileTaskTest, SetsUpWhatTheControlPlaneListsAndRemovesWhatItDeletes) {
  start();
  EXPECT_EQ(in_place(answer(body_of(rows_of(1, 3)), 1)), 3u);
  auto rows = rows_of(1, 2);
  rows.push_back(row_of(3, 5));
  const auto report = answer(body_of(rows), 2);
  EXPECT_EQ(in_place(report), 2u);
  EXPECT_TRUE(std::holds_alternative<model::Removed>(report.sessions->at(2).condition));
}

TEST_F(ReconcileTaskTest, LogsAProblemOfTheNodeWhenItComesAndWhenItGoes) {
  node_.state.bird.reachable = false;
  node_.state.bird.problem = "no BIRD here";
  testing::internal::CaptureStderr();
  start();
  answer(body_of({}), 1);
  answer(body_of({}), 2);
  node_.state.bird.reachable = true;
  node_.state.bird.problem.clear();
  answer(body_of({}), 3);
  stop();
  const std::string log = testing::internal::GetCapturedStderr();
  const auto count = [&](std::string_view text) {
    std::size_t n = 0;
    for (auto at = log.find(text); at != log.npos; at = log.find(text, at + 1)) ++n;
    return n;
  };
  EXPECT_EQ(count("the node has a problem problem=\"no BIRD here\""), 1u) << log;
  EXPECT_EQ(count("the node's problem is over"), 1u) << log;
}

TEST_F(ReconcileTaskTest, NothingIsTouchedBeforeTheFirstList) {
  input_.put(SessionInput{nullptr, 0, 1, "the control plane is away"});
  start();
  wakeup_.notify();
  stop();
  EXPECT_TRUE(node_.operations.empty());
  EXPECT_EQ(node_.observations, 0u);
}

TEST_F(ReconcileTaskTest, AnEmptyListRemovesOnlyWhenItCameThreeTimes) {
  start();
  answer(body_of(rows_of(1, 6)), 1);
  auto report = answer(body_of({}), 2);
  EXPECT_TRUE(report.guard.holds);
  EXPECT_EQ(report.guard.vanished.size(), 6u);
  EXPECT_EQ(in_place(report), 6u);
  EXPECT_EQ(in_place(answer(body_of({}), 3)), 6u);
  report = answer(body_of({}), 4);
  EXPECT_FALSE(report.guard.holds);
  stop();
  EXPECT_TRUE(node_.state.tunnels.empty());
}

TEST_F(ReconcileTaskTest, GuardKnowsWhatRunsAfterARestartWithoutAStateFile) {
  start();
  answer(body_of(rows_of(1, 6)), 1);
  stop();
  start();
  for (std::uint64_t number = 2; number <= 3; ++number) {
    EXPECT_TRUE(answer(body_of({}), number).guard.holds) << number;
    EXPECT_EQ(node_.state.tunnels.size(), 6u);
  }
  EXPECT_FALSE(answer(body_of({}), 4).guard.holds) << "it came three times";
  stop();
  EXPECT_TRUE(node_.state.tunnels.empty());
}

TEST_F(ReconcileTaskTest, AFewVanishedSessionsGoAtOnce) {
  start();
  answer(body_of(rows_of(1, 6)), 1);
  const auto report = answer(body_of(rows_of(1, 4)), 2);
  EXPECT_FALSE(report.guard.holds);
  stop();
  EXPECT_EQ(node_.state.tunnels.size(), 4u);
}

TEST_F(ReconcileTaskTest, AListWithAnUnreadableUuidDeletesNobody) {
  start();
  answer(body_of(rows_of(1, 4)), 1);
  auto rows = rows_of(1, 3);
  rows.push_back(R"({"uuid":42,"asn":4242420004,"status":2})");
  EXPECT_TRUE(answer(body_of(rows), 2).keeps_absent);
  EXPECT_EQ(ledger_.records().at("sessionSyncTask").rejected, 1u) << "said once for one list";
  stop();
  start();  // which then knows no row of the fourth
  answer(body_of(rows), 3);
  answer(body_of(rows), 4);
  stop();
  EXPECT_EQ(node_.state.tunnels.size(), 4u);
}

TEST_F(ReconcileTaskTest, ANodeThatCannotBeLookedAtIsSaidAndItsSessionsStayKnown) {
  node_.observe_error = Error{Errc::timeout, "list links: no answer"};
  start();
  auto report = answer(body_of(rows_of(1, 3)), 1);
  EXPECT_EQ(report.error, node_.observe_error);
  EXPECT_EQ(ledger_.records().at("reconcileTask").failures, 1u);
  node_.observe_error.reset();
  EXPECT_EQ(in_place(answer(body_of(rows_of(1, 3)), 2)), 3u);
  node_.observe_error = Error{Errc::timeout, "list links: no answer"};
  report = answer(body_of(rows_of(1, 3)), 3);
  EXPECT_EQ(report.error, node_.observe_error);
  EXPECT_EQ(in_place(report), 3u);
}

TEST_F(ReconcileTaskTest, StateFromDiskNeverRemovesWhatItDoesNotKnow) {
  start();
  answer(body_of(rows_of(1, 4)), 1);
  stop();
  start();
  EXPECT_EQ(in_place(answer(body_of(rows_of(1, 2)), 0)), 2u);
  stop();
  EXPECT_EQ(node_.state.tunnels.size(), 4u);
}

TEST_F(ReconcileTaskTest, AcceptedListIsKeptOnDiskAndAHeldOneIsNot) {
  StateFile state(folder_.path(), "sessions", {"jp1", "http://cp"});
  const auto good = body_of(rows_of(1, 6));
  start();
  answer(good, 1);
  answer(body_of({}), 2);
  stop();
  EXPECT_EQ(state.load(), good);
}

TEST_F(ReconcileTaskTest, AMeshThatTheGuardHoldsIsNotKeptOnDisk) {
  const StateFile state(folder_.path(), "mesh", {"jp1", "http://cp"});
  const auto tell = [&](const model::Mesh& mesh, const std::string& body, std::uint64_t number) {
    const auto kept = std::make_shared<Latest<std::string>>();
    kept->put(body);
    mesh_.put(Known<model::Mesh>{std::make_shared<const model::Mesh>(mesh), false, number, kept});
    answer(body_of(rows_of(1, 1)), number);
  };
  start();
  tell(mesh_of({3, 4, 5, 6, 7}), "good", 1);
  EXPECT_EQ(state.read(), "good");
  tell(mesh_of({}), "empty", 2);
  EXPECT_EQ(state.read(), "good");
  stop();
  std::filesystem::remove_all(folder_.path());
  start();  // which knows nothing but the node
  tell(mesh_of({}), "empty", 3);
  stop();
  EXPECT_FALSE(state.read());
  EXPECT_NE(node_.link("dn42-wg-igp-3"), nullptr);
}

TEST_F(ReconcileTaskTest, ASilentPeersNameIsLookedUpAgainAndALiveOnesIsNot) {
  const auto endpoint_now = [&] { return node_.link("dn42_1")->peers.at(0).endpoint->address.text(); };
  const auto body = body_of({row_of(1, 2, "peer.example:51820")});
  start();
  for (std::uint64_t number = 1; in_place(answer(body, number)) == 0; ++number) ASSERT_LT(number, 1000u);
  stop();
  EXPECT_EQ(endpoint_now(), "192.0.2.0");
  host_moves_ = 7;
  node_.link("dn42_1")->peers.at(0).handshake_age = seconds(20);
  const int before = lookups_;
  start();
  answer(body, 2001);
  answer(body, 2002);
  stop();
  EXPECT_EQ(lookups_, before) << "it lives, wherever it is";
  node_.link("dn42_1")->peers.at(0).handshake_age = seconds(200);
  start();
  for (std::uint64_t number = 3001; lookups_ == before; ++number) answer(body, number);
  answer(body, 4001);
  answer(body, 4002);
  stop();
  EXPECT_EQ(endpoint_now(), "192.0.2.7");
  EXPECT_EQ(lookups_, before + 1) << "not at each step";
}

TEST_F(ReconcileTaskTest, MaintenanceShutsSessionsAndBringsUpThoseThatItShut) {
  start();
  answer(body_of(rows_of(1, 3)), 1);
  stop();
  node_.state.bird.shut_protocols = {"dn42_4242420003"};  // by hand
  start();
  answer(body_of(rows_of(1, 3, 2)), 2);
  ASSERT_TRUE(request(StartMaintenance{{seconds(0), true, "back soon"}}));
  const auto view_is = [&](MaintenancePhase phase) {
    const auto view = maintenance_view_.read();
    return view->record.phase == phase && view->is_settled;
  };
  ASSERT_TRUE(comes_true([&] { return view_is(MaintenancePhase::down); }));
  EXPECT_EQ(in_place(*report_.read()), 3u) << "shut is no problem of the session's";
  stop();
  EXPECT_EQ(node_.state.bird.shut_protocols,
            (std::vector<std::string>{"dn42_4242420001", "dn42_4242420002", "dn42_4242420003"}));
  node_.state.bird.shut_protocols = {"dn42_4242420003"};  // BIRD was started anew, and the operator was there again
  start();
  answer(body_of(rows_of(1, 3, 2)), 3);
  ASSERT_TRUE(comes_true([&] { return view_is(MaintenancePhase::down); })) << "it is still on";
  ASSERT_TRUE(request(StopMaintenance{}));
  ASSERT_TRUE(comes_true([&] { return view_is(MaintenancePhase::off); }));
  stop();
  EXPECT_EQ(node_.state.bird.shut_protocols, std::vector<std::string>{"dn42_4242420003"});
  EXPECT_TRUE(node_.violations.empty());
}

TEST_F(ReconcileTaskTest, ARestartMakesOneSessionAnew) {
  start();
  EXPECT_EQ(request(RestartSession{"dn42_1"}).error().code, Errc::unavailable) << "no list yet";
  answer(body_of(rows_of(1, 3)), 1);
  const auto restarted = [&](RestartSession session) {
    const auto before = node_.operations.size();
    EXPECT_TRUE(request(std::move(session)));
    return std::vector<std::string>(node_.operations.begin() + static_cast<std::ptrdiff_t>(before),
                                    node_.operations.end());
  };
  using Operations = std::vector<std::string>;
  EXPECT_EQ(restarted({"dn42_2", true, false}), (Operations{"remove dn42_2", "create dn42_2"}));
  EXPECT_EQ(restarted({"dn42_4242420002", false, true}), Operations{"restart dn42_4242420002"});
  EXPECT_EQ(restarted({"dn42_4242420002", true, true}),
            (Operations{"remove dn42_2", "create dn42_2", "restart dn42_4242420002"}));
  EXPECT_EQ(request(RestartSession{"dn42_7"}).error().code, Errc::not_found);
  node_.failing_links["dn42_3"] = Error{Errc::denied, "create dn42_3: not permitted"};
  EXPECT_EQ(request(RestartSession{"dn42_3"}).error().code, Errc::denied);
  stop();
  EXPECT_TRUE(node_.violations.empty());
}

// What is found blocked at the start is due at once.
TEST_F(ReconcileTaskTest, WhatAnImportLimitBlockedIsTakenAgainAndTold) {
  Measurement measurement;
  measurement.bgp_read = steady_now();
  for (const int number : {2, 7}) {  // the latter is no session of ours
    LinkMeasurement link;
    link.owner = model::owner_of_session(uuid_of(number));
    bird::ProtocolDetail& bgp = link.bgp.emplace();
    bgp.status.state = "up";
    bgp.status.info = bgp.bgp_state = "Established";
    bgp.channels.emplace_back().import_limit = bird::ChannelLimit{2, true, "block"};
    measurement.links.push_back(std::move(link));
  }
  start();
  answer(body_of(rows_of(1, 3)), 1);
  measurement_.put(measurement);
  const NodeReport report = answer(body_of(rows_of(1, 3)), 2);
  const SessionView& view = report.sessions->at(1);
  EXPECT_EQ(view.changes, std::vector<std::string>{"~ dn42_4242420002  take again what the import limit blocked"});
  ASSERT_TRUE(view.limit_try);
  EXPECT_TRUE(view.limit_try->tried);
  EXPECT_EQ(report.step.planned, 1u);
  EXPECT_GT(report.step.retry_at.value(), steady_now() + seconds(500));
  answer(body_of(rows_of(1, 3)), 3);
  stop();
  EXPECT_EQ(std::ranges::count(node_.operations, "retake dn42_4242420002"), 1) << "once";
  EXPECT_EQ(std::ranges::count(node_.operations, "retake dn42_4242420007"), 0);
  EXPECT_TRUE(node_.violations.empty());
}

TEST(SaysTheSame, OnlyTheOrderOfRowsMayDiffer) {
  const auto answer = read_answer(body_of({row_of(1, 2), row_of(2, 2)}));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(says_the_same(*answer, body_of({row_of(2, 2), row_of(1, 2)})));
  EXPECT_FALSE(says_the_same(*answer, body_of({row_of(2, 2), row_of(1, 4)})));
  EXPECT_FALSE(says_the_same(*answer, body_of({row_of(1, 2)})));
}

// Of rows with one uuid the first counts, so their order matters.
TEST(SaysTheSame, RepeatedUuidIsAlwaysReadAgain) {
  const auto answer = read_answer(body_of({row_of(1, 2), row_of(1, 4)}));
  ASSERT_TRUE(answer);
  EXPECT_FALSE(says_the_same(*answer, body_of({row_of(1, 4), row_of(1, 2)})));
}

TEST_F(ReconcileTaskTest, AnUnchangedListWritesNothing) {
  start();
  answer(body_of(rows_of(1, 3)), 1);
  const auto before = node_.operations.size();
  answer(body_of(rows_of(1, 3, 2)), 2);
  stop();
  EXPECT_EQ(node_.operations.size(), before);
}

}  // namespace
}  // namespace moenet::agent
