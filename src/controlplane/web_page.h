// The control plane's web page as HTTP: files that were built of web/ and are part of the program, with the headers
// that keep a page safe and its second load free. It knows nothing of what the page shows.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "http/message.h"

namespace moenet::controlplane {

struct WebFile {
  std::string_view path;  // "/index.html"; all others are "/assets/…", named by their content
  std::string_view plain;
  std::string_view gzip;  // "" where that would not be smaller
  std::string_view hash;  // of `plain`, in hexadecimal
};

// All files of the page; tools/build_page writes the definition.
std::span<const WebFile> web_files();

// The answer to a GET or HEAD of a path of the page: a file's own, or one of those that the page shows by itself
// ("/nodes/jp1"), which all get index.html. Nothing for any other request.
std::optional<http::Response> web_answer(std::span<const WebFile> files, const http::Request& request);

}  // namespace moenet::controlplane
