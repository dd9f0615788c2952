#include "bird/peer_folder.h"

#include <chrono>
#include <sys/stat.h>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "bird/real_bird.h"

namespace moenet::bird {
namespace {

constexpr const char* kOwner = "session/0b9f1f2e-0000-4000-8000-000000000001";

std::vector<std::string> names(const PeerFolder::Listing& listing) {
  std::vector<std::string> all;
  for (const auto& file : listing.ours) all.push_back(file->name);
  return all;
}

TEST(OwnershipLine, IsReadBackAndNothingElseIs) {
  EXPECT_EQ(owner_in(ownership_line(kOwner) + "protocol"), kOwner);
  EXPECT_EQ(owner_in(ownership_line("base")), "base");
  for (const std::string text :
       {"", "# moenet-agent ", "# moenet-agent : generated, changes are overwritten\n",
        "# moenet-agent a b: generated, changes are overwritten\n", " # moenet-agent a: generated\n",
        "# moenet-agent a: generated, changes are overwritten"}) {
    EXPECT_FALSE(owner_in(text)) << text;
  }
  EXPECT_FALSE(owner_in(ownership_line(std::string(129, 'x'))));
}

RC_GTEST_PROP(OwnershipLine, AnyTextIsHarmless, (const std::string& text)) {
  if (const auto owner = owner_in(text)) RC_ASSERT(text.starts_with(ownership_line(*owner)));
}

TEST(PeerFolder, ListsOursSortedAndTheRestAsForeign) {
  support::TemporaryFolder folder;
  write_file(folder / "b.conf", ownership_line(kOwner) + "b");
  write_file(folder / "a.conf", ownership_line("session/x") + "a");
  write_file(folder / "z.conf", "protocol bgp z {}\n");
  write_file(folder / "empty.conf", "");
  write_file(folder / "note.txt", ownership_line(kOwner));
  write_file(folder / ".hidden.conf", ownership_line(kOwner));
  std::filesystem::create_directory(folder / "folder.conf");
  std::filesystem::create_symlink(folder / "a.conf", folder / "link.conf");
  ASSERT_EQ(::mkfifo((folder / "fifo.conf").c_str(), 0600), 0);
  PeerFolder peers(folder / "");
  const auto listing = peers.read();
  ASSERT_TRUE(listing);
  EXPECT_EQ(names(*listing), (std::vector<std::string>{"a.conf", "b.conf"}));
  EXPECT_EQ(listing->ours[1]->owner, kOwner);
  EXPECT_EQ(listing->ours[1]->text, ownership_line(kOwner) + "b");
  EXPECT_EQ(listing->foreign,
            (std::vector<std::string>{"empty.conf", "fifo.conf", "folder.conf", "link.conf", "z.conf"}));
}

TEST(PeerFolder, SaysWhenItIsGoneAndReadsItWhenItIsBack) {
  support::TemporaryFolder folder;
  PeerFolder peers(folder / "p");
  ASSERT_FALSE(peers.read());
  EXPECT_EQ(peers.read().error().code, Errc::not_found);
  EXPECT_TRUE(peers.read().error().what.ends_with("install -d -m 770 -g bird " + (folder / "p")))
      << peers.read().error().what;
  std::filesystem::create_directory(folder / "p");
  write_file(folder / "p/a.conf", ownership_line(kOwner));
  EXPECT_EQ(peers.read()->ours.size(), 1u);
  std::filesystem::remove_all(folder / "p");
  EXPECT_FALSE(peers.read());
  std::filesystem::create_directory(folder / "p");
  EXPECT_TRUE(peers.read()->ours.empty());
}

TEST(PeerFolder, SeesEveryChangeEvenOfEqualSizeAndWithinOneClockTick) {
  support::TemporaryFolder folder;
  PeerFolder peers(folder / "");
  for (int i = 0; i < 50; ++i) {
    const std::string text = ownership_line(kOwner) + std::to_string(i % 10);
    write_file(folder / "a.conf", text);
    EXPECT_EQ(peers.read()->ours.at(0)->text, text);
  }
  write_file(folder / "a.conf", "foreign now");
  EXPECT_EQ(peers.read()->foreign, std::vector<std::string>{"a.conf"});
  std::filesystem::remove(folder / "a.conf");
  EXPECT_TRUE(peers.read()->foreign.empty());
}

TEST(PeerFolder, ReadsNoUnchangedFileTwice) {
  support::TemporaryFolder folder;
  write_file(folder / "a.conf", ownership_line(kOwner));
  PeerFolder peers(folder / "");
  std::shared_ptr<const model::BirdFile> before = peers.read()->ours.at(0);
  // once its stamp is older than a clock tick the same object comes back
  wait_until("the file is remembered", [&] {
    const auto now = peers.read()->ours.at(0);
    return std::exchange(before, now) == now;
  });
  EXPECT_EQ(peers.read()->ours.at(0), before);
  ::chmod((folder / "a.conf").c_str(), 0600);
  EXPECT_EQ(peers.read()->ours.at(0), before) << "it was read again, and is equal";
  write_file(folder / "a.conf", ownership_line(kOwner) + "more");
  EXPECT_NE(peers.read()->ours.at(0), before);
}

TEST(PeerFolder, SharesWhatIsEqualToWhatIsWanted) {
  support::TemporaryFolder folder;
  write_file(folder / "a.conf", ownership_line(kOwner));
  write_file(folder / "b.conf", ownership_line(kOwner));
  PeerFolder peers(folder / "");
  ASSERT_EQ(peers.read()->ours.size(), 2u);
  const auto a = std::make_shared<const model::BirdFile>(model::BirdFile{"a.conf", kOwner, ownership_line(kOwner)});
  const auto b = std::make_shared<const model::BirdFile>(model::BirdFile{"b.conf", kOwner, "other"});
  peers.share({a, b});
  EXPECT_EQ(peers.read()->ours.at(0), a);
  EXPECT_NE(peers.read()->ours.at(1), b);
}

TEST(PeerFolder, ReadsAtMostSixtyFourKilobytesOfAFile) {
  support::TemporaryFolder folder;
  write_file(folder / "a.conf", ownership_line(kOwner) + std::string(200'000, 'x'));
  PeerFolder peers(folder / "");
  EXPECT_EQ(peers.read()->ours.at(0)->text.size(), 65536u);
}

}  // namespace
}  // namespace moenet::bird
