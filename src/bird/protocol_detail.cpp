#include "bird/protocol_detail.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/log.h"

namespace moenet::bird {
namespace {

constexpr int kRow = 1002;
constexpr int kDetail = 1006;

// The last error of a session that a limit ended.
constexpr std::string_view kLimitEndedIt = "Automatic shutdown: Route limit exceeded";

bool take(std::string_view& text, std::string_view first_words) {
  if (!text.starts_with(first_words)) return false;
  text.remove_prefix(first_words.size());
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return true;
}

// BIRD pads a word here and there.
std::string_view trimmed_end(std::string_view text) { return text.substr(0, text.find_last_not_of(' ') + 1); }

// The number that `text` begins with, which ends at a blank or a comma.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (error != std::errc{} || (!text.empty() && text.front() != ' ' && text.front() != ',')) return std::nullopt;
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return number;
}

bool read_asn(std::string_view text, std::optional<std::uint32_t>& asn) {
  const auto number = take_number(text);
  if (!number || *number > UINT32_MAX) return false;
  if (*number != 0) asn = static_cast<std::uint32_t>(*number);  // 0: not known yet (`neighbor external`)
  return true;
}

// "9000 [HIT]". BIRD prints the 32 bits with a sign.
bool read_limit(std::string_view text, std::optional<ChannelLimit>& limit) {
  const bool is_negative = text.starts_with('-');
  text.remove_prefix(is_negative ? 1 : 0);
  const auto number = take_number(text);
  if (!number || *number > UINT32_MAX) return false;
  limit.emplace();
  limit->routes = is_negative ? (std::uint64_t{1} << 32) - *number : *number;
  limit->is_hit = text.starts_with("[HIT]");
  return true;
}

// "1 imported, 0 filtered, 3 exported, 1 preferred": a word that nobody knows is passed over.
bool read_routes(std::string_view text, ChannelDetail& channel) {
  while (!text.empty()) {
    const auto number = take_number(text);
    if (!number) return false;
    if (take(text, "imported")) {
      channel.imported = *number;
    } else if (take(text, "filtered")) {
      channel.filtered = *number;
    } else if (take(text, "exported")) {
      channel.exported = *number;
    } else if (take(text, "preferred")) {
      channel.preferred = *number;
    }
    const std::size_t comma = std::min(text.find(','), text.size());
    text.remove_prefix(std::min(text.find_first_not_of(", ", comma), text.size()));
  }
  return true;
}

// Columns: received, rejected, filtered, ignored, in BIRD 3 two of limits, accepted; "---" where nothing is counted.
bool read_import_updates(std::string_view text, ChannelDetail& channel) {
  constexpr std::size_t kBird3Columns = 7;
  std::array<std::uint64_t, kBird3Columns> columns{};
  std::size_t count = 0;
  for (; !text.empty() && count < columns.size(); ++count) {
    if (take(text, "---")) continue;
    const auto number = take_number(text);
    if (!number) return false;
    columns[count] = *number;
  }
  channel.import_updates_rejected = columns[1] + columns[2];
  if (count != kBird3Columns) return true;
  channel.import_updates_rejected += columns[4] + columns[5];
  const std::uint64_t elsewhere = columns[1] + columns[2] + columns[3] + columns[4] + columns[6];
  channel.import_updates_blocked = columns[0] - std::min(columns[0], elsewhere);
  return true;
}

// Reads the lines of one reply, each in the context of those before. What thousands of protocols say alike is shared
// with the protocol before, channel by channel.
class DetailReader {
 public:
  explicit DetailReader(std::vector<ProtocolDetail>& protocols) : protocols_(protocols) {}

  Result<void> take_row(std::string_view text) {
    TRY(auto row, protocols_.empty() ? parse_protocol_row(text) : parse_protocol_row(text, protocols_.back().status));
    protocols_.emplace_back().status = std::move(row);
    channel_ = nullptr;
    limit_ = nullptr;
    return {};
  }

  Result<void> take_detail(std::string_view line) {
    if (protocols_.empty()) return {};
    const std::size_t indent = line.find_first_not_of(' ');
    if (indent == line.npos) return {};
    const std::string_view text = line.substr(indent);
    const bool good = indent == 2 ? read_heading(text) : channel_ ? read_channel(text) : read_protocol(text);
    if (good) return {};
    return fail(Errc::invalid,
                "show protocols all: " + protocols_.back().status.name + ": " + escape_for_log(text, 100));
  }

 private:
  bool read_heading(std::string_view text) {
    ProtocolDetail& protocol = protocols_.back();
    if (take(text, "Channel ")) {
      if (protocol.channels.empty()) protocol.channels.reserve(2);  // ipv4 and ipv6
      channel_ = &protocol.channels.emplace_back();
      channel_->name = shared_with(channel_before().name, trimmed_end(text));
      limit_ = nullptr;
    } else if (take(text, "BGP state:")) {
      protocol.bgp_state = shared_with(before().bgp_state, trimmed_end(text));
    } else if (take(text, "Message:")) {
      protocol.message = SharedText(text);
    } else if (channel_ && take(text, "Routes:")) {  // of a pipe
      return read_routes(text, *channel_);
    }
    return true;
  }

