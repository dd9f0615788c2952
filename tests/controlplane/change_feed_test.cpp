#include "controlplane/change_feed.h"

#include <chrono>
#include <memory>

#include <gtest/gtest.h>

namespace moenet::controlplane {
namespace {

constexpr NodeId kNode = 1;
constexpr NodeId kOther = 2;

class ChangeFeedTest : public ::testing::Test {
 protected:
  std::shared_ptr<http::Pending> wait(NodeId node, std::int64_t seen) {
    auto pending = std::make_shared<http::Pending>(std::chrono::seconds(60), [] { return http::Response{}; });
    feed_.wait(node, seen, pending, [this] { ++looks_; }, [this] { ++given_up_; });
    return pending;
  }

  int looks_ = 0;
  int given_up_ = 0;
  ChangeFeed feed_{[](const ChangeFeed::Job& job) { job(); }};
};

TEST_F(ChangeFeedTest, HasTheWaiterLookOnceAtItsNodesChangeAndNoOther) {
  wait(kNode, 5);
  feed_.changed(kOther, 6);
  EXPECT_EQ(looks_, 0);
  EXPECT_EQ(feed_.waiting(), 1u);
  feed_.changed(kNode, 6);
  feed_.changed(kNode, 7);
  EXPECT_EQ(looks_, 1);
  EXPECT_EQ(feed_.waiting(), 0u);
}

TEST_F(ChangeFeedTest, NobodyWaitsOnceItStops) {
  wait(kNode, 5);
  wait(kOther, 5);
  feed_.stop();
  EXPECT_EQ(given_up_, 2);
  EXPECT_EQ(feed_.waiting(), 0u);
  wait(kNode, 5);
  EXPECT_EQ(given_up_, 3);
  feed_.changed(kNode, 6);
  EXPECT_EQ(looks_, 0);
}

TEST_F(ChangeFeedTest, HasItLookAtOnceWhenTheNodeIsPastWhatItSaw) {
  feed_.changed(kNode, 6);
  feed_.changed(kNode, 5);  // commits may tell in the other order
  wait(kNode, 5);
  EXPECT_EQ(looks_, 1);
  wait(kNode, 6);
  EXPECT_EQ(looks_, 1);
}

TEST_F(ChangeFeedTest, ForgetsWhoWasAnswered) {
  wait(kNode, 5)->answer({});
  feed_.changed(kNode, 6);
  EXPECT_EQ(looks_, 0);
}

}  // namespace
}  // namespace moenet::controlplane
