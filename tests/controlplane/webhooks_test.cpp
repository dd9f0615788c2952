// Webhooks over real sockets: to receivers that fail, hang and redirect, of several control planes, and of one that is
// killed in the middle.
#include "controlplane/webhooks.h"

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "controlplane/public_address.h"
#include "controlplane/session_moves.h"
#include "controlplane/store_fixture.h"
#include "controlplane/webhook_body.h"
#include "http/server.h"

namespace moenet::controlplane {
namespace {

using enum model::SessionStatus;
using std::chrono::milliseconds;
using testing::must;

constexpr const char* kSecret = "a secret of sixteen";
constexpr std::chrono::seconds kPatience{30};

// Keeps what is posted to it, and answers by `answer`, which gets how many came before.
class Receiver {
 public:
  using Answer = std::function<http::Answer(std::size_t before, const http::Request& request)>;

  explicit Receiver(Answer answer = nullptr) : answer_(std::move(answer)) {
    http::ServerSettings settings;
    settings.listen = {IpAddress::v4({127, 0, 0, 1}), 0};
    server_ = must(http::HttpServer::start(settings, [this](http::Request& request) { return take(request); }));
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()) + "/hook"; }
  // The first `count` ones, when they are there; fewer when they do not come.
  std::vector<http::Request> first(std::size_t count) {
    std::unique_lock lock(mutex_);
    came_.wait_for(lock, kPatience, [&] { return requests_.size() >= count; });
    return requests_;
  }

 private:
  http::Answer take(http::Request& request) {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    came_.notify_all();
    return answer_ ? answer_(requests_.size() - 1, request) : http::Response{204, {}, ""};
  }

  const Answer answer_;
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<http::Request> requests_;
  std::unique_ptr<http::HttpServer> server_;  // last: it calls take()
};

// An answer that never comes.
http::Answer silence() {
  return std::make_shared<http::Pending>(kPatience, [] { return http::Response{504, {}, ""}; });
}

std::string member(const http::Request& request, const char* name) {
  return std::string(boost::json::parse(request.body).at(name).as_string());
}

std::unique_ptr<SqlStore> open_at_wall_time(const DatabaseName& database) {
  return must(SqlStore::open(
      database, [] { return std::chrono::duration_cast<milliseconds>(wall_now().time_since_epoch()).count(); }));
}

void want(Store& store, const std::vector<std::string>& urls) {
  must(store.change_settings(testing::kTester, [&](Settings settings) -> Checked<Settings> {
    settings.webhooks.clear();
    for (const std::string& url : urls) {
      settings.webhooks.push_back({"hook-" + std::to_string(settings.webhooks.size()), url, Secret(kSecret), {}});
    }
    return settings;
  }));
}

std::string add_session(Store& store, NodeId node, model::Asn asn) {
  StoredSession row;
  row.uuid = make_uuid();
  row.node = node;
  row.asn = asn;
  row.interface_name = "dn42-" + std::to_string(asn);
  return must(store.add_session({"admin", ""}, row)).uuid;
}

WebhookSettings quick() {
  WebhookSettings settings;
  settings.may_reach_private = true;
  settings.poll = milliseconds(5);
  settings.attempt_timeout = milliseconds(5'000);
  settings.backoff = {milliseconds(2), milliseconds(10)};
  return settings;
}

class WebhooksTest : public ::testing::TestWithParam<testing::DatabaseKind> {
 protected:
  WebhooksTest() : database_(GetParam().make()), store_(open_at_wall_time(database_->name())) {
    node_ =
        must(store_->add_node(testing::kTester, testing::node_of(0, "jp1", 101, false, "1G"), hash_of_token("jp1"))).id;
  }
  void add(model::Asn asn) { add_session(*store_, node_, asn); }
  void move(const std::string& uuid, model::SessionStatus to) {
    must(store_->change_session({"node jp1", ""}, {uuid, [to](const StoredSession& row) -> Checked<Verdict> {
                                                     StoredSession wanted = row;
                                                     wanted.status = to;
                                                     return Replace{wanted};
                                                   }}));
  }
  // True when it became true in time.
  static bool becomes(const std::function<bool()>& condition) {
    const Deadline deadline = Deadline::after(kPatience);
    while (!condition()) {
      if (deadline.passed()) return false;
      std::this_thread::yield();
    }
    return true;
  }
  bool all_end() {
    return becomes([&] { return must(store_->waiting_deliveries()) == 0; });
  }

  std::unique_ptr<testing::TestDatabase> database_;
  std::unique_ptr<SqlStore> store_;
  NodeId node_ = 0;
};
INSTANTIATE_TEST_SUITE_P(All, WebhooksTest, ::testing::ValuesIn(testing::database_kinds()), testing::name_of_kind);

TEST_P(WebhooksTest, TellMovesSignedAndInOrder) {
  Receiver receiver;
  want(*store_, {receiver.url()});
  const Webhooks webhooks(*store_, quick(), wall_now);
  const std::string uuid = add_session(*store_, node_, 1);
  for (const auto status : {queued_for_setup, enabled, problem}) move(uuid, status);
  const auto requests = receiver.first(4);
  ASSERT_EQ(requests.size(), 4u);
  std::vector<std::string> told;
  for (const http::Request& request : requests) {
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.headers.find("Content-Type"), "application/json");
    EXPECT_EQ(member(request, "uuid"), uuid);
    told.push_back(member(request, "to"));
    const std::string signature(request.headers.find("X-MoeNet-Signature").value_or(""));
    const auto seconds = std::stoll(signature.substr(2));
    EXPECT_EQ(signature, webhook_signature(Secret(kSecret), seconds, request.body));
    EXPECT_LT(std::abs(std::chrono::system_clock::to_time_t(wall_now()) - seconds), 60);
  }
  EXPECT_EQ(told, (std::vector<std::string>{"PENDING", "QUEUED_FOR_SETUP", "ENABLED", "PROBLEM"}));
  EXPECT_TRUE(all_end());
}

TEST_P(WebhooksTest, TellAgainWhatWasNotTakenBeforeWhatCameAfter) {
  Receiver receiver([](std::size_t before, const http::Request&) -> http::Answer {
    return http::Response{before < 3 ? 500 : 200, {}, ""};
  });
  want(*store_, {receiver.url()});
  const Webhooks webhooks(*store_, quick(), wall_now);
  const std::string uuid = add_session(*store_, node_, 1);
  move(uuid, queued_for_setup);
  const auto requests = receiver.first(5);
  ASSERT_EQ(requests.size(), 5u);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(requests[i].body, requests[0].body);
  EXPECT_EQ(member(requests[4], "to"), "QUEUED_FOR_SETUP");
  EXPECT_TRUE(all_end());
  EXPECT_EQ(webhooks.counters().failed, 3u);
}

TEST_P(WebhooksTest, LeaveAReceiverThatHangs) {
  Receiver hangs([](std::size_t before, const http::Request&) -> http::Answer {
    return before == 0 ? silence() : http::Response{200, {}, ""};
  });
  Receiver other;
  want(*store_, {hangs.url(), other.url()});
  WebhookSettings settings = quick();
  settings.attempt_timeout = milliseconds(200);
  const Webhooks webhooks(*store_, settings, wall_now);
  add(1);
  EXPECT_EQ(other.first(1).size(), 1u);
  const auto requests = hangs.first(2);
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].body, requests[1].body);
  EXPECT_TRUE(all_end());
}

