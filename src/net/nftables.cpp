#include "net/nftables.h"

#include <chrono>
#include <cstdint>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/log.h"
#include "net/isolated.h"
#include "net/netlink.h"
#include "net/nfnetlink_codec.h"

namespace moenet::net {

namespace {

// The first line says what is wrong; the next ones repeat the command.
std::string reason_in(const char* text) {
  const std::string_view all = text == nullptr ? std::string_view() : std::string_view(text);
  const std::string_view line = all.substr(0, all.find('\n'));
  return line.empty() ? "nftables gave no reason" : escape_for_log(line, 200);
}

// One run of libnftables in this process: all of `commands`, or nothing; the listing when one was asked for.
Result<std::string> run_here(const std::string& commands) {
  nft_ctx* context = nft_ctx_new(NFT_CTX_DEFAULT);
  if (context == nullptr || nft_ctx_buffer_output(context) != 0 || nft_ctx_buffer_error(context) != 0) {
    return fail(Errc::unavailable, "libnftables has no memory");
  }
  // Numbers for protocols: their names would depend on /etc/protocols.
  nft_ctx_output_set_flags(context, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_NUMERIC_PROTO);
  if (nft_run_cmd_from_buffer(context, commands.c_str()) != 0) {
    return fail(Errc::unavailable, reason_in(nft_ctx_get_error_buffer(context)));
  }
  const char* output = nft_ctx_get_output_buffer(context);
  return std::string(output == nullptr ? "" : output);  // the process ends: nothing is freed
}

// In a child. libnftables calls exit() when it gets no socket (netlink_open_error() in its src/netlink.c) or does not
// like an answer of the kernel; and that of Debian 12 (1.0.6) crashes on any set that a newer nft made, in anybody's
// table, because it reads the definitions of all sets before it adds a rule (seen with 1.1.3's).
Result<std::string> run(const std::string& commands, Deadline deadline) {
  auto output = run_isolated([&] { return run_here(commands); }, deadline);
  if (!output) return std::unexpected(with_context(std::move(output).error(), "libnftables"));
  return output;
}

}  // namespace

struct Ruleset::State {
  NetlinkSocket socket;
  // A version of nft may list the rules in other words than they were told in (and than 1.0.6 and 1.1.3 do). Then these
  // are its words for our frame, learned from reading back what was just made: without them the table would look
  // changed, and be made anew, for ever.
  std::string learned_frame;
  struct Seen {
    std::uint32_t generation = 0;
    std::optional<FirewallTable> table;
  };
  std::optional<Seen> seen;

  // One question to nf_tables, of which each message of the answer goes to `decode`.
  Result<std::uint32_t> ask(std::vector<std::uint8_t> query,
                            Result<std::optional<std::uint32_t>> (*decode)(std::span<const std::uint8_t>),
                            Deadline deadline) {
    Result<std::optional<std::uint32_t>> found = std::nullopt;
    TRY_VOID(socket.request(
        reinterpret_cast<nlmsghdr*>(query.data()),
        [&](const nlmsghdr* message) {
          const auto* bytes = reinterpret_cast<const std::uint8_t*>(message);
          found = decode({bytes, message->nlmsg_len});
        },
        deadline));
    TRY(const std::optional<std::uint32_t> number, std::move(found));
    if (!number) return fail(Errc::internal, "nf_tables answered nothing");
    return *number;
  }

  Result<std::uint32_t> generation(Deadline deadline) {
    return ask(encode_generation_query(), decode_generation, deadline);
  }

  // The flags of our table; nullopt when it is not there.
  Result<std::optional<std::uint32_t>> flags(Deadline deadline) {
    auto answer = ask(encode_inet_table_query(kFirewallTable), decode_table_flags, deadline);
    if (!answer && answer.error().code == Errc::not_found) return std::nullopt;
    TRY(const std::uint32_t flags, std::move(answer));
    return flags;
  }

  Result<void> change(const std::string& commands, Deadline deadline) {
    seen.reset();
    TRY_VOID(run(commands, deadline));
    return {};
  }

