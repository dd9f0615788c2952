#include "http/router.h"

#include <optional>
#include <utility>

#include "http/target.h"

namespace moenet::http {

namespace {

// "/a/b" is {"a", "b"}, "/a/b/" is {"a", "b", ""}: a trailing slash is another path. "/" is {""}.
std::vector<std::string> segments_of(std::string_view path) {
  std::vector<std::string> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const std::size_t slash = path.find('/');
    segments.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool is_variable(std::string_view segment) {
  return segment.size() > 2 && segment.starts_with('{') && segment.ends_with('}');
}

bool answers(std::string_view route, std::string_view method) {
  return route == "*" || route == method || (route == "GET" && method == "HEAD");
}

// The bindings when `path` (decoded segments) fits `pattern`. An empty segment binds nothing.
std::optional<PathBindings> match(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) return std::nullopt;
  PathBindings bindings;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (!is_variable(pattern[i])) {
      if (pattern[i] != path[i]) return std::nullopt;
      continue;
    }
    if (path[i].empty()) return std::nullopt;
    bindings.emplace(pattern[i].substr(1, pattern[i].size() - 2), path[i]);
  }
  return bindings;
}

}  // namespace

void Router::add(std::string_view method, std::string_view pattern, Handler handler) {
  routes_.push_back({std::string(method), segments_of(pattern), std::move(handler)});
}

std::vector<std::string> Router::routes() const {
  std::vector<std::string> all;
  for (const Route& route : routes_) {
    std::string& text = all.emplace_back(route.method + " ");
    for (const std::string& segment : route.segments) text += "/" + segment;
  }
  return all;
}

Answer Router::dispatch(Request& request) const {
  const auto not_found = [] { return Response::text(404, "404 Not Found"); };
  if (!request.target.starts_with('/')) return not_found();
  std::vector<std::string> path = segments_of(request.target);
  for (std::string& segment : path) {
    auto decoded = percent_decode(segment);
    if (!decoded) return not_found();
    segment = std::move(*decoded);
  }
  for (const Route& route : routes_) {
    if (!answers(route.method, request.method)) continue;
    if (const auto bindings = match(route.segments, path)) return route.handler(request, *bindings);
  }
  return not_found();
}

}  // namespace moenet::http
