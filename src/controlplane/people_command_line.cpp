#include "controlplane/people_command_line.h"

#include <functional>
#include <memory>

#include <boost/json.hpp>

namespace moenet::controlplane {

namespace {

namespace json = boost::json;
using Kind = ApiCommand::Kind;

constexpr std::int64_t kDay = 24 * 3'600;

// What is typed; the callbacks of CLI11 live as long as the parser, and so does this.
struct Typed {
  ApiCommand api;
  std::string role, label, user;
  std::int64_t asn = 0;
  std::int64_t days = 90;
};

using Fill = std::function<void(Typed&)>;

CLI::App* command(CLI::App& under, CommandLine& line, const std::shared_ptr<Typed>& typed, Kind kind, const char* name,
                  const char* help, const Fill& fill = {}) {
  CLI::App* added = under.add_subcommand(name, help);
  added->fallthrough();
  added->callback([&line, typed, kind, fill] {
    typed->api.kind = kind;
    if (fill) fill(*typed);
    line.command = typed->api;
  });
  return added;
}

void set_body(Typed& typed, json::object body) { typed.api.body = json::serialize(body); }

void add_user_commands(CLI::App& app, CommandLine& line, const std::shared_ptr<Typed>& typed) {
  CLI::App* users = app.add_subcommand("user", "People who may use this control plane");
  users->fallthrough();
  users->require_subcommand(1);
  command(*users, line, typed, Kind::user_list, "list", "List them");
  CLI::App* add =
      command(*users, line, typed, Kind::user_add, "add",
              "Add one. Who proves an AS number needs no adding; who has none signs in with a token", [](Typed& t) {
                json::object body{{"role", t.role.empty() ? "user" : t.role}};
                if (!t.api.subject.empty()) body["name"] = t.api.subject;
                if (t.asn != 0) body["asn"] = t.asn;
                set_body(t, std::move(body));
              });
  add->add_option("name", typed->api.subject, "Letters, digits, . _ - (default: AS and the number)");
  add->add_option("--asn", typed->asn, "Their AS number");
  add->add_option("--role", typed->role, "user, admin or owner (default user)");
  CLI::App* role = command(*users, line, typed, Kind::user_change, "role", "What one may do, from now on",
                           [](Typed& t) { set_body(t, {{"role", t.role}}); });
  role->add_option("name", typed->api.subject, "Whose")->required();
  role->add_option("role", typed->role, "user, admin or owner")->required();
  for (const bool disabled : {true, false}) {
    CLI::App* change =
        command(*users, line, typed, Kind::user_change, disabled ? "disable" : "enable",
                disabled ? "Out at once: sessions and tokens end, and no sign-in until enabled" : "May sign in again",
                [disabled](Typed& t) { set_body(t, {{"disabled", disabled}}); });
    change->add_option("name", typed->api.subject, "Who")->required();
  }
  CLI::App* remove = command(*users, line, typed, Kind::user_delete, "delete",
                             "Forget one. Who can prove an AS number may come again: disable them to keep them out");
  remove->add_option("name", typed->api.subject, "Who")->required();
}

void add_token_commands(CLI::App& app, CommandLine& line, const std::shared_ptr<Typed>& typed) {
  CLI::App* tokens = app.add_subcommand("token", "API tokens of people and programs");
  tokens->fallthrough();
  tokens->require_subcommand(1);
  command(*tokens, line, typed, Kind::token_list, "list", "List them");
  CLI::App* add =
      command(*tokens, line, typed, Kind::token_add, "add", "Make one and print it, this once", [](Typed& t) {
        json::object body{{"label", t.label}, {"expiresIn", t.days * kDay}};
        if (!t.role.empty()) body["role"] = t.role;
        if (!t.user.empty()) body["user"] = t.user;
        set_body(t, std::move(body));
      });
  add->add_option("label", typed->label, "What it is for: letters, digits, . _ -")->required();
  add->add_option("--role", typed->role, "At most this (default: the user's; admin for the owner's own)");
  add->add_option("--user", typed->user, "Whose it is (default: the owner's)");
  add->add_option("--days", typed->days, "How long it is good; 0 = until revoked")->capture_default_str();
  CLI::App* revoke = command(*tokens, line, typed, Kind::token_revoke, "revoke", "End one at once");
  revoke->add_option("id", typed->api.subject, "Its id, as `token list` has it")->required();
}

}  // namespace

void add_people_commands(CLI::App& app, CommandLine& line) {
  const auto typed = std::make_shared<Typed>();
  add_user_commands(app, line, typed);
  add_token_commands(app, line, typed);
  CLI::App* audit = command(app, line, typed, Kind::audit, "audit", "Who changed what: the newest last");
  audit->add_option("--object", typed->api.subject, "Of this only: \"node jp1\", \"session UUID\", settings, …");
  audit->add_option("--who", typed->api.who, "By this only: owner, AS4242420101, \"node jp1\", …");
  audit->add_option("--limit", typed->api.limit, "How many, at most 500")->capture_default_str();
}

}  // namespace moenet::controlplane
