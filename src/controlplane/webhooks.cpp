#include "controlplane/webhooks.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/latest.h"
#include "base/log.h"
#include "controlplane/public_address.h"
#include "controlplane/token.h"
#include "controlplane/version.h"
#include "controlplane/webhook_body.h"
#include "http/client.h"

namespace moenet::controlplane {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMostAnswerBytes = 64u << 10;  // nobody reads them
// Beyond the attempt: for the database's own timeouts.
constexpr milliseconds kLeaseMargin{20'000};

http::ClientSettings client_settings(const WebhookSettings& settings) {
  http::ClientSettings client;
  client.retry.max_retries = 0;                                            // the store remembers
  client.breaker.failures_to_open = std::numeric_limits<unsigned>::max();  // one receiver must not cut off the others
  client.body_limit_bytes = kMostAnswerBytes;
  client.most_redirects = 0;
  client.user_agent = fmt::format("moenet-controlplane/{}", version());
  if (!settings.may_reach_private) client.may_connect = is_public_address;
  return client;
}

UnixMs unix_ms(WallTime time) { return std::chrono::duration_cast<milliseconds>(time.time_since_epoch()).count(); }

}  // namespace

struct Webhooks::State {
  State(Store& given_store, WebhookSettings given, std::function<WallTime()> clock)
      : store(given_store), settings(given), now(std::move(clock)), client(client_settings(given)) {
    thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  void run(const std::stop_token& stop);
  Result<bool> deliver_one(const std::stop_token& stop);
  Result<void> send(const Webhook& hook, const Delivery& delivery, const std::stop_token& stop);
  Result<void> settle(const Delivery& delivery, const Result<void>& sent);

  Store& store;
  const WebhookSettings settings;
  const std::function<WallTime()> now;
  const std::string claimer = make_uuid();
  http::HttpClient client;
  Wakeup wakeup;
  std::atomic<std::uint64_t> delivered{0}, failed{0}, given_up{0};
  std::jthread thread;  // last: it uses all of the above
};

void Webhooks::State::run(const std::stop_token& stop) {
  bool is_well = true;
  while (!stop.stop_requested()) {
    const auto found = deliver_one(stop);
    if (!found && is_well) log::error("webhooks wait for the database", {{"error", found.error().what}});
    is_well = found.has_value();
    if (!found || !*found) wakeup.wait(Deadline::after(settings.poll), stop);
  }
}

// False when nothing is due.
Result<bool> Webhooks::State::deliver_one(const std::stop_token& stop) {
  const UnixMs lease_until = unix_ms(now() + settings.attempt_timeout + kLeaseMargin);
  TRY(const auto delivery, store.claim_delivery(claimer, unix_ms(now()), lease_until));
  if (!delivery) return false;
  TRY(const auto known, store.settings());
  const auto hook = std::ranges::find(known.webhooks, delivery->hook, &Webhook::name);
  if (hook == known.webhooks.end()) {  // it was taken out of the settings
    TRY_VOID(store.end_delivery(claimer, delivery->number));
    return true;
  }
  TRY_VOID(settle(*delivery, send(*hook, *delivery, stop)));
  return true;
}

Result<void> Webhooks::State::send(const Webhook& hook, const Delivery& delivery, const std::stop_token& stop) {
  http::Request request;
  request.method = "POST";
  request.target = hook.url;
  request.body = delivery.body;
  request.headers.set("Content-Type", "application/json");
  request.headers.set("X-MoeNet-Signature", webhook_signature(hook.secret, unix_ms(now()) / 1'000, delivery.body));
  TRY(const auto answer,
      client.send(request, Secret(), settings.attempt_timeout, Deadline::after(settings.attempt_timeout), stop));
  if (answer.status >= 300 && answer.status < 400) {
    return fail(Errc::denied, fmt::format("it redirects ({}), which is not followed", answer.status));
  }
  if (answer.status < 200 || answer.status >= 300) {
    return fail(Errc::unavailable, fmt::format("it answered {}", answer.status));
  }
  return {};
}

Result<void> Webhooks::State::settle(const Delivery& delivery, const Result<void>& sent) {
  if (sent) {
    ++delivered;
    return store.end_delivery(claimer, delivery.number);
  }
  const UnixMs at = unix_ms(now());
  if (sent.error().code == Errc::cancelled) return store.postpone_delivery(claimer, delivery.number, at);
  ++failed;
  if (at - delivery.created_at >= settings.give_up_after.count()) {
    ++given_up;
    log::error("webhook given up", {{"webhook", delivery.hook}, {"event", delivery.id}, {"error", sent.error().what}});
    return store.end_delivery(claimer, delivery.number);
  }
  // Half of it by chance: webhooks that fail together, as when the receiver's host is away, come back apart.
  const milliseconds wait = settings.backoff.ceiling(delivery.attempts) / 2 +
                            settings.backoff.delay(delivery.attempts, random_fraction()) / 2;
  log::warning("webhook failed", {{"webhook", delivery.hook},
                                  {"event", delivery.id},
                                  {"attempt", delivery.attempts + 1},
                                  {"next_in_s", std::chrono::ceil<std::chrono::seconds>(wait).count()},
                                  {"error", sent.error().what}});
  return store.postpone_delivery(claimer, delivery.number, at + wait.count());
}

Webhooks::Webhooks(Store& store, WebhookSettings settings, std::function<WallTime()> now)
    : state_(std::make_unique<State>(store, settings, std::move(now))) {}
Webhooks::~Webhooks() = default;

void Webhooks::wake() { state_->wakeup.notify(); }

WebhookCounters Webhooks::counters() const { return {state_->delivered, state_->failed, state_->given_up}; }

}  // namespace moenet::controlplane