TEST_P(WebhooksTest, FollowNoRedirect) {
  Receiver target;
  Receiver receiver([&](std::size_t before, const http::Request&) -> http::Answer {
    http::Response response{before == 0 ? 302 : 200, {}, ""};
    if (before == 0) response.headers.set("Location", target.url());
    return response;
  });
  want(*store_, {receiver.url()});
  {
    const Webhooks webhooks(*store_, quick(), wall_now);
    add(1);
    EXPECT_EQ(receiver.first(2).size(), 2u) << "it is a failure, and tried again";
    EXPECT_TRUE(all_end());
    EXPECT_EQ(webhooks.counters().failed, 1u);
  }
  EXPECT_TRUE(target.first(0).empty());
}

TEST_P(WebhooksTest, ReachNoPrivateAddressUnlessTheyMay) {
  Receiver receiver;
  const std::string port = receiver.url().substr(receiver.url().rfind(':'));
  want(*store_, {receiver.url(), "http://localhost" + port, "http://[::1]" + port, "http://[::ffff:127.0.0.1]" + port});
  WebhookSettings settings = quick();
  settings.may_reach_private = false;
  {
    const Webhooks webhooks(*store_, settings, wall_now);
    add(1);
    EXPECT_TRUE(becomes([&] { return webhooks.counters().failed >= 8; }));
    EXPECT_EQ(webhooks.counters().delivered, 0u);
  }
  EXPECT_TRUE(receiver.first(0).empty());
}

TEST_P(WebhooksTest, GiveUpInTheEnd) {
  Receiver receiver([](std::size_t before, const http::Request&) -> http::Answer {
    return http::Response{before == 0 ? 500 : 200, {}, ""};
  });
  want(*store_, {receiver.url()});
  WebhookSettings settings = quick();
  settings.give_up_after = milliseconds(0);
  const Webhooks webhooks(*store_, settings, wall_now);
  const std::string uuid = add_session(*store_, node_, 1);
  move(uuid, queued_for_setup);
  const auto requests = receiver.first(2);
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(member(requests[1], "to"), "QUEUED_FOR_SETUP") << "the next one has its turn";
  EXPECT_TRUE(all_end());
  EXPECT_EQ(webhooks.counters().given_up, 1u);
}

