#include "bird/transaction.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/latest.h"
#include "bird/check_config.h"
#include "bird/control.h"
#include "bird/main_file.h"
#include "bird/stage.h"
#include "bird/touched.h"

namespace moenet::bird {
namespace {

// How long taking back a swap may last beyond the caller's deadline: BIRD answers in 50 ms at 5,000 peers, or is away.
constexpr std::chrono::seconds kRollbackTime{5};
constexpr std::chrono::milliseconds kFirstPause{5}, kLongestPause{100};

bool is_plain_name(const std::string& name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.';
  };
  return name.ends_with(".conf") && !name.starts_with('.') && name.size() <= 200 &&
         std::all_of(name.begin(), name.end(), is_plain);
}

std::string position(const std::string& file, int line, int column) {
  if (line == 0) return file;
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

// One apply().
class Run {
 public:
  Run(BirdPool& pool, PeerFolder& folder, const PolicyNames& names, const TransactionSettings& settings,
      Deadline deadline, const std::stop_token& stop)
      : pool_(pool),
        folder_(folder),
        names_(names),
        settings_(settings),
        deadline_(deadline),
        stop_(stop),
        stage_(folder.path()) {}

  bool was_taken_back() const { return was_taken_back_; }

  Result<TransactionResult> apply(const FileChange& change) {
    TRY_VOID(take_up(change));
    if (!is_needed() && !main_.wanted) return std::move(result_);
    TRY(lease_, pool_.take(deadline_, stop_));
    BirdControl bird(**lease_, deadline_, stop_);
    TRY(main_.path, bird.main_file());
    TRY_VOID(main_.take_up());
    if (!is_needed() && !main_.wanted) return std::move(result_);
    TRY_VOID(stage_all());
    TRY_VOID(check_and_cut(bird));
    if (is_needed() || main_.wanted) TRY_VOID(load(bird));
    return std::move(result_);
  }

 private:
  bool is_needed() const { return !put_.empty() || !remove_.empty() || reload_; }

  Result<void> take_up(const FileChange& change);
  Result<void> stage_all();
  Result<void> check_and_cut(BirdControl& bird);
  FolderView view() const;
  Result<bool> refuse_by_ourselves(const CheckConfig& check, const FolderView& folder);
  Result<void> judge(const ConfigError& error, const CheckConfig& check);
  std::string missing_names(const CheckConfig& check) const;
  bool uses_filter(const std::string& name) const;
  bool is_policy(const std::string& name) const;
  bool changes_policy() const;
  bool has_old_policy() const;
  void refuse(const std::string& name, std::string message);
  Result<void> refuse_policy(const std::string& message);
  void guard(const std::vector<ProtocolStatus>& before);
  Result<void> load(BirdControl& bird);
  Result<void> run_new_files(BirdControl& bird, bool& accepted);
  Result<void> gate(BirdControl& bird, Deadline until);
  std::vector<std::string> fallen(const std::vector<ProtocolStatus>& now) const;
  Error take_back(Error cause, bool accepted);
  Result<bool> undo();

  BirdPool& pool_;
  PeerFolder& folder_;
  const PolicyNames& names_;
  const TransactionSettings& settings_;
  Deadline deadline_;
  const std::stop_token& stop_;

  std::optional<BirdPool::Lease> lease_;
  Stage stage_;
  MainFile main_;
  gid_t group_ = 0;
  std::map<std::string, std::shared_ptr<const model::BirdFile>> live_;  // ours, as the folder holds them
  std::map<std::string, const model::BirdFile*> put_;
  std::set<std::string> remove_;
  bool reload_ = false;
  bool was_cut_off_ = false;
  bool was_taken_back_ = false;
  bool owns_main_ = false;
  std::set<std::string> guarded_;  // untouched BGP sessions that were Established
  TransactionResult result_;
};

Result<void> Run::take_up(const FileChange& change) {
  TRY(const PeerFolder::Listing listing, folder_.read());
  for (const auto& file : listing.ours) live_.emplace(file->name, file);
  was_cut_off_ = Stage::has_journal(folder_.path());
  reload_ = change.reload || was_cut_off_;
  main_.wanted = change.main_text;
  owns_main_ = change.main_text.has_value();
  for (const model::BirdFile& file : change.put) {
    const auto live = live_.find(file.name);
    if (!is_plain_name(file.name)) {
      result_.refused.push_back({file.name, "not a name for a peer file"});
    } else if (owner_in(file.text) != file.owner) {
      result_.refused.push_back({file.name, "its first line does not name its owner"});
    } else if (std::binary_search(listing.foreign.begin(), listing.foreign.end(), file.name)) {
      result_.refused.push_back({file.name, "a file of this name is in " + folder_.path() + " and is not ours"});
    } else if (live == live_.end() || live->second->text != file.text) {
      put_[file.name] = &file;
    }
  }
  for (const std::string& name : change.remove) {
    if (live_.contains(name) && !put_.contains(name)) remove_.insert(name);
  }
  return {};
}

// New files get the group of the peer folder, because BIRD may run as another user; where that is root's, which says
// nothing, the group of the main file, which BIRD can read.
Result<void> Run::stage_all() {
  struct stat status{};
  if (::stat(folder_.path().c_str(), &status) != 0)
    return std::unexpected(error_from_errno(errno, "look at " + folder_.path()));
  group_ = status.st_gid;
  if (group_ == 0 && ::stat(main_.path.c_str(), &status) == 0) group_ = status.st_gid;
  TRY_VOID(stage_.open(group_));
  for (const auto& [name, file] : put_) TRY_VOID(stage_.put(*file));
  return {};
}

FolderView Run::view() const {
  FolderView view{folder_.path(), {}, {remove_.begin(), remove_.end()}};
  for (const auto& [name, file] : live_) {
    if (!remove_.contains(name)) view.ours[name] = folder_.path() + "/" + name;
  }
  for (const auto& [name, file] : put_) view.ours[name] = stage_.path_of(name);
  return view;
}

void Run::refuse(const std::string& name, std::string message) {
  put_.erase(name);
  if (live_.contains(name)) remove_.insert(name);
  result_.refused.push_back({name, std::move(message)});
}

bool Run::is_policy(const std::string& name) const {
  const auto put = put_.find(name);
  if (put != put_.end()) return put->second->owner == model::kPolicyOwner;
  const auto live = live_.find(name);
  return live != live_.end() && live->second->owner == model::kPolicyOwner;
}

bool Run::changes_policy() const {
  return std::any_of(put_.begin(), put_.end(), [&](const auto& entry) { return is_policy(entry.first); }) ||
         std::any_of(remove_.begin(), remove_.end(), [&](const auto& name) { return is_policy(name); });
}

bool Run::has_old_policy() const {
  return std::any_of(live_.begin(), live_.end(),
                     [](const auto& entry) { return entry.second->owner == model::kPolicyOwner; });
}

// All of it stays as it was. Where there is none from before, peers have nothing to build on, and nothing can be done.
Result<void> Run::refuse_policy(const std::string& message) {
  if (!changes_policy() || !has_old_policy()) return fail(Errc::invalid, "BIRD refuses its policy: " + message);
  std::erase_if(remove_, [&](const std::string& name) { return is_policy(name); });
  std::erase_if(put_, [&](const auto& entry) { return entry.second->owner == model::kPolicyOwner; });
  result_.policy_refused = message;
  return {};
}

// Checks what BIRD would read, and again without each file that it refuses, until it is content.
Result<void> Run::check_and_cut(BirdControl& bird) {
  for (;;) {
    if (result_.refused.size() > settings_.most_refusals) {
      return fail(Errc::invalid, "BIRD refused more than " + std::to_string(settings_.most_refusals) +
                                     " peer files, the last one: " + result_.refused.back().message);
    }
    const FolderView folder = view();
    TRY(const CheckConfig check, build_check(main_.path, main_.wanted, folder));
    TRY(const bool cut, refuse_by_ourselves(check, folder));
    if (cut) continue;
    TRY_VOID(stage_.write_check(check.text));
    TRY(const std::optional<ConfigError> error, bird.check(stage_.check_path()));
    if (!error) return {};
    TRY_VOID(judge(*error, check));
  }
}

// What BIRD would say too, but of the wrong file, or in words that help nobody. True: a file was cut out.
Result<bool> Run::refuse_by_ourselves(const CheckConfig& check, const FolderView& folder) {
  for (const auto& [name, path] : folder.ours) {
    if (!check.reached.contains(name)) {
      return fail(Errc::invalid, main_.path + " does not include the peer file " + name + ": add the line " +
                                     include_line(folder_.path()));
    }
  }
  bool cut = false;
  for (const CheckConfig::Defined& defined : check.defined) {
    const std::string name = defined.definition.name + ".conf";
    if (defined.definition.kind != Definition::Kind::protocol || !folder.ours.contains(name)) continue;
    refuse(name, "protocol " + defined.definition.name + " is defined already, at " + defined.file + ":" +
                     std::to_string(defined.definition.line));
    cut = true;
  }
  if (cut) return true;
  const std::string missing = folder.ours.empty() || owns_main_ ? "" : missing_names(check);
  if (!missing.empty()) return fail(Errc::invalid, missing);
  return false;
}

bool Run::uses_filter(const std::string& name) const {
  // With the start of the line, which no string from outside can fake.
  const std::string in = "\n    import filter " + name + ";", out = "\n    export filter " + name + ";";
  const auto uses = [&](const model::BirdFile& file) {
    return file.text.find(in) != std::string::npos || file.text.find(out) != std::string::npos;
  };
  for (const auto& [file_name, file] : put_) {
    if (uses(*file)) return true;
  }
  return std::any_of(live_.begin(), live_.end(), [&](const auto& entry) {
    return !put_.contains(entry.first) && !remove_.contains(entry.first) && uses(*entry.second);
  });
}

std::string Run::missing_names(const CheckConfig& check) const {
  std::vector<std::pair<Definition::Kind, std::string>> needed{{Definition::Kind::bgp_template, names_.peer_template}};
  for (const std::string* name :
       {&names_.import_filter, &names_.export_filter, &names_.import_theirs, &names_.export_own}) {
    if (uses_filter(*name)) needed.emplace_back(Definition::Kind::filter, *name);
  }
  std::string names, snippets;
  for (const auto& [kind, name] : needed) {
    const auto is_it = [&](const CheckConfig::Defined& d) {
      return d.definition.kind == kind && d.definition.name == name;
    };
    const auto found = std::find_if(check.defined.begin(), check.defined.end(), is_it);
    if (found != check.defined.end() && found->before_peers) continue;
    if (found != check.defined.end()) {
      return name + " is defined at " + found->file + ":" + std::to_string(found->definition.line) +
             ", after the peer files that use it are included: move the line " + include_line(folder_.path()) +
             " below it";
    }
    names += (names.empty() ? "" : ", ") + std::string(kind == Definition::Kind::filter ? "filter " : "template bgp ") +
             name;
    snippets += "\n" + snippet_for(name, names_);
  }
  if (names.empty()) return "";
  return main_.path + " does not define " + names +
         ", which peer files use. Add before the peer files are included:" + snippets;
}

// An error in a file of ours cuts that file out; any other is the operator's.
Result<void> Run::judge(const ConfigError& error, const CheckConfig& check) {
  if (error.text.find("Permission denied") != std::string::npos) {
    return fail(Errc::denied, "BIRD may not read the peer files (" + error.text + "): give " + folder_.path() +
                                  " the group that BIRD runs as");
  }
  std::string file = error.file;
  int line = error.line;
  if (file == stage_.check_path()) {
    const bool is_known = line > 0 && static_cast<std::size_t>(line) <= check.origins.size();
    const SourceLine origin = is_known ? check.origins[static_cast<std::size_t>(line) - 1] : SourceLine{main_.path, 0};
    file = origin.file;
    line = origin.line;
  }
  const std::string name = file.substr(file.rfind('/') + 1);
  const std::string words = position(name, line, error.column) + " " + error.text;
  const bool is_ours = file == stage_.path_of(name) || file == folder_.path() + "/" + name;
  if (is_ours && is_policy(name)) return refuse_policy(words);
  const bool is_staged = put_.contains(name) && file == stage_.path_of(name);
  const bool is_live =
      live_.contains(name) && !put_.contains(name) && !remove_.contains(name) && file == folder_.path() + "/" + name;
  if (is_staged || is_live) {
    refuse(name, words);
  } else if (changes_policy() && has_old_policy()) {
    return refuse_policy(position(file, line, error.column) + " " + error.text);  // it may be what the policy brings
  } else {
    return fail(Errc::invalid,
                "BIRD's configuration is wrong: " + position(file, line, error.column) + " " + error.text);
  }
  const auto same = [&](const Refusal& r) { return r.message.ends_with(error.text); };
  if (result_.refused.size() > 1 && view().ours.empty() &&
      std::all_of(result_.refused.begin(), result_.refused.end(), same)) {
    return fail(Errc::invalid, "BIRD refuses every peer file, so " + main_.path + " is to blame: " + words);
  }
  return {};
}

std::vector<std::string> Run::fallen(const std::vector<ProtocolStatus>& now) const {
  std::vector<std::string> names;
  for (const ProtocolStatus& row : now) {
    if (guarded_.contains(row.name) && !row.is_established()) names.push_back(row.name);
  }
  return names;
}

void Run::guard(const std::vector<ProtocolStatus>& before) {
  std::vector<FileEdit> edits;
  std::vector<std::string_view> unchanged;
  for (const auto& [name, file] : put_) {
    const auto live = live_.find(name);
    edits.push_back({live != live_.end() ? std::string_view(live->second->text) : std::string_view(), file->text});
  }
  for (const std::string& name : remove_) edits.push_back({live_.at(name)->text, ""});
  for (const auto& [name, file] : live_) {
    if (!put_.contains(name) && !remove_.contains(name)) unchanged.push_back(file->text);
  }
  if (main_.wanted && main_.old_text) edits.push_back({*main_.old_text, *main_.wanted});
  const auto touched = touched_protocols(edits, unchanged);
  if (!touched) return;
  for (const ProtocolStatus& row : before) {
    if (row.proto == "BGP" && row.is_established() && !touched->contains(row.name)) guarded_.insert(row.name);
  }
}

Result<void> Run::load(BirdControl& bird) {
  TRY(const std::vector<ProtocolStatus> before, bird.protocols());
  guard(before);
  Stage::Swap swap{{}, {remove_.begin(), remove_.end()}};
  for (const auto& [name, file] : put_) swap.put.push_back(name);
  bool accepted = false;
  Result<void> done = stage_.swap(swap);
  if (done) done = main_.write(group_);
  if (done) done = run_new_files(bird, accepted);
  if (!done) return std::unexpected(take_back(std::move(done).error(), accepted));
  result_.configured = true;
  return stage_.drop_journal();
}

// `accepted`: BIRD may have begun to load the new files, so that taking back needs it.
Result<void> Run::run_new_files(BirdControl& bird, bool& accepted) {
  const std::chrono::milliseconds undo_after = settings_.undo_timeout;
  const Deadline until = deadline_.or_sooner(std::min(settings_.gate, undo_after * 3 / 4));
  accepted = true;
  TRY(const std::optional<ConfigError> error, bird.configure(settings_.undo_timeout));
  if (error) {
    accepted = false;
    return fail(Errc::invalid, "BIRD's configuration changed and is wrong: " +
                                   position(error->file, error->line, error->column) + " " + error->text);
  }
  TRY_VOID(gate(bird, until));
  TRY(const bool confirmed, bird.confirm());
  if (!confirmed)
    return fail(Errc::unavailable, "BIRD took the change back by itself, or restarted, before it was confirmed");
  return {};
}

// Waits until BIRD has settled and every guarded session is Established.
Result<void> Run::gate(BirdControl& bird, Deadline until) {
  auto pause = kFirstPause;
  for (;;) {
    TRY(const BirdControl::LoadState state, bird.load_state());
    if (!state.undo_pending) return fail(Errc::unavailable, "BIRD took the change back by itself, or restarted");
    TRY(const std::vector<ProtocolStatus> now, bird.protocols());
    const std::vector<std::string> lost = fallen(now);
    if (state.settled && lost.empty()) return {};
    if (until.passed()) {
      if (lost.empty()) return fail(Errc::timeout, "BIRD did not finish loading its configuration in time");
      return fail(Errc::conflict, "BGP session " + lost.front() +
                                      (lost.size() > 1 ? " and " + std::to_string(lost.size() - 1) + " more" : "") +
                                      ", which this change did not touch, left Established with it");
    }
    Wakeup().wait(until.or_sooner(pause), stop_);
    if (stop_.stop_requested()) return fail(Errc::cancelled, "load BIRD's configuration");
    pause = std::min(pause * 2, kLongestPause);
  }
}

// Until no load is under way. False: it still is at the deadline.
Result<bool> settle(BirdControl& bird, Deadline deadline, BirdControl::LoadState& state) {
  for (;;) {
    TRY(state, bird.load_state());
    if (state.settled) return true;
    if (deadline.passed()) return false;
    Wakeup().wait(deadline.or_sooner(kFirstPause), {});
  }
}

// Undoes a load that waits for its confirmation, on a connection and in a time of its own. True: BIRD runs what it ran
// before. Never while a load is under way: BIRD 3.1.8 queues the undo and then dies (assertion at conf/conf.c:301,
// seen).
Result<bool> Run::undo() {
  const Deadline deadline = Deadline::after(kRollbackTime);
  const std::stop_token never;
  TRY(BirdPool::Lease lease, pool_.take(deadline, never));
  BirdControl bird(*lease, deadline, never);
  BirdControl::LoadState state;
  TRY(const bool is_loaded, settle(bird, deadline, state));
  if (!is_loaded || !state.undo_pending) return false;
  TRY(const bool began, bird.undo());
  if (!began) return false;
  return settle(bird, deadline, state);
}

// The files go back first: should BIRD restart now, it reads the old ones. The journal stays when it is not certain
// what BIRD runs.
Error Run::take_back(Error cause, bool accepted) {
  was_taken_back_ = true;
  Result<void> files = stage_.restore();
  if (const auto main = main_.restore(); !main && files) files = main;
  if (!files) return {Errc::internal, cause.what + "; and the old files could not be put back: " + files.error().what};
  lease_.reset();  // undo() takes one of its own, and there may be no other
  const Result<bool> undone = accepted ? undo() : Result<bool>(true);
  const bool is_certain = undone && *undone && !was_cut_off_;
  if (is_certain) {
    if (const auto dropped = stage_.drop_journal(); !dropped) cause.what += "; " + dropped.error().what;
  }
  if (!undone) cause.what += "; BIRD could not be told to take it back: " + undone.error().what;
  return cause;
}

}  // namespace

void BirdTransaction::count(const Result<TransactionResult>& outcome, bool taken_back) {
  const std::lock_guard lock(mutex_);
  if (!outcome) ++counters_.failed;
  if (outcome && outcome->configured) ++counters_.configured;
  if (outcome) counters_.cut_out += outcome->refused.size();
  if (taken_back) ++counters_.taken_back;
}

TransactionCounters BirdTransaction::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

BirdTransaction::BirdTransaction(BirdPool& pool, PeerFolder& folder, PolicyNames names, TransactionSettings settings)
    : pool_(pool), folder_(folder), names_(std::move(names)), settings_(settings) {}

Result<TransactionResult> BirdTransaction::apply(const FileChange& change, Deadline deadline,
                                                 const std::stop_token& stop) {
  const SteadyTime began = steady_now();
  Run run(pool_, folder_, names_, settings_, deadline, stop);
  Result<TransactionResult> result = run.apply(change);
  count(result, run.was_taken_back());
  if (result) result->took = std::chrono::duration_cast<std::chrono::milliseconds>(steady_now() - began);
  return result;
}

bool BirdTransaction::was_cut_off() const { return Stage::has_journal(folder_.path()); }

}  // namespace moenet::bird
