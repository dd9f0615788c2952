#include "controlplane/auth_api.h"

#include <chrono>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "controlplane/admin_body.h"
#include "controlplane/answers.h"
#include "controlplane/pagination.h"
#include "controlplane/token.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr minutes kChallengeLife{10};           // chosen: long enough to find the key and sign
constexpr std::chrono::hours kSessionLife{12};  // chosen: a day's work
constexpr seconds kCheckTime{5};                // a signature takes ssh-keygen or gpgv 10 ms
constexpr unsigned kChallengesPerMinute = 30;
constexpr int kChecksAtOnce = 2;  // half of the workers (service.cpp), so that the other half serves the nodes
// Chosen: mistakes are free, a program that tries on is slowed down to four an hour. An account's count is of all
// addresses, so its first failures cost nothing for longer.
constexpr LockoutRule kAddressRule{5, seconds(5), minutes(15)};
constexpr LockoutRule kAccountRule{20, seconds(30), minutes(15)};
constexpr std::size_t kMostTokenBytes = 512;

UnixMs unix_ms(WallTime time) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

Checked<model::Asn> asn_of(const json::value& body) {
  const json::value* value = body.is_object() ? body.get_object().if_contains("asn") : nullptr;
  const bool is_number = value != nullptr && value->is_int64();
  if (!is_number || value->get_int64() < 1 || value->get_int64() > 4'294'967'295)
    return refuse(Errc::invalid, "expected an AS number, 1 to 4294967295", "asn");
  return static_cast<model::Asn>(value->get_int64());
}

http::Response busy() {
  http::Response answer = problem(503, "too many signatures are being checked", {}, "try again in a moment");
  answer.headers.set("Retry-After", "2");
  return answer;
}

// A check that must not be under way more than so many times; false: it is.
class Turn {
 public:
  explicit Turn(std::counting_semaphore<>& turns) : turns_(turns), has_(turns.try_acquire()) {}
  ~Turn() {
    if (has_) turns_.release();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  explicit operator bool() const { return has_; }

 private:
  std::counting_semaphore<>& turns_;
  const bool has_;
};

http::Response answer_of(Checked<http::Response> answer) {
  return answer ? std::move(*answer) : problem(answer.error());
}

json::object identity(const Caller& caller) {
  return {{"role", name_of(caller.role)},
          {"asn", caller.asn == 0 ? json::value(nullptr) : json::value(caller.asn)},
          {"name", caller.name},
          {"csrf", caller.csrf.empty() ? json::value(nullptr) : json::value(caller.csrf)},
          {"expiresAt", caller.expires_at == 0 ? json::value(nullptr) : json::value(caller.expires_at)}};
}

}  // namespace

AuthApi::AuthApi(Store& store, Access& access, AuthSettings settings, std::function<WallTime()> now)
    : store_(store),
      access_(access),
      settings_(std::move(settings)),
      now_(std::move(now)),
      challenges_(kChallengesPerMinute),
      addresses_(kAddressRule),
      accounts_(kAccountRule),
      checks_(kChecksAtOnce) {
  if (!settings_.registry.empty()) registry_.emplace(settings_.registry);
}

std::optional<http::Response> AuthApi::too_early(Lockout& lockout, const std::string& key) {
  const auto until = lockout.locked_until(key, now_());
  if (!until) return std::nullopt;
  const auto left = std::max<long>(1, std::chrono::ceil<seconds>(*until - now_()).count());
  http::Response answer = problem(429, fmt::format("too many failed attempts: wait {} s", left));
  answer.headers.set("Retry-After", std::to_string(left));
  return answer;
}

http::Response AuthApi::failed(const http::Request& request, int status, std::string_view detail) {
  addresses_.failed(http::address_bucket(request.peer), now_());
  return problem(status, detail);
}

// What is said here is the same for every ASN, whether anybody has it or not.
Checked<http::Response> AuthApi::begin(const http::Request& request) {
  CHECKED_TRY(const auto body, json_body(request));
  CHECKED_TRY(const auto asn, asn_of(body));
  CHECKED_TRY(const auto settings, store_.settings());
  const Secret id = make_token();
  const WallTime ends = std::chrono::floor<seconds>(now_() + kChallengeLife);
  Challenge challenge;
  challenge.hash = hash_of_token(id.reveal());
  challenge.asn = asn;
  challenge.text = challenge_text({settings.asn, settings_.public_url, asn, fingerprint(make_token().reveal()), ends});
  challenge.expires_at = unix_ms(ends);
  if (auto kept = store_.put_challenge(challenge, unix_ms(now_())); !kept)
    return std::unexpected(Refusal(kept.error()));
  return json_answer(200, json::object{{"id", id.reveal()},
                                       {"text", challenge.text},
                                       {"expiresAt", challenge.expires_at},
                                       {"namespace", kProofNamespace}});
}

http::Response AuthApi::challenge(const http::Request& request) {
  if (!registry_)
    return problem(503, "this control plane has no registry to check a proof with", {}, "sign in with a token");
  const http::FailureLimit::Count count = challenges_.failed(request.peer, now_());
  http::Response answer =
      count.exceeded ? problem(429, "too many challenges for this address") : answer_of(begin(request));
  put_headers(answer.headers, count, now_());
  return answer;
}

// Which key proves it. Nobody's ASN takes the way of every other one.
Result<std::string> AuthApi::checked(const Challenge& challenge, const Proof& proof) {
  auto registrant = registry_->find(challenge.asn);
  if (!registrant && registrant.error().code == Errc::unavailable) return std::unexpected(registrant.error());
  return check_proof(registrant ? &*registrant : nullptr, challenge.text, proof, Deadline::after(kCheckTime));
}

Checked<http::Response> AuthApi::finish(const http::Request& request) {
  CHECKED_TRY(const auto body, json_body(request));
  const Turn turn(checks_);
  if (!turn) return busy();
  const std::string id(text_member(body, "id"));
  const UnixMs now = unix_ms(now_());
  const auto challenge = store_.take_challenge(hash_of_token(id), now);
  if (!challenge && challenge.error().code == Errc::not_found)
    return failed(request, 401, "the challenge is unknown, used or expired: ask for another one");
  if (!challenge) return std::unexpected(Refusal(challenge.error()));
  const std::string account = std::to_string(challenge->asn);
  if (auto early = too_early(accounts_, account)) return *std::move(early);

  const auto key =
      checked(*challenge, {std::string(text_member(body, "signature")), std::string(text_member(body, "publicKey"))});
  if (!key && (key.error().code == Errc::unavailable || key.error().code == Errc::timeout)) {
    log::error("a proof could not be checked", {{"error", key.error().what}});
    return problem(503, "proofs cannot be checked now; see the log of moenet-controlplane");
  }
  if (!key) {
    accounts_.failed(account, now_());
    log::info("proof refused", {{"asn", challenge->asn}, {"address", request.peer}, {"error", key.error().what}});
    return failed(request, 401, key.error().what);
  }
  const Secret cookie = make_token();
  WebSession session;
  session.hash = hash_of_token(cookie.reveal());
  session.expires_at = now + std::chrono::milliseconds(kSessionLife).count();
  const std::string name = fmt::format("AS{}", challenge->asn);
  CHECKED_TRY(const auto user, store_.sign_in({name, request.peer}, challenge->asn, session, now));
  accounts_.succeeded(account);
  addresses_.succeeded(http::address_bucket(request.peer));
  log::info("signed in", {{"user", user.name}, {"address", request.peer}, {"key", *key}});
  Caller caller;
  caller.role = user.role;
  caller.asn = user.asn;
  caller.name = user.name;
  caller.csrf = csrf_of(cookie.reveal());
  caller.expires_at = session.expires_at;
  return signed_in(caller, cookie);
}

http::Response AuthApi::proof(const http::Request& request) {
  if (!registry_)
    return problem(503, "this control plane has no registry to check a proof with", {}, "sign in with a token");
  if (auto early = too_early(addresses_, http::address_bucket(request.peer))) return *std::move(early);
  return answer_of(finish(request));
}

http::Response AuthApi::signed_in(const Caller& caller, const Secret& cookie) const {
  http::Response answer = json_answer(200, identity(caller));
  answer.headers.set("Set-Cookie", access_.set_cookie(cookie.reveal(), kSessionLife));
  return answer;
}

// A good token always passes: behind one address there may be more than who guesses.
http::Response AuthApi::token(const http::Request& request) {
  const auto body = json_body(request);
  if (!body) return problem(body.error());
  const Secret token(text_member(*body, "token"));
  auto caller = token.empty() || token.reveal().size() > kMostTokenBytes
                    ? Result<Caller>(fail(Errc::not_found, "no token"))
                    : access_.holder_of(token.reveal(), now_());
  if (!caller && caller.error().code != Errc::not_found) return problem(Refusal(caller.error()));
  if (!caller) {
    if (auto early = too_early(addresses_, http::address_bucket(request.peer))) return *std::move(early);
    return failed(request, 401, "the token is unknown, revoked or expired");
  }
  caller->address = request.peer;
  const Secret cookie = make_token();
  const UnixMs now = unix_ms(now_());
  WebSession session;
  session.hash = hash_of_token(cookie.reveal());
  session.user = caller->user;
  session.token = caller->token;
  if (caller->token.empty()) session.owner_token = hash_of_token(token.reveal());
  session.expires_at = now + std::chrono::milliseconds(kSessionLife).count();
  if (auto opened = store_.open_web_session(caller->author(), session, now); !opened)
    return problem(Refusal(opened.error()));
  log::info("signed in", {{"user", caller->name}, {"address", request.peer}});
  caller->csrf = csrf_of(cookie.reveal());
  caller->expires_at = session.expires_at;
  return signed_in(*caller, cookie);
}

http::Response AuthApi::me(const http::Request& request) const {
  const auto caller = access_.person(request, now_());
  if (!caller) return caller.error();
  json::object answer = identity(*caller);
  json::array features;
  if (registry_) features.emplace_back("asn-proof");
  answer["features"] = std::move(features);
  return read_answer(request, answer);
}

http::Response AuthApi::logout(const http::Request& request) const {
  const auto caller = access_.person(request, now_());
  if (!caller) return caller.error();
  if (caller->by_cookie) {
    auto ended = store_.end_web_session(caller->author(), hash_of_token(access_.cookie_of(request)));
    if (!ended) return problem(Refusal(ended.error()));
  }
  http::Response answer{204, {}, ""};
  answer.headers.set("Set-Cookie", access_.set_cookie("", seconds(0)));
  return answer;
}

}  // namespace moenet::controlplane
