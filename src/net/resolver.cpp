#include "net/resolver.h"

#include <array>
#include <bit>
#include <cerrno>
#include <deque>
#include <map>
#include <mutex>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>

#include <fmt/format.h>

namespace moenet::net {

namespace {

// Enough that a few names whose servers do not answer hold up no other, and few enough to be no burden (chosen).
constexpr int kMaxWorkers = 4;
constexpr std::size_t kMaxHostBytes = 253;  // RFC 1123 section 2.1

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

std::optional<IpAddress> first_address(const addrinfo* list) {
  for (; list != nullptr; list = list->ai_next) {
    if (list->ai_family == AF_INET) {
      const auto* address = reinterpret_cast<const sockaddr_in*>(list->ai_addr);
      return IpAddress::v4(std::bit_cast<std::array<std::uint8_t, 4>>(address->sin_addr));
    }
    if (list->ai_family == AF_INET6) {
      const auto* address = reinterpret_cast<const sockaddr_in6*>(list->ai_addr);
      return IpAddress::v6(std::bit_cast<std::array<std::uint8_t, 16>>(address->sin6_addr));
    }
  }
  return std::nullopt;
}

}  // namespace

Result<IpAddress> look_up_host(const std::string& host, std::optional<IpFamily> family) {
  if (host.empty() || host.size() > kMaxHostBytes || host.contains('\0'))
    return fail(Errc::invalid, "look up: no host name");
  addrinfo hints{};
  hints.ai_family = !family ? AF_UNSPEC : *family == IpFamily::v4 ? AF_INET : AF_INET6;
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  const std::unique_ptr<addrinfo, FreeAddresses> owner(list);
  if (error == EAI_SYSTEM) return std::unexpected(error_from_errno(errno, fmt::format("look up {}", host)));
  if (error != 0) {
    const bool absent = error == EAI_NONAME || error == EAI_NODATA || error == EAI_ADDRFAMILY;
    return fail(absent ? Errc::not_found : Errc::unavailable,
                fmt::format("look up {}: {}", host, ::gai_strerror(error)));
  }
  const auto address = first_address(list);
  if (!address) return fail(Errc::not_found, fmt::format("look up {}: no address", host));
  return *address;
}

// Shared with the workers, which may outlive the Resolver inside a getaddrinfo() that nothing can stop. This is why
// there are mutexes here and not a Latest, and why the workers are detached.
struct Resolver::State : std::enable_shared_from_this<Resolver::State> {
  using Question = std::pair<std::string, std::optional<IpFamily>>;
  struct Host {
    std::optional<Result<IpAddress>> answer;
    SteadyTime failed_at{};
    bool queued = false;  // waiting for a worker, or in one's hands
  };

  ResolverSettings settings;
  std::mutex change_mutex;  // held while on_change runs
  std::function<void()> on_change;
  std::mutex mutex;  // guards all below
  std::map<Question, Host> hosts;
  std::deque<Question> queue;
  int workers = 0;
  bool closed = false;

  // REQUIRES: mutex is held.
  void enqueue(const Question& question, Host& host) {
    if (host.queued || closed) return;
    host.queued = true;
    queue.push_back(question);
    if (workers == kMaxWorkers) return;
    ++workers;
    // Detached, because getaddrinfo(3) cannot be interrupted and the agent must not wait for it at its end; what the
    // thread uses it owns a share of.
    std::thread([self = shared_from_this()] { self->work(); }).detach();
  }

  void work() {
    std::unique_lock lock(mutex);
    while (!closed && !queue.empty()) {
      const Question question = std::move(queue.front());
      queue.pop_front();
      lock.unlock();
      auto answer = settings.look_up(question.first, question.second);
      lock.lock();
      const bool changed = take(question, std::move(answer));
      lock.unlock();
      if (changed) announce();
      lock.lock();
    }
    --workers;
  }

  // True when `lookup` will now say something else. REQUIRES: mutex is held.
  bool take(const Question& question, Result<IpAddress> answer) {
    const auto found = hosts.find(question);
    Host& host = found->second;
    host.queued = false;
    if (!answer) host.failed_at = steady_now();
    if (!answer && host.answer && *host.answer) return false;  // what worked last is better than nothing
    const bool changed = host.answer != answer;
    host.answer = std::move(answer);
    return changed;
  }

  void announce() {
    const std::lock_guard lock(change_mutex);
    if (on_change) on_change();
  }
};

Resolver::Resolver(std::function<void()> on_change, ResolverSettings settings) : state_(std::make_shared<State>()) {
  state_->settings = std::move(settings);
  state_->on_change = std::move(on_change);
}

Resolver::~Resolver() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->closed = true;
  }
  const std::lock_guard lock(state_->change_mutex);
  state_->on_change = nullptr;
}

Result<std::optional<IpAddress>> Resolver::lookup(std::string_view host, std::optional<IpFamily> family) {
  if (const auto address = IpAddress::parse(host)) return *address;
  const std::lock_guard lock(state_->mutex);
  const auto [entry, is_new] = state_->hosts.try_emplace({std::string(host), family});
  State::Host& known = entry->second;
  const bool failed_long_ago =
      known.answer && !*known.answer && steady_now() - known.failed_at >= state_->settings.retry_after;
  if (is_new || failed_long_ago) state_->enqueue(entry->first, known);
  if (!known.answer) return std::nullopt;
  if (!*known.answer) return std::unexpected(known.answer->error());
  return **known.answer;
}

void Resolver::refresh(std::string_view host, std::optional<IpFamily> family) {
  if (IpAddress::parse(host)) return;
  const std::lock_guard lock(state_->mutex);
  const auto entry = state_->hosts.try_emplace({std::string(host), family}).first;
  state_->enqueue(entry->first, entry->second);
}

}  // namespace moenet::net
