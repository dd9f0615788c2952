#include "controlplane/readiness.h"

#include <gtest/gtest.h>
#include <sqlite3.h>

#include "controlplane/service_fixture.h"
#include "http/pending.h"

namespace moenet::controlplane {
namespace {

class ReadinessTest : public ServiceTest {
 protected:
  // The answer that is there; 0 when none is yet.
  static int status_of(const http::Answer& answer) {
    if (const auto* response = std::get_if<http::Response>(&answer)) return response->status;
    const auto response = std::get<std::shared_ptr<http::Pending>>(answer)->state()->finish();
    return response ? response->status : 0;
  }
  Readiness::Submit kept() {
    return [this](std::function<void()> job) {
      jobs_.push_back(std::move(job));
      return true;
    };
  }
  std::vector<std::function<void()>> jobs_;
};

TEST_F(ReadinessTest, IsReadyWhenTheDatabaseAnswers) {
  const auto ready = moenet::testing::exchange(service_->port(), "GET", "/ready");
  EXPECT_EQ(ready.status, 200);
  EXPECT_EQ(ready.body, R"({"status":"ready"})");
  EXPECT_EQ(moenet::testing::exchange(service_->port(), "GET", "/health").status, 200);
}

TEST_F(ReadinessTest, IsNotWhenTheDatabaseCannot) {
  sqlite3* other = nullptr;
  ASSERT_EQ(sqlite3_open((folder_.path() / "moenet.db").c_str(), &other), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(other, "ALTER TABLE settings RENAME TO lost", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(other);
  const auto ready = moenet::testing::exchange(service_->port(), "GET", "/ready");
  EXPECT_EQ(ready.status, 503);
  EXPECT_NE(ready.body.find("the database does not answer"), std::string::npos) << ready.body;
  EXPECT_TRUE(ready.headers.find("Retry-After"));
  EXPECT_EQ(moenet::testing::exchange(service_->port(), "GET", "/health").status, 200);
}

TEST_F(ReadinessTest, ManyWhoAskAreOneLook) {
  Readiness readiness(*store_, kept());
  std::vector<http::Answer> answers;
  for (int i = 0; i < 100; ++i) answers.push_back(readiness.ask());
  ASSERT_EQ(jobs_.size(), 1u);
  jobs_.front()();
  for (const auto& answer : answers) EXPECT_EQ(status_of(answer), 200);
  readiness.ask();
  EXPECT_EQ(jobs_.size(), 2u) << "the next one looks anew";
}

TEST_F(ReadinessTest, ALookThatDoesNotComeBackInASecondIsANo) {
  Readiness readiness(*store_, kept());
  const auto answer = readiness.ask();
  const auto& pending = std::get<std::shared_ptr<http::Pending>>(answer);
  EXPECT_EQ(pending->state()->span, std::chrono::seconds(1));
  EXPECT_EQ(pending->state()->on_timeout().status, 503);
}

TEST_F(ReadinessTest, IsNotWhileNoWorkerIsFreeNorWhenItStops) {
  Readiness busy(*store_, [](const std::function<void()>&) { return false; });
  EXPECT_EQ(status_of(busy.ask()), 503);
  Readiness readiness(*store_, kept());
  const auto asked_before = readiness.ask();
  readiness.stop();
  EXPECT_EQ(status_of(readiness.ask()), 503);
  jobs_.front()();
  EXPECT_EQ(status_of(asked_before), 503);
}

}  // namespace
}  // namespace moenet::controlplane
