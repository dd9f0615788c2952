// The contract with deployed agents: every captured exchange is sent to our own server over a real socket, which was
// given the same nodes and rows. Compared are status, content type, envelope, field names, types and values, but for
// the values of kVarying. Where ours differs on purpose, differences() says why.
#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "controlplane/raw_http.h"
#include "controlplane/seeds.h"
#include "controlplane/service.h"

namespace moenet::controlplane {
namespace {

namespace json = boost::json;
using moenet::testing::HttpSample;
using testing::must;

struct Difference {
  int status;
  std::string body;  // a part of it
  std::string reason;
};

const std::map<std::string, Difference>& differences() {
  static const std::map<std::string, Difference> all = {
      {"37-modify-illegal-transition-8-to-2.http",
       {422, R"("message":"Illegal move: REJECTED to ENABLED")",
        "only legal moves are made: a rejected session stays rejected"}},
      {"46-modify-status-99.http",
       {422, R"("message":"Unknown status 99")", "a status that does not exist is not stored"}},
      {"47-modify-status-string-0.http",
       {200, R"("data":{"deleted":true})",
        "0 is DELETED in either spelling; a row at status 0 would be there and not there"}},
  };
  return all;
}

// Members that ours has and the captured server lacks: values that DN42 defines and it forgot.
const std::vector<std::string> kMore = {
    "data.policy.communities.bandwidth.1m_plus",   "data.policy.largeCommunities.origin.af",
    "data.policy.largeCommunities.subregion.ca",   "data.policy.largeCommunities.subregion.sa",
    "data.policy.largeCommunities.subregion.eu_e", "data.policy.largeCommunities.subregion.af",
    "data.policy.largeCommunities.subregion.me",
};

// Members whose values are not compared, groups with all that is in them.
const std::vector<std::string> kVarying = {
    "version",
    "data.timestamp",
    "data.configHash",                     // of our own making
    "data.bird.controlSocket",             // ours is that of Debian's packages
    "data.autoUpdate.githubRepo",          // we update no agent
    "data.policy.communities.bandwidth.",  // DN42's values, of which it has some wrong
    "data.policy.communities.region.",     // likewise
};

bool is_varying(const std::string& path) {
  return std::ranges::any_of(kVarying, [&](const std::string& member) {
    return member.ends_with('.') ? path.starts_with(member) : path == member;
  });
}

bool is_number(const json::value& value) { return value.is_int64() || value.is_uint64() || value.is_double(); }

json::array sorted(const json::array& list) {
  json::array result = list;
  const auto key = [](const json::value& value) {
    return value.is_object() && value.get_object().contains("uuid") ? std::string(value.at("uuid").as_string())
                                                                    : std::string();
  };
  std::ranges::stable_sort(result, {}, key);
  return result;
}

void expect_same(const json::value& theirs, const json::value& ours, const std::string& path) {
  if (!is_number(theirs) || !is_number(ours)) {
    ASSERT_EQ(json::to_string(theirs.kind()), json::to_string(ours.kind())) << path;
  }
  if (theirs.is_object()) {
    for (const auto& [key, value] : theirs.get_object()) {
      const std::string child = path.empty() ? std::string(key) : path + "." + std::string(key);
      ASSERT_TRUE(ours.get_object().contains(key)) << child << " is missing";
      expect_same(value, ours.get_object().at(key), child);
    }
    for (const auto& [key, value] : ours.get_object()) {
      const std::string child = path + "." + std::string(key);
      EXPECT_TRUE(theirs.get_object().contains(key) || std::ranges::count(kMore, child) == 1)
          << child << " is one too many";
    }
  }
  if (theirs.is_array()) {
    const json::array a = sorted(theirs.get_array());
    const json::array b = sorted(ours.get_array());
    ASSERT_EQ(a.size(), b.size()) << path;
    for (std::size_t i = 0; i < a.size(); ++i) expect_same(a[i], b[i], path + "[]");
  }
  if (theirs.is_primitive() && !is_varying(path)) {
    EXPECT_EQ(theirs, ours) << path;
  }
}

std::string media_type(std::string_view content_type) {
  std::string type(content_type.substr(0, content_type.find(';')));
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return type;
}

// What stands for a body that was too large to keep.
std::string elided_body(const HttpSample& sample) {
  const std::size_t size = sample.file.starts_with("86")   ? 1'048'576
                           : sample.file.starts_with("87") ? 1'048'577
                                                           : 2'097'179;
  std::string body = R"({"sessions":[],"x":")";
  body.append(size - body.size() - 2, 'x');
  return body + "\"}";
}

std::string chunked(std::string_view body) {
  std::string text;
  while (!body.empty()) {
    const std::string_view chunk = body.substr(0, 65'536);
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
    text += size + std::string(chunk) + "\r\n";
    body.remove_prefix(chunk.size());
  }
  return text + "0\r\n\r\n";
}

std::string bytes_of(const HttpSample& sample) {
  const bool is_chunked = sample.request.header("Transfer-Encoding").has_value();
  const std::string body = sample.request.is_elided ? elided_body(sample)
                           : is_chunked             ? R"({"measurements":[]})"
                                                    : sample.request.body;
  moenet::testing::HeaderList headers;
  for (const auto& [name, value] : sample.request.headers) {
    if (name != "Host" && name != "Connection" && name != "Content-Length") headers.emplace_back(name, value);
  }
  if (!is_chunked) return moenet::testing::request_text(sample.method, sample.target, headers, body);
  std::string head = moenet::testing::request_text(sample.method, sample.target, headers, "");
  head.erase(head.find("Content-Length: 0\r\n"), std::string_view("Content-Length: 0\r\n").size());
  return head + chunked(body);
}

class Contract : public ::testing::TestWithParam<HttpSample> {
 protected:
  Contract() : store_(must(SqlStore::open_sqlite(folder_.path() / "moenet.db", [] { return UnixMs{1}; }))) {
    testing::add_sample_nodes(*store_);
    testing::add_sample_sessions(*store_);
    ServiceSettings settings;
    settings.listen = {{{IpAddress::v4({127, 0, 0, 1}), 0}}};
    settings.keys = {Secret(testing::kAdminToken), Secret(testing::kSharedKey)};
    service_ = must(Service::start(*store_, settings));
  }

  // What the capture did before: most exchanges need nothing, since each test begins with the rows of samples 28 to 30.
  void prepare(const HttpSample& sample) {
    if (sample.file.starts_with("20") || sample.file.starts_with("21")) {
      Heartbeat heartbeat;
      heartbeat.mesh_public_key = "eAMoWLUgAu5d6GeZ9XabzLaZvWaNfeVmBz/qOzCMgvY=";
      must(store_->record_heartbeat(1, heartbeat));
      heartbeat.mesh_public_key = "tuOMbwiwFpzfT4QYOvqQzIcAXAeKSAJO3uen7qJDTSk=";
      must(store_->record_heartbeat(2, heartbeat));
    }
    if (sample.file.starts_with("55") || sample.file.starts_with("57")) {
      must(store_->change_session(testing::kTester, {"8bfccd65-cc2a-4195-8d9d-f44f0293a368",
                                                     [](const StoredSession&) -> Checked<Verdict> { return Drop{}; }}));
    }
  }

  support::TemporaryFolder folder_;
  std::unique_ptr<SqlStore> store_;
  std::unique_ptr<Service> service_;
};

void expect_captured_answer(const HttpSample& sample, const http::Response& answer) {
  EXPECT_EQ(answer.status, sample.status) << answer.body;
  if (const auto type = sample.response.header("Content-Type")) {
    EXPECT_EQ(media_type(answer.headers.find("Content-Type").value_or("")), media_type(*type));
  }
  if (const auto limit = sample.response.header("X-RateLimit-Limit")) {
    EXPECT_EQ(answer.headers.find("X-RateLimit-Limit"), *limit);
    EXPECT_TRUE(answer.headers.find("X-RateLimit-Remaining"));
    EXPECT_TRUE(answer.headers.find("X-RateLimit-Reset"));
  }
  if (sample.response.body.starts_with('{')) {
    expect_same(json::parse(sample.response.body), json::parse(answer.body), "");
  } else {
    EXPECT_EQ(answer.body, sample.response.body);
  }
}

TEST_P(Contract, AnswersAsTheCapturedServer) {
  const HttpSample& sample = GetParam();
  prepare(sample);
  moenet::testing::RawConnection connection(service_->port());
  connection.send(bytes_of(sample));
  const http::Response answer = connection.response();
  const auto difference = differences().find(sample.file);
  if (difference == differences().end()) {
    expect_captured_answer(sample, answer);
    return;
  }
  EXPECT_EQ(answer.status, difference->second.status) << difference->second.reason;
  EXPECT_NE(answer.body.find(difference->second.body), std::string::npos) << answer.body;
}

INSTANTIATE_TEST_SUITE_P(Samples, Contract,
                         ::testing::ValuesIn(moenet::testing::read_http_samples(testing::samples_folder())),
                         [](const auto& tested) {
                           std::string name = "S" + tested.param.file.substr(0, tested.param.file.find('.'));
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace moenet::controlplane
