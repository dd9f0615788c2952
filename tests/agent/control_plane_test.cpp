#include "agent/control_plane.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "agent/far_end.h"

namespace moenet::agent {
namespace {

using http::Request;
using http::Response;
using std::chrono::seconds;

TEST_F(ControlPlaneTest, AsksForItsOwnSessionsWithItsToken) {
  const auto fetched = control_plane_->fetch("sessions", "", seconds(0), never_);
  ASSERT_TRUE(fetched) << fetched.error().what;
  EXPECT_EQ(fetched->body, kEmptyList);
  ASSERT_EQ(requests().size(), 1u);
  EXPECT_EQ(requests()[0].target, "/api/v1/agent/jp1/sessions");
  EXPECT_EQ(requests()[0].headers.find("Authorization"), "Bearer t0k3n");
  EXPECT_FALSE(requests()[0].headers.find("Prefer"));
}

TEST_F(ControlPlaneTest, AConditionalReadMayWaitAndComesBackUnchanged) {
  Response unchanged{304, {}, ""};
  unchanged.headers.set("ETag", "\"1\"");
  answer_with(unchanged);
  const auto fetched = control_plane_->fetch("sessions", "\"1\"", seconds(50), never_);
  ASSERT_TRUE(fetched);
  EXPECT_TRUE(fetched->not_modified);
  EXPECT_EQ(requests()[0].headers.find("If-None-Match"), "\"1\"");
  EXPECT_EQ(requests()[0].headers.find("Prefer"), "wait=50");
}

TEST_F(ControlPlaneTest, StatusTellsTheCallerWhatItMayDo) {
  for (const auto& [status, code] : {std::pair{401, Errc::denied},
                                     {403, Errc::denied},
                                     {404, Errc::not_found},
                                     {301, Errc::internal},
                                     {400, Errc::internal},
                                     {422, Errc::internal},
                                     {429, Errc::unavailable},
                                     {500, Errc::unavailable}}) {
    answer_with(Response::text(status, "x"));
    const auto fetched = control_plane_->fetch("sessions", "", seconds(0), never_);
    ASSERT_FALSE(fetched) << status;
    EXPECT_EQ(fetched.error().code, code) << status;
    EXPECT_NE(fetched.error().what.find(std::to_string(status)), std::string::npos) << fetched.error().what;
    EXPECT_EQ(fetched.error().what.find("t0k3n"), std::string::npos);
  }
}

TEST_F(ControlPlaneTest, ARepeatedDeletionIsDone) {
  answer_with(Response::json(404, R"({"code":404,"message":"Session not found"})"));
  const Modification deleted{"u", {model::SessionStatus::deleted, ""}};
  const Modification enabled{"u", {model::SessionStatus::enabled, ""}};
  EXPECT_TRUE(control_plane_->modify(std::array{deleted}, never_).at(0));
  EXPECT_EQ(control_plane_->modify(std::array{enabled}, never_).at(0).error().code, Errc::not_found);
}

TEST_F(ControlPlaneTest, BatchesOnlyWhereTheServerOffersIt) {
  const std::array both{Modification{"a", {model::SessionStatus::enabled, ""}},
                        Modification{"b", {model::SessionStatus::problem, "why"}}};
  answer_with(Response::json(200, R"({"code":0,"message":"Success","data":{"updated":true}})"));
  control_plane_->modify(both, never_);
  EXPECT_EQ(requests().size(), 2u);

  auto offer = Response::json(200, std::string(kEmptyList));
  offer.headers.set("X-MoeNet-Features", "batch-modify");
  answer_with(offer);
  ASSERT_TRUE(control_plane_->fetch("sessions", "", seconds(0), never_));
  auto batch =
      Response::json(200, R"({"code":0,"message":"Success","data":{"results":[{"uuid":"a","code":0,"message":"Success"},
                                       {"uuid":"b","code":422,"message":"illegal move"}]}})");
  batch.headers.set("X-MoeNet-Features", "batch-modify");
  answer_with(batch);
  const auto outcomes = control_plane_->modify(both, never_);
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_TRUE(outcomes[0]);
  EXPECT_EQ(outcomes[1].error().code, Errc::invalid);
  EXPECT_EQ(requests().size(), 4u);
  EXPECT_NE(requests().back().body.find(R"("lastError":"why")"), std::string::npos);

  for (const int status : {304, 404, 502}) {  // such an answer takes no offer back
    answer_with(Response::text(status, ""));
    control_plane_->fetch("sessions", "\"1\"", seconds(0), never_);
  }
  answer_with(batch);
  control_plane_->modify(both, never_);
  EXPECT_EQ(requests().size(), 8u);
}

}  // namespace
}  // namespace moenet::agent
