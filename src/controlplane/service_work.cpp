// Service: how a request gets its answer: on a worker, now, or when what it reads changes.

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "controlplane/answers.h"
#include "controlplane/request_headers.h"
#include "controlplane/service_state.h"

namespace moenet::controlplane {

namespace {

using http::PathBindings;
using http::Pending;
using http::Request;
using http::Response;

constexpr std::chrono::seconds kAnswerTimeout{30};

Response overloaded() {
  Response response = Response::text(503, "Service Unavailable");
  response.headers.set("Retry-After", "2");
  return response;
}

}  // namespace

// A read that may wait: shared by its repetitions and the timeout.
struct WaitingRead {
  Request request;
  std::function<AgentAnswer(const Request&)> work;
  SteadyTime began;
  std::shared_ptr<Pending> pending;
  // The answer when the time is over: 503 until a worker looked, then that nothing changed.
  std::mutex mutex;  // guards `unchanged`: a worker sets it, the server's thread takes it
  std::optional<Response> unchanged;
};

http::Answer Service::State::later(Request& request, std::function<Response(const Request&)> work) {
  auto pending = std::make_shared<Pending>(kAnswerTimeout, overloaded);
  const std::size_t bytes = request.body.size();
  const bool is_taken = workers.submit(
      [this, began = steady_now(), request = taken(request), pending, work = std::move(work)] {
        Response response;
        try {
          response = work(request);
        } catch (const std::exception& bug) {
          log::error("a request ended in an exception",
                     {{"path", request.target}, {"error", std::string_view(bug.what())}});
          response = internal_error();
        }
        counts.took(request.target, steady_now() - began);
        pending->answer(std::move(response));
      },
      bytes);
  if (!is_taken) return overloaded();
  return pending;
}

http::Answer Service::State::read(Request& request, std::function<AgentAnswer(const Request&)> work) {
  const auto wait = wait_of(request);
  auto read = std::make_shared<WaitingRead>();
  read->request = taken(request);
  read->work = std::move(work);
  read->began = steady_now();
  // Weak: the Pending belongs to the read and would else keep it for ever.
  read->pending = std::make_shared<Pending>(
      wait.count() > 0 ? std::chrono::milliseconds(wait) : std::chrono::milliseconds(kAnswerTimeout),
      [weak = std::weak_ptr(read)]() -> Response {
        const auto alive = weak.lock();
        if (!alive) return overloaded();
        const std::lock_guard lock(alive->mutex);
        return alive->unchanged.value_or(overloaded());
      });
  if (!workers.submit([this, read] { look(read); }, read->request.body.size())) return overloaded();
  return read->pending;
}

// Nothing has changed so far, and nobody waits any longer to see whether it will.
void give_up(WaitingRead& read) {
  std::optional<Response> unchanged;
  {
    const std::lock_guard lock(read.mutex);
    unchanged = read.unchanged;
  }
  read.pending->answer(unchanged ? *std::move(unchanged) : overloaded());
}

void Service::State::look(const std::shared_ptr<WaitingRead>& read) {
  if (read->pending->is_answered()) return;
  AgentAnswer answer;
  try {
    answer = read->work(read->request);
  } catch (const std::exception& bug) {
    log::error("a request ended in an exception",
               {{"path", read->request.target}, {"error", std::string_view(bug.what())}});
    answer.response = internal_error();
  }
  // Of a read that waited only its first look counts.
  if (read->began != SteadyTime()) {
    counts.took(read->request.target, steady_now() - std::exchange(read->began, SteadyTime()));
  }
  if (!answer.is_unchanged || wait_of(read->request).count() == 0) {
    read->pending->answer(std::move(answer.response));
    return;
  }
  read->request.body = std::string();    // no read looks at it, and it would be held as long as the read
  answer.response.body.shrink_to_fit();  // an empty text may have the room of the whole answer that it was put over
  {
    const std::lock_guard lock(read->mutex);
    read->unchanged = std::move(answer.response);
  }
  feed.wait(answer.node, answer.changes, read->pending, [this, read] { look(read); }, [read] { give_up(*read); });
}

void Service::State::route(std::string_view method, std::string_view path, PlainWork work) {
  router.add(method, path, [this, work = std::move(work)](Request& request, const PathBindings&) -> http::Answer {
    return later(request, work);
  });
}

void Service::State::route(std::string_view method, std::string_view path, std::string_view variable, NamedWork work) {
  router.add(method, path,
             [this, work = std::move(work), variable = std::string(variable)](
                 Request& request, const PathBindings& bound) -> http::Answer {
               return later(request,
                            [work, value = bound.find(variable)->second](const Request& r) { return work(r, value); });
             });
}

// A person's read waits for a change of whatever node: it is seldom that there are many of both.
http::Answer Service::State::answer_person(Request& request, PlainWork work) {
  if (request.method != "GET" || wait_of(request).count() == 0) return later(request, std::move(work));
  return read(request, [this, work = std::move(work)](const Request& r) {
    AgentAnswer answer;
    answer.node = ChangeFeed::kAnyNode;
    answer.changes = feed.happened();  // before the look
    answer.response = work(r);
    answer.is_unchanged = answer.response.status == 304;
    return answer;
  });
}

void Service::State::people_route(std::string_view method, const std::string& path, PlainWork work) {
  for (const char* root : {"/api/v1", "/api/v1/admin"}) {
    router.add(method, root + path, [this, work](Request& request, const PathBindings&) -> http::Answer {
      return answer_person(request, work);
    });
  }
}

void Service::State::people_route(std::string_view method, const std::string& path, std::string_view variable,
                                  NamedWork work) {
  for (const char* root : {"/api/v1", "/api/v1/admin"}) {
    router.add(
        method, root + path,
        [this, work, variable = std::string(variable)](Request& request, const PathBindings& bound) -> http::Answer {
          return answer_person(
              request, [work, value = bound.find(variable)->second](const Request& r) { return work(r, value); });
        });
  }
}

}  // namespace moenet::controlplane
