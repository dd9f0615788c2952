#include "controlplane/people_api.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "base/log.h"
#include "controlplane/admin_body.h"
#include "controlplane/agent_api.h"
#include "controlplane/answers.h"
#include "controlplane/pagination.h"
#include "controlplane/people_body.h"
#include "controlplane/token.h"

namespace moenet::controlplane {

namespace {

namespace json = boost::json;

http::Response answer_of(Checked<http::Response> answer) {
  return answer ? std::move(*answer) : problem(answer.error());
}

// Admins run the network; who else does is the owner's to say.
Checked<void> may_manage(const Caller& caller, Role role) {
  if (caller.role == Role::owner || role == Role::user) return {};
  return refuse(Errc::denied, "users with role admin or owner are the owner's");
}

bool is_own(const Caller& caller, const ApiToken& token) { return caller.user == token.user; }

// With the ETag that a GET of the same user has.
http::Response user_answer(int status, const User& user) {
  http::Response answer = json_answer(status, view_of(user));
  answer.headers.set("ETag", etag_of(answer.body));
  return answer;
}

// The part of `items` behind part.after by `key_of`, which sorts them, as {"<name>":[…],"next":…}.
template <class T, class KeyOf>
json::object part_answer(std::string_view name, std::vector<T> items, const PartOfList& part, KeyOf key_of) {
  std::ranges::sort(items, {}, key_of);  // by bytes, which a database's own order need not be
  json::array list;
  json::value next;
  std::string last;
  for (const T& item : items) {
    if (part.after && key_of(item) <= *part.after) continue;
    if (list.size() == part.limit) {
      next = last;
      break;
    }
    list.push_back(view_of(item));
    last = key_of(item);
  }
  return {{name, std::move(list)}, {"next", std::move(next)}};
}

}  // namespace

http::Response PeopleApi::for_admins(const http::Request& request, const Work& work) const {
  const auto caller = access_.admin(request, now_());
  return caller ? answer_of(work(*caller)) : caller.error();
}

http::Response PeopleApi::for_all(const http::Request& request, const Work& work) const {
  const auto caller = access_.person(request, now_());
  return caller ? answer_of(work(*caller)) : caller.error();
}

http::Response PeopleApi::list_users(const http::Request& request) const {
  return for_admins(request, [&](const Caller&) -> Checked<http::Response> {
    CHECKED_TRY(const auto part, part_of_list(request));
    CHECKED_TRY(auto users, store_.users());
    return read_answer(request,
                       part_answer("users", std::move(users), part, [](const User& user) { return user.name; }));
  });
}

http::Response PeopleApi::add_user(const http::Request& request) const {
  return for_admins(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    CHECKED_TRY(const auto user, new_user(body));
    if (auto may = may_manage(caller, user.role); !may) return std::unexpected(may.error());
    CHECKED_TRY(const auto added, store_.add_user(caller.author(), user));
    log::info("user added", {{"user", added.name}, {"role", name_of(added.role)}, {"by", caller.name}});
    return user_answer(201, added);
  });
}

http::Response PeopleApi::show_user(const http::Request& request, std::string_view id) const {
  return for_admins(request, [&](const Caller&) -> Checked<http::Response> {
    CHECKED_TRY(const auto user, store_.find_user(id));
    return read_answer(request, view_of(user));
  });
}

http::Response PeopleApi::edit_user(const http::Request& request, std::string_view id) const {
  return for_admins(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto body, json_body(request));
    CHECKED_TRY(const auto changed, store_.change_user(caller.author(), id, [&](const User& user) -> Checked<User> {
      if (auto may = check_if_match(request, view_of(user)); !may) return std::unexpected(may.error());
      CHECKED_TRY(auto wanted, merge_user(user, body));
      for (const Role role : {user.role, wanted.role}) {
        if (auto may = may_manage(caller, role); !may) return std::unexpected(may.error());
      }
      return wanted;
    }));
    log::info("user changed", {{"user", changed.name}, {"role", name_of(changed.role)}, {"by", caller.name}});
    return user_answer(200, changed);
  });
}

