#include "controlplane/web_page.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace moenet::controlplane {

namespace {

using http::Request;
using http::Response;

// First segments of the paths that the page shows by itself; web/src/routes.ts has the same.
constexpr std::array<std::string_view, 11> kPlaces = {"sign-in",   "nodes",    "sessions",     "request",
                                                      "approvals", "settings", "blocklist",    "users",
                                                      "tokens",    "audit",    "looking-glass"};
constexpr std::ptrdiff_t kMostSegments = 3;  // "/sessions/UUID/edit"

// The page is one script and one sheet of ours: nothing in it may come from, go to, or be shown by anybody else.
constexpr std::string_view kContentPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
constexpr std::string_view kNoPermissions =
    "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";

constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kTypes = {{
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".txt", "text/plain; charset=utf-8"},
}};

std::string_view type_of(std::string_view path) {
  const auto found = std::ranges::find_if(kTypes, [&](const auto& type) { return path.ends_with(type.first); });
  return found == kTypes.end() ? "application/octet-stream" : found->second;
}

bool is_place(std::string_view path) {
  if (path == "/") return true;
  if (!path.starts_with('/') || path.ends_with('/') || std::ranges::count(path, '/') > kMostSegments) return false;
  path.remove_prefix(1);
  return std::ranges::find(kPlaces, path.substr(0, path.find('/'))) != kPlaces.end();
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// Calls `takes` with each element of a header's list (RFC 9110 section 5.6.1) until one is taken.
template <class Takes>
bool any_of_list(std::string_view list, const Takes& takes) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    if (takes(trimmed(list.substr(0, comma)))) return true;
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
  }
  return false;
}

// RFC 9110 section 12.5.3: named, and not with a weight of nothing.
bool takes_gzip(const Request& request) {
  return any_of_list(request.headers.find("Accept-Encoding").value_or(""), [](std::string_view coding) {
    const std::size_t semicolon = coding.find(';');
    if (trimmed(coding.substr(0, semicolon)) != "gzip") return false;
    if (semicolon == std::string_view::npos) return true;
    const std::string_view weight = trimmed(coding.substr(semicolon + 1));
    return !weight.starts_with("q=0") || weight.find_first_of("123456789") != std::string_view::npos;
  });
}

// RFC 9110 section 13.1.2, which compares weakly.
bool has_it(const Request& request, std::string_view tag) {
  return any_of_list(request.headers.find("If-None-Match").value_or(""), [&](std::string_view held) {
    if (held.starts_with("W/")) held.remove_prefix(2);
    return held == "*" || held == tag;
  });
}

Response answer_with(const WebFile& file, const Request& request) {
  const bool is_packed = !file.gzip.empty() && takes_gzip(request);
  // Each coding is a representation of its own (RFC 9110 section 8.8.3.3).
  const std::string tag = fmt::format("\"{}{}\"", file.hash, is_packed ? "-gzip" : "");
  Response response;
  const bool is_named_by_content = file.path.starts_with("/assets/");
  response.headers.set("ETag", tag);
  response.headers.set("Vary", "Accept-Encoding");
  response.headers.set("Cache-Control", is_named_by_content ? "public, max-age=31536000, immutable" : "no-cache");
  response.headers.set("Content-Security-Policy", kContentPolicy);
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("X-Frame-Options", "DENY");  // for browsers that do not know frame-ancestors
  response.headers.set("Referrer-Policy", "no-referrer");
  response.headers.set("Permissions-Policy", kNoPermissions);
  response.headers.set("Cross-Origin-Opener-Policy", "same-origin");
  response.headers.set("Cross-Origin-Resource-Policy", "same-origin");
  if (has_it(request, tag)) {
    response.status = 304;
    return response;
  }
  response.headers.set("Content-Type", type_of(file.path));
  if (is_packed) response.headers.set("Content-Encoding", "gzip");
  response.body = is_packed ? file.gzip : file.plain;
  return response;
}

}  // namespace

std::optional<Response> web_answer(std::span<const WebFile> files, const Request& request) {
  if (request.method != "GET" && request.method != "HEAD") return std::nullopt;
  const std::string_view wanted = is_place(request.target) ? "/index.html" : std::string_view(request.target);
  const auto found = std::ranges::find(files, wanted, &WebFile::path);
  if (found == files.end()) return std::nullopt;
  return answer_with(*found, request);
}

}  // namespace moenet::controlplane
