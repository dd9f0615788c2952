// What service*.cpp share: the parts of a running Service and how requests come to them. Of no interest outside.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "controlplane/admin_api.h"
#include "controlplane/agent_api.h"
#include "controlplane/change_feed.h"
#include "controlplane/people_api.h"
#include "controlplane/query_api.h"
#include "controlplane/readiness.h"
#include "controlplane/request_counts.h"
#include "controlplane/series_api.h"
#include "controlplane/service.h"
#include "controlplane/tidying.h"
#include "controlplane/workers.h"
#include "http/router.h"

namespace moenet::controlplane {

struct WaitingRead;  // service_work.cpp

struct Service::State {
  State(Store& given_store, ServiceSettings settings);
  ~State();

  // Runs `work` on a worker, and answers with what it returns.
  http::Answer later(http::Request& request, std::function<http::Response(const http::Request&)> work);
  // The same for a read that may wait until what it depends on changes.
  http::Answer read(http::Request& request, std::function<AgentAnswer(const http::Request&)> work);
  void look(const std::shared_ptr<WaitingRead>& read);
  void add_agent_routes();
  void add_admin_routes();
  void add_people_routes();
  void add_public_routes();
  using PlainWork = std::function<http::Response(const http::Request&)>;
  using NamedWork = std::function<http::Response(const http::Request&, std::string_view)>;
  void route(std::string_view method, std::string_view path, PlainWork work);
  void route(std::string_view method, std::string_view path, std::string_view variable, NamedWork work);
  // Below /api/v1 and, as they were first spelled, below /api/v1/admin. A GET may wait (Prefer: wait).
  void people_route(std::string_view method, const std::string& path, PlainWork work);
  void people_route(std::string_view method, const std::string& path, std::string_view variable, NamedWork work);
  http::Answer answer_person(http::Request& request, PlainWork work);
  http::Response metrics(const http::Request& request);

  Store& store;
  Access access;
  AgentApi agent;
  AdminApi admin;
  const BootstrapSettings bootstrap;
  AuthApi auth;
  PeopleApi people;
  SeriesApi series;
  std::function<WallTime()> now;
  RequestCounts counts;
  Webhooks webhooks;
  Tidying tidying;
  Messages* const others;
  const QueryLimits query_limits;
  http::Router router;
  ChangeFeed feed{[this](ChangeFeed::Job job) { workers.submit(std::move(job)); }};
  Workers workers;
  Readiness readiness{store, [this](ChangeFeed::Job job) { return workers.submit(std::move(job)); }};
  QueryApi queries{store, access, agent, now, others, query_limits, [this](ChangeFeed::Job job, std::size_t bytes) {
                     return workers.submit(std::move(job), bytes);
                   }};
  std::vector<bool> has_tls;                               // of each server
  std::vector<std::unique_ptr<http::HttpServer>> servers;  // last: they call all of the above
};

}  // namespace moenet::controlplane