  Result<TableListing> list(Deadline deadline) {
    TRY(const std::string text, run(encode_table_query(), deadline));
    return decode_table(text);
  }

  // Makes all of the table anew and learns how it is listed.
  Result<void> replace(const FirewallRules& rules, Deadline deadline) {
    TRY_VOID(change(encode_replacement(rules), deadline));
    auto listing = list(deadline);  // a failure is the next read()'s to tell: the table is made
    if (listing && listing->rules == rules) learned_frame = std::move(listing->frame);
    return {};
  }
};

Ruleset::Ruleset(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ruleset::Ruleset(Ruleset&&) noexcept = default;
Ruleset& Ruleset::operator=(Ruleset&&) noexcept = default;
Ruleset::~Ruleset() = default;

Result<Ruleset> Ruleset::open() {
  const auto refuse = [](const Error& error) {
    return fail(error.code == Errc::denied ? Errc::denied : Errc::unavailable,
                fmt::format("open nftables: {}", error.what));
  };
  auto socket = NetlinkSocket::open(NetlinkFamily::netfilter);
  if (!socket) return refuse(socket.error());
  auto state = std::make_unique<State>(State{std::move(*socket), {}, {}});
  constexpr auto kAnswerTime = std::chrono::seconds(5);  // chosen: the kernel may have to load nf_tables first
  if (auto answer = state->generation(Deadline::after(kAnswerTime)); !answer) return refuse(answer.error());
  return Ruleset(std::move(state));
}

Result<std::optional<FirewallTable>> Ruleset::read(Deadline deadline) {
  const auto look = [&]() -> Result<std::optional<FirewallTable>> {
    // Asked before the listing: what changes in between makes the next look a real one.
    TRY(const std::uint32_t generation, state_->generation(deadline));
    if (state_->seen && state_->seen->generation == generation) return state_->seen->table;
    std::optional<FirewallTable> table;
    TRY(const std::optional<std::uint32_t> flags, state_->flags(deadline));
    // With flags (dormant) it is not as we made it; and libnftables 1.0.6 cannot list those as JSON: it reads them from
    // a wrong place.
    if (flags && *flags != 0) table.emplace();
    if (flags && *flags == 0) {
      TRY(TableListing listing, state_->list(deadline));
      const bool intact = listing.frame == firewall_frame() || listing.frame == state_->learned_frame;
      table = FirewallTable{std::move(listing.rules), intact};
    }
    state_->seen = State::Seen{generation, table};
    return table;
  };
  auto table = look();
  if (!table) return std::unexpected(with_context(std::move(table).error(), "read nftables table inet moenet"));
  return table;
}

Result<bool> Ruleset::apply(const FirewallRules& rules, Deadline deadline) {
  constexpr std::string_view kAction = "set nftables table inet moenet";
  if (auto valid = validate(rules); !valid) return std::unexpected(with_context(std::move(valid).error(), kAction));
  TRY(const std::optional<FirewallTable> table, read(deadline));
  if (table && table->intact) {
    const std::string commands = encode_change(table->rules, rules);
    if (commands.empty()) return false;
    // A refusal means that the table is no longer what was read: all of it then.
    if (state_->change(commands, deadline)) return true;
  }
  if (auto made = state_->replace(rules, deadline); !made) {
    return std::unexpected(with_context(std::move(made).error(), kAction));
  }
  return true;
}

Result<void> Ruleset::remove(Deadline deadline) {
  TRY(const auto flags, state_->flags(deadline));
  if (!flags) return {};
  if (auto done = state_->change(encode_removal(), deadline); !done) {
    return std::unexpected(with_context(std::move(done).error(), "remove nftables table inet moenet"));
  }
  return {};
}

Result<std::vector<HostileChain>> Ruleset::hostile_chains(Deadline deadline) {
  auto listing = run(encode_chains_query(), deadline);
  if (!listing) return std::unexpected(with_context(std::move(listing).error(), "list nftables chains"));
  return decode_hostile_chains(*listing);
}

}  // namespace moenet::net