TEST_P(WebhooksTest, ForgetWhatWaitsForOneThatIsNoMore) {
  want(*store_, {"http://127.0.0.1:1/"});
  add(1);
  want(*store_, {});
  const Webhooks webhooks(*store_, quick(), wall_now);
  EXPECT_TRUE(all_end());
  EXPECT_EQ(webhooks.counters().failed, 0u);
}

TEST_P(WebhooksTest, TellOnceHoweverManyControlPlanesThereAre) {
  Receiver receiver;
  const auto other_store = open_at_wall_time(database_->name());
  want(*store_, {receiver.url()});
  {
    const Webhooks one(*store_, quick(), wall_now);
    const Webhooks other(*other_store, quick(), wall_now);
    for (model::Asn asn = 1; asn <= 40; ++asn) add_session(asn % 2 == 0 ? *store_ : *other_store, node_, asn);
    EXPECT_TRUE(all_end());
  }
  const auto requests = receiver.first(40);
  ASSERT_EQ(requests.size(), 40u);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(boost::json::parse(requests[i].body).at("asn").as_int64(), static_cast<std::int64_t>(i + 1));
  }
}

// A control plane of its own, which ends only by being killed.
[[noreturn]] void tell_until_killed(const DatabaseName& database, NodeId node, int pipe) {
  char url[100] = {};
  if (::read(pipe, url, sizeof url - 1) <= 0) ::_exit(1);
  const auto store = open_at_wall_time(database);
  want(*store, {url});
  const Webhooks webhooks(*store, quick(), wall_now);
  add_session(*store, node, 7);
  for (;;) ::pause();
}

TEST_P(WebhooksTest, TellWhatAControlPlaneHadInItsHandWhenItWasKilled) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const DatabaseName database = database_->name();
  store_.reset();  // no thread of ours beside the fork
  const pid_t teller = ::fork();
  if (teller == 0) tell_until_killed(database, node_, pipe[0]);
  Receiver receiver([](std::size_t before, const http::Request&) -> http::Answer {
    return before == 0 ? silence() : http::Response{200, {}, ""};
  });
  const std::string url = receiver.url();
  ASSERT_EQ(::write(pipe[1], url.data(), url.size()), static_cast<ssize_t>(url.size()));
  EXPECT_EQ(receiver.first(1).size(), 1u);
  ::kill(teller, SIGKILL);
  ::waitpid(teller, nullptr, 0);
  ::close(pipe[0]);
  ::close(pipe[1]);

  store_ = open_at_wall_time(database);
  ASSERT_EQ(must(store_->waiting_deliveries()), 1);
  // Its lease is over in a while, which is now.
  const Webhooks webhooks(*store_, quick(), [] { return wall_now() + std::chrono::minutes(1); });
  const auto requests = receiver.first(2);
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].body, requests[1].body) << "the receiver knows it by its id";
  EXPECT_TRUE(all_end());
}

// The value is `openssl dgst -sha256 -hmac`'s.
TEST(WebhookBody, IsSignedByHmacSha256) {
  EXPECT_EQ(webhook_signature(Secret(kSecret), 1'700'000'000, R"({"a":1})"),
            "t=1700000000,v1=fbd8ce753f0c0643c2d4fef4959c30b175367059e6f5453bddeb7b24a3d1ae24");
}

TEST(WebhookBody, SaysWhenWithMilliseconds) {
  const auto body = boost::json::parse(webhook_body({"id", 1'700'000'059'007, "uuid", "jp1", 1, pending, deleted, {}}));
  EXPECT_EQ(body.at("time").as_string(), "2023-11-14T22:14:19.007Z");
  EXPECT_EQ(body.at("from").as_string(), "PENDING");
  EXPECT_EQ(body.at("to").as_string(), "DELETED");
}

TEST(PublicAddress, IsWhatTheInternetRoutes) {
  for (const char* text : {"1.1.1.1", "172.15.255.255", "172.32.0.1", "198.20.0.1", "223.255.255.255",
                           "2606:4700:4700::1111", "2400:cb00::1", "2001:200::1"}) {
    EXPECT_TRUE(is_public_address(IpAddress::parse(text).value())) << text;
  }
  for (const char* text :
       {"0.0.0.0",         "10.1.2.3",       "100.64.0.1",      "127.0.0.1", "127.9.9.9",   "169.254.169.254",
        "172.16.0.1",      "172.20.0.1",     "172.31.255.255",  "192.0.0.1", "192.168.1.1", "198.19.0.1",
        "224.0.0.1",       "240.0.0.1",      "255.255.255.255", "::",        "::1",         "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::a00:1", "fe80::1",         "fd00::1",   "fc00::1",     "ff02::1",
        "2001:db8::1",     "2001::1",        "2002:7f00:1::",   "3fff::1"}) {
    EXPECT_FALSE(is_public_address(IpAddress::parse(text).value())) << text;
  }
}

}  // namespace
}  // namespace moenet::controlplane