  bool read_protocol(std::string_view text) {
    ProtocolDetail& protocol = protocols_.back();
    if (take(text, "Neighbor AS:")) return read_asn(text, protocol.neighbor_as);
    if (take(text, "Local AS:")) return read_asn(text, protocol.local_as);
    if (take(text, "Neighbor address:")) {
      protocol.neighbor_address = SharedText(text.substr(0, text.find(' ')));
    } else if (take(text, "Last error:")) {
      protocol.last_error = shared_with(before().last_error, trimmed_end(text));
    }
    return true;
  }

  bool read_channel(std::string_view text) {
    if (take(text, "State:")) {
      channel_->state = shared_with(channel_before().state, trimmed_end(text));
    } else if (take(text, "Routes:")) {
      return read_routes(text, *channel_);
    } else if (take(text, "Import updates:")) {
      return read_import_updates(text, *channel_);
    } else if (limit_ && take(text, "Action:")) {
      limit_->action = action_ = shared_with(action_, trimmed_end(text));
      limit_ = nullptr;
    } else if (take(text, "Receive limit:")) {
      return read_limit_into(text, channel_->receive_limit);
    } else if (take(text, "Import limit:")) {
      return read_limit_into(text, channel_->import_limit);
    } else if (take(text, "Export limit:")) {
      return read_limit_into(text, channel_->export_limit);
    }
    return true;
  }

  bool read_limit_into(std::string_view text, std::optional<ChannelLimit>& limit) {
    if (!read_limit(text, limit)) return false;
    limit_ = &*limit;
    return true;
  }

  // The protocol before the one that is read, and its channel at the place of the one that is read.
  const ProtocolDetail& before() const {
    static const ProtocolDetail kNone;
    return protocols_.size() < 2 ? kNone : protocols_[protocols_.size() - 2];
  }
  const ChannelDetail& channel_before() const {
    static const ChannelDetail kNone;
    const std::size_t count = protocols_.back().channels.size();
    return before().channels.size() < count ? kNone : before().channels[count - 1];
  }

  std::vector<ProtocolDetail>& protocols_;
  SharedText action_;                 // of the limit before
  ChannelDetail* channel_ = nullptr;  // the last one of the last protocol
  ChannelLimit* limit_ = nullptr;     // whose action comes next
};

// The routes that a limit counts.
std::uint64_t counted_by(const ChannelDetail& channel, std::optional<ChannelLimit> ChannelDetail::* which) {
  if (which == &ChannelDetail::export_limit) return channel.exported;
  return channel.imported + (which == &ChannelDetail::receive_limit ? channel.filtered : 0);
}

}  // namespace

Result<std::vector<ProtocolDetail>> parse_protocol_details(const Reply& reply) {
  std::vector<ProtocolDetail> protocols;
  if (reply.code() == 8003) return protocols;  // no protocol matches the pattern
  if (reply.is_error()) return fail(Errc::internal, "show protocols all: " + reply.text());
  DetailReader reader(protocols);
  for (const ReplyLine& line : reply.lines) {
    if (line.code == kDetail) {
      TRY_VOID(reader.take_detail(line.text));
    } else if (line.code == kRow) {
      // A protocol's blank last line is a continuation of its details, so every line of this code is a row.
      TRY_VOID(reader.take_row(line.text));
    }
  }
  return protocols;
}

bool is_at_work(const ProtocolDetail& protocol, const ChannelDetail& channel,
                std::optional<ChannelLimit> ChannelDetail::* which) {
  const std::optional<ChannelLimit>& limit = channel.*which;
  if (!limit || !limit->is_hit) return false;
  const bool ends_sessions = limit->action == "disable" || limit->action == "restart";
  if (!protocol.status.is_established()) return ends_sessions && protocol.last_error == kLimitEndedIt;
  if (ends_sessions) return false;
  const bool is_bird3 = channel.import_updates_blocked.has_value();
  if (limit->action == "block" && !is_bird3) return true;
  return counted_by(channel, which) >= limit->routes;
}

bool is_any_limit_at_work(const ProtocolDetail& protocol) {
  return std::ranges::any_of(protocol.channels, [&](const ChannelDetail& channel) {
    return is_at_work(protocol, channel, &ChannelDetail::receive_limit) ||
           is_at_work(protocol, channel, &ChannelDetail::import_limit) ||
           is_at_work(protocol, channel, &ChannelDetail::export_limit);
  });
}

model::RouteCounts route_counts_of(const ProtocolDetail& protocol) {
  model::RouteCounts counts;
  counts.protocol = protocol.status.name;
  for (const ChannelDetail& channel : protocol.channels) {
    counts.imported += channel.imported;
    counts.filtered += channel.filtered;
    counts.exported += channel.exported;
    counts.preferred += channel.preferred;
  }
  return counts;
}

}  // namespace moenet::bird
