#include "bird/check_config.h"

#include <algorithm>
#include <fnmatch.h>
#include <glob.h>
#include <memory>
#include <set>
#include <sys/stat.h>

#include "base/file.h"

namespace moenet::bird {
namespace {

constexpr int kMostNested = 8;  // MAX_INCLUDE_DEPTH, conf/cf-lex.l; the main file is the first level
constexpr std::size_t kMostFileBytes = 256u << 20;  // a ROA table of the whole internet is 30 MB

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// A path that an include statement cannot name literally.
bool is_awkward(const std::string& path) { return path.find_first_of("?*[\"\n") != std::string::npos; }

// What glob(3) finds, sorted as it sorts.
std::vector<std::string> matches_of(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (::glob(pattern.c_str(), GLOB_NOESCAPE, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  return paths;
}

// A piece of configuration, made of whole lines.
struct Piece {
  std::string text;
  std::vector<SourceLine> origins;
  bool holds_peers = false;

  void add_line(std::string_view line, SourceLine origin) {
    text += line;
    text += '\n';
    origins.push_back(std::move(origin));
  }
  void add(Piece other) {
    text += other.text;
    std::move(other.origins.begin(), other.origins.end(), std::back_inserter(origins));
    holds_peers = holds_peers || other.holds_peers;
  }
};

class Builder {
 public:
  Builder(const FolderView& view, CheckConfig& out) : view_(view), out_(out) {
    struct stat status{};
    if (::stat(view.folder.c_str(), &status) == 0) folder_id_ = {status.st_dev, status.st_ino};
  }

  Result<Piece> file(const std::string& path, const std::optional<std::string>& given, int depth) {
    if (depth > kMostNested) return fail(Errc::invalid, path + ": more than 8 files include one another");
    std::string text;
    if (given) {
      text = *given;
    } else {
      TRY(text, read_file(path, kMostFileBytes));
    }
    Piece piece;
    std::size_t from = 0;
    int line = 1;
    for (const ConfigItem& item : items_of(text)) {
      if (const auto* definition = std::get_if<Definition>(&item)) {
        out_.defined.push_back({*definition, path, !peers_seen_});
        continue;
      }
      const auto& include = std::get<IncludeStatement>(item);
      copy(piece, std::string_view(text).substr(from, include.begin - from), path, line);
      TRY_VOID(expand(piece, include, {path, include.line}, depth));
      from = include.end;
      line = include.line;
      // What follows on the line starts no line in BIRD's eyes: the empty comment keeps an `include` there the error
      // that it is.
      if (from < text.size() && text[from] != '\n') text.replace(from -= 4, 4, "/**/");
    }
    copy(piece, std::string_view(text).substr(from), path, line);
    return piece;
  }

 private:
  using FileId = std::pair<dev_t, ino_t>;

  static void copy(Piece& piece, std::string_view text, const std::string& path, int line) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      piece.add_line(text.substr(0, end), {path, line++});
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  }

  bool is_peer_folder(const std::string& path) const {
    struct stat status{};
    return folder_id_ && ::stat(path.c_str(), &status) == 0 && FileId(status.st_dev, status.st_ino) == *folder_id_;
  }

  // The paths that a pattern will match after the swap, and which of our files each is.
  std::map<std::string, std::string> resolve(const std::string& pattern) const {
    std::map<std::string, std::string> paths;  // path -> name of ours, empty: not ours
    const bool has_wildcards = pattern.find_first_of("?*[") != std::string::npos;
    for (const std::string& path : has_wildcards ? matches_of(pattern) : std::vector<std::string>{pattern})
      paths[path] = "";
    const std::string folder_pattern = folder_of(pattern);
    const std::string name_pattern = name_of(pattern);
    const bool folder_is_plain = folder_pattern.find_first_of("?*[") == std::string::npos;
    for (const std::string& folder : folder_is_plain ? std::vector{folder_pattern} : matches_of(folder_pattern)) {
      if (!is_peer_folder(folder)) continue;
      const std::string prefix = folder == "/" ? "/" : folder + "/";
      const auto matches = [&](const std::string& name) {
        return has_wildcards ? ::fnmatch(name_pattern.c_str(), name.c_str(), FNM_NOESCAPE | FNM_PERIOD) == 0
                             : name == name_pattern;
      };
      for (const std::string& name : view_.removed) {
        if (has_wildcards) paths.erase(prefix + name);  // a literal include of a removed file fails, here as there
      }
      for (const auto& [name, source] : view_.ours) {
        if (matches(name)) paths[prefix + name] = name;
      }
    }
    return paths;
  }

  Result<void> expand(Piece& piece, const IncludeStatement& include, const SourceLine& origin, int depth) {
    const std::string pattern =
        include.pattern.starts_with('/') ? include.pattern : folder_of(origin.file) + "/" + include.pattern;
    for (const auto& [path, name] : resolve(pattern)) {
      if (!name.empty()) {
        TRY_VOID(add_peer(piece, name, origin));
      } else {
        TRY_VOID(add_other(piece, path, origin, depth));
      }
    }
    return {};
  }

  Result<void> add_peer(Piece& piece, const std::string& name, const SourceLine& origin) {
    const auto [earlier, is_new] = out_.reached.emplace(name, origin);
    if (!is_new) {
      return fail(Errc::invalid, "the peer folder is included twice: at " + earlier->second.file + ":" +
                                     std::to_string(earlier->second.line) + " and at " + origin.file + ":" +
                                     std::to_string(origin.line));
    }
    peers_seen_ = true;
    piece.holds_peers = true;
    const std::string& source = view_.ours.at(name);
    if (!is_awkward(source)) {
      piece.add_line("include \"" + source + "\";", origin);
      return {};
    }
    TRY(const std::string text, read_file(source, kMostFileBytes));
    copy(piece, text, source, 1);
    return {};
  }

  // A file that reaches no peer file is included where it lies, so that BIRD names it in errors; any other is taken
  // apart.
  Result<void> add_other(Piece& piece, const std::string& path, const SourceLine& origin, int depth) {
    struct stat status{};
    if (::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) return {};  // BIRD passes over folders
    if (status.st_mode == 0) {
      piece.add_line("include \"" + path + "\";", origin);  // missing: BIRD says so better
      return {};
    }
    TRY(Piece other, file(path, std::nullopt, depth + 1));
    if (other.holds_peers || is_awkward(path)) {
      piece.add(std::move(other));
    } else {
      piece.add_line("include \"" + path + "\";", origin);
    }
    return {};
  }

  const FolderView& view_;
  CheckConfig& out_;
  std::optional<FileId> folder_id_;
  bool peers_seen_ = false;
};

}  // namespace

Result<CheckConfig> build_check(const std::string& main_file, const std::optional<std::string>& main_text,
                                const FolderView& view) {
  CheckConfig out;
  TRY(Piece piece, Builder(view, out).file(main_file, main_text, 1));
  out.text = std::move(piece.text);
  out.origins = std::move(piece.origins);
  return out;
}

}  // namespace moenet::bird
