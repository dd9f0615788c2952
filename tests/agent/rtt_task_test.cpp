#include "agent/rtt_task.h"

#include <filesystem>
#include <thread>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "agent/echoed_report.h"
#include "agent/fake_pinger.h"
#include "agent/far_end.h"
#include "support/temporary_folder.h"

namespace moenet::agent {
namespace {

namespace json = boost::json;
using std::chrono::seconds;

const WallTime kNow = WallTime{} + std::chrono::hours(24 * 365 * 56);

LinkQuality quality(const model::Owner& owner, bool answers, WallTime measured = kNow) {
  LinkQuality link;
  link.owner = owner;
  link.target = ip("fe80::1");
  link.answers = answers;
  link.measured = measured;
  if (answers) link.rtt_ms = 20.12345, link.loss_percent = 25;
  return link;
}

Measurement handshake_of(const model::Owner& owner, std::optional<seconds> age) {
  Measurement measurement;
  LinkMeasurement link;
  link.owner = owner;
  link.tunnel = TunnelState{age, {}, 0, 0};
  measurement.links.push_back(std::move(link));
  return measurement;
}

std::string measurements(const json::value& body) { return json::serialize(body.at("measurements")); }

TEST(RttBody, TellsOfThoseThatAnswered) {
  const json::value body = rtt_body({quality(owner(1), true)}, nullptr, kNow);
  EXPECT_EQ(measurements(body), R"([{"target":"fe80::1","rtt_ms":2.0123E1,"loss":2.5E1}])");
  EXPECT_EQ(body.at("timestamp").as_int64(), 24LL * 3600 * 365 * 56);
}

TEST(RttBody, CallsUnreachableOnlyWhatIsKnownToBe) {
  const LinkQualities silent = {quality(owner(1), false)};
  const std::string unreachable = R"([{"target":"fe80::1","rtt_ms":-1,"loss":100}])";
  EXPECT_EQ(measurements(rtt_body(silent, nullptr, kNow)), "[]") << "nothing is known of its tunnel";
  const Measurement alive = handshake_of(owner(1), seconds(100)), stale = handshake_of(owner(1), seconds(200)),
                    never = handshake_of(owner(1), std::nullopt), other = handshake_of(owner(2), std::nullopt);
  EXPECT_EQ(measurements(rtt_body(silent, &alive, kNow)), "[]") << "it answers no echoes";
  EXPECT_EQ(measurements(rtt_body(silent, &other, kNow)), "[]");
  EXPECT_EQ(measurements(rtt_body(silent, &stale, kNow)), unreachable);
  EXPECT_EQ(measurements(rtt_body(silent, &never, kNow)), unreachable);
  EXPECT_EQ(measurements(rtt_body({quality("mesh/3", false)}, nullptr, kNow)), unreachable)
      << "a node of ours answers, if it can be reached";
}

TEST(RttBody, LeavesOutWhatWasNotAsked) {
  EXPECT_EQ(measurements(rtt_body({quality("mesh/3", false, kNow - seconds(300))}, nullptr, kNow)), "[]");
}

TEST(EqualTags, AreOfThoseThatHaveAny) {
  LinkQuality one = quality(owner(1), true), two = quality(owner(2), true);
  one.latency_tier = 4;
  EXPECT_TRUE(have_equal_tags({one}, {one, two}));
  EXPECT_FALSE(have_equal_tags({one}, {two}));
  EXPECT_FALSE(have_equal_tags({one}, {}));
  LinkQuality later = one;
  later.rtt_ms = 30;
  EXPECT_TRUE(have_equal_tags({one}, {later}));
  later.loss_class = 91;
  EXPECT_FALSE(have_equal_tags({one}, {later}));
}

class RttTaskTest : public ControlPlaneTest {
 protected:
  RttTaskTest() {
    settings_.rtt_interval = seconds(1);
    far_ends_.answer(ip("fe80::1"), 30);
    report_.put(echoed_report({echoed_row(1, {{"ipv6", "fe80::1"}})}));
    answer_with(http::Response::json(200, R"({"code":0,"message":"Success","data":{"received":true,"count":1}})"));
  }
  ~RttTaskTest() override { stop(); }

  void start() {
    task_ = std::make_unique<RttTask>(RttWiring{*control_plane_, ledger_, kThisNode, settings_, report_, measurement_,
                                                qualities_, StateFile(folder_.path(), "links", {"jp1", "http://cp"}),
                                                [this]() -> Result<std::unique_ptr<net::Pinger>> {
                                                  ++opened_;
                                                  if (is_denied_) return fail(Errc::denied, "operation not permitted");
                                                  return std::make_unique<FakePinger>(far_ends_);
                                                },
                                                [](const std::string&) { return 7; }, [this] { ++told_; }});
    task_->load();
    thread_ = std::jthread([this](const std::stop_token& stop) { task_->run(stop); });
  }
  void stop() { thread_ = std::jthread(); }