http::Response PeopleApi::remove_user(const http::Request& request, std::string_view id) const {
  return for_admins(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto removed, store_.delete_user(caller.author(), id, [&](const User& user) -> Checked<void> {
      if (auto may = check_if_match(request, view_of(user)); !may) return may;
      return may_manage(caller, user.role);
    }));
    log::info("user deleted", {{"user", removed.name}, {"by", caller.name}});
    return http::Response{204, {}, ""};
  });
}

http::Response PeopleApi::list_tokens(const http::Request& request) const {
  return for_all(request, [&](const Caller& caller) -> Checked<http::Response> {
    CHECKED_TRY(const auto part, part_of_list(request));
    CHECKED_TRY(auto tokens, store_.api_tokens());
    if (caller.role != Role::owner)
      std::erase_if(tokens, [&](const ApiToken& token) { return !is_own(caller, token); });
    return read_answer(
        request, part_answer("tokens", std::move(tokens), part, [](const ApiToken& token) { return token.uuid; }));
  });
}

// A token that makes tokens would outlive its own end.
http::Response PeopleApi::add_token(const http::Request& request) const {
  return for_all(request, [&](const Caller& caller) -> Checked<http::Response> {
    if (!caller.token.empty()) return refuse(Errc::denied, "an API token cannot make tokens");
    CHECKED_TRY(const auto body, json_body(request));
    CHECKED_TRY(auto wanted, new_token(body, now_()));
    Role most = caller.role;
    wanted.token.user = caller.user;
    if (!wanted.user.empty()) {
      if (caller.role != Role::owner) return refuse(Errc::denied, "tokens of others are the owner's", "user");
      const auto user = store_.find_user(wanted.user);
      if (!user && user.error().code == Errc::not_found) return refuse(Errc::invalid, user.error().what, "user");
      if (!user) return std::unexpected(Refusal(user.error()));
      wanted.token.user = user->uuid;
      most = user->role;
    }
    // The owner's programs run the network; that they decide who else does must be said.
    wanted.token.role = wanted.role.value_or(std::min(most, Role::admin));
    if (wanted.token.role > most) return refuse(Errc::denied, "not above the role of whose it is", "role");
    const Secret secret = make_token();
    CHECKED_TRY(const auto added,
                store_.add_api_token(caller.author(), std::move(wanted.token), hash_of_token(secret.reveal())));
    log::info("token added", {{"label", added.label}, {"user", added.user_name}, {"by", caller.name}});
    json::object answer = view_of(added);
    answer["token"] = secret.reveal();
    return json_answer(201, answer);
  });
}

http::Response PeopleApi::remove_token(const http::Request& request, std::string_view id) const {
  return for_all(request, [&](const Caller& caller) -> Checked<http::Response> {
    // Another's is as good as absent.
    CHECKED_TRY(const auto revoked,
                store_.revoke_api_token(caller.author(), id, [&](const ApiToken& token) -> Checked<void> {
                  if (caller.role == Role::owner || is_own(caller, token)) return {};
                  return refuse(Errc::not_found, "no such token");
                }));
    log::info("token revoked", {{"label", revoked.label}, {"user", revoked.user_name}, {"by", caller.name}});
    return http::Response{204, {}, ""};
  });
}

http::Response PeopleApi::audit(const http::Request& request) const {
  return for_admins(request, [&](const Caller&) -> Checked<http::Response> {
    CHECKED_TRY(const auto part, part_of_list(request));
    CHECKED_TRY(auto filter, audit_filter(request, part));
    filter.limit = part.limit + 1;  // one more tells whether there is one
    CHECKED_TRY(auto entries, store_.audit(filter));
    json::value next;
    if (entries.size() > part.limit) {
      entries.pop_back();
      next = std::to_string(entries.back().seq);
    }
    json::array list;
    for (const AuditEntry& entry : entries) list.push_back(view_of(entry));
    return read_answer(request, json::object{{"entries", std::move(list)}, {"next", std::move(next)}});
  });
}

}  // namespace moenet::controlplane