  bool comes_true(const std::function<bool()>& holds) {
    const auto deadline = Deadline::after(seconds(20));
    while (!holds() && !deadline.passed()) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return holds();
  }
  LinkQuality first() const {
    const auto qualities = qualities_.read();
    return qualities == nullptr || qualities->empty() ? LinkQuality{} : qualities->front();
  }

  support::TemporaryFolder folder_;
  TaskLedger ledger_;
  MetricSettings settings_;
  Latest<NodeReport> report_;
  Latest<Measurement> measurement_;
  Latest<LinkQualities> qualities_;
  FarEnds far_ends_;  // the task's, while it runs
  std::atomic<bool> is_denied_{false};
  std::atomic<int> opened_{0}, told_{0};
  std::unique_ptr<RttTask> task_;
  std::jthread thread_;
};

TEST_F(RttTaskTest, MeasuresTellsAndRemembers) {
  settings_.ping_count = 3;
  start();
  ASSERT_TRUE(comes_true([&] { return first().latency_tier == 4; }));
  EXPECT_EQ(first().loss_class, 91u);
  EXPECT_TRUE(first().answers);
  EXPECT_EQ(first().rtt_ms, 30);
  ASSERT_TRUE(comes_true([&] { return requests().size() >= 4; }));
  EXPECT_EQ(told_, 1) << "at the third burst, and not at each";
  EXPECT_TRUE(requests()[0].target.ends_with("/agent/jp1/rtt")) << requests()[0].target;
  EXPECT_NE(requests()[0].body.find(R"("target":"fe80::1","rtt_ms":3E1,"loss":0)"), std::string::npos)
      << requests()[0].body;
  stop();
  EXPECT_EQ(far_ends_.plans.at(0).count, 1u) << "nobody knows yet whether it answers";
  EXPECT_EQ(far_ends_.plans.at(1).count, 3u);
  EXPECT_EQ(far_ends_.plans.at(2).count, 3u) << "it does";
  for (const net::EchoPlan& plan : far_ends_.plans) EXPECT_EQ(plan.timeout, seconds(5));

  // another process
  qualities_.put(std::shared_ptr<const LinkQualities>());
  far_ends_.answers.clear();
  start();
  EXPECT_EQ(first().latency_tier, 4u) << "before anything is measured";
  ASSERT_TRUE(comes_true([&, before = opened_.load()] { return opened_ >= before + 2; }));
  EXPECT_FALSE(first().answers);
  EXPECT_EQ(first().latency_tier, 4u) << "silence changes nothing";
  EXPECT_EQ(told_, 1);
}

TEST_F(RttTaskTest, IcmpThatIsDeniedIsSaidAndIsNoTightLoop) {
  is_denied_ = true;
  start();
  ASSERT_TRUE(comes_true([&] { return ledger_.records().contains(kRttTask); }));
  EXPECT_EQ(ledger_.records().at(std::string(kRttTask)).last_error, "ICMP echoes: operation not permitted");
  ASSERT_TRUE(comes_true([&] { return opened_ >= 2; }));
  stop();
  EXPECT_LE(ledger_.records().at(std::string(kRttTask)).failures, 3u);
  EXPECT_TRUE(requests().empty()) << "nothing was measured";
}

TEST_F(RttTaskTest, ASessionThatIsGoneIsForgotten) {
  start();
  ASSERT_TRUE(comes_true([&] { return first().latency_tier == 4; }));
  report_.put(echoed_report({}));
  ASSERT_TRUE(comes_true([&] { return qualities_.read()->empty(); }));
  EXPECT_TRUE(comes_true([&] { return told_ == 2; }));
}

TEST_F(RttTaskTest, ALookThatFailedForgetsNobody) {
  start();
  ASSERT_TRUE(comes_true([&] { return first().latency_tier == 4; }));
  NodeReport failed;
  failed.error = Error{Errc::unavailable, "no netlink"};
  report_.put(failed);
  ASSERT_TRUE(comes_true([&] { return !first().answers; }));
  EXPECT_EQ(first().latency_tier, 4u);
}

TEST_F(RttTaskTest, ATornStateFileIsSetAsideAndAnImpossibleOneIsOfNoUse) {
  StateFile state(folder_.path(), "links", {"jp1", "http://cp"});
  ASSERT_TRUE(state.save(R"({"links":[5]})"));
  start();
  ASSERT_TRUE(comes_true([&] { return first().latency_tier == 4; }));
  stop();
  EXPECT_EQ(kept_qualities(state, wall_now()).size(), 1u);
  const std::string path = folder_ / "links.state";
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 3);
  EXPECT_TRUE(kept_qualities(state, wall_now()).empty());
  qualities_.put(std::shared_ptr<const LinkQualities>());
  start();
  EXPECT_TRUE(std::filesystem::exists(path + ".bad"));
  ASSERT_TRUE(comes_true([&] { return first().latency_tier == 4; }));
}

}  // namespace
}  // namespace moenet::agent
