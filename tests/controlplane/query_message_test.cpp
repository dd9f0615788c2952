#include "controlplane/query_message.h"

#include <gtest/gtest.h>

#include "controlplane/messages.h"

namespace moenet::controlplane {
namespace {

using std::chrono::milliseconds;

TEST(QueryMessage, IsReadAsItWasWritten) {
  const QueryAsked asked{"an-id", 27, milliseconds(15'000), "owner", "ping", R"({"target":"a b"})"};
  EXPECT_EQ(read_query_message(write_message(asked)), QueryMessage(asked));
  EXPECT_EQ(read_query_message(write_message(QueryOver{"an-id"})), QueryMessage(QueryOver{"an-id"}));
  const auto empty = write_answer("an-id", "");
  ASSERT_EQ(empty.size(), 1u);
  EXPECT_EQ(read_query_message(empty.front()), QueryMessage(QueryAnswerPart{"an-id", 1, 1, ""}));
}

// A character of three bytes stands across every place at which a part could end.
TEST(QueryMessage, OfALongAnswerIsManyAndNoCharacterIsTorn) {
  for (std::size_t shift = 0; shift < 3; ++shift) {
    std::string answer(shift, 'x');
    while (answer.size() < 100'000) answer += "\u20ac";
    const auto messages = write_answer("da8c0ad2-d098-4b01-9371-b6f3dd8569d4", answer);
    ASSERT_GE(messages.size(), 13u);
    std::string together;
    for (std::size_t i = 0; i < messages.size(); ++i) {
      EXPECT_LE(messages[i].size(), kMostMessageText);
      const auto part = std::get<QueryAnswerPart>(read_query_message(messages[i]).value());
      EXPECT_EQ(part.part, i + 1);
      EXPECT_EQ(part.parts, messages.size());
      EXPECT_EQ(part.text.size() % 3, i == 0 ? shift : 0) << i;
      together += part.text;
    }
    EXPECT_EQ(together, answer);
  }
}

TEST(QueryMessage, OfSomebodyElseIsNone) {
  for (const char* text :
       {"", "ask", "ask id", "ask id 1 2 owner ping", "ask id x 2 owner ping {}", "ask id 1 -2 owner ping {}", "over",
        "over ", "answer id", "answer id 0 1 x", "answer id 2 1 x", "answer id a b x", "hello id 1 1 x"})
    EXPECT_FALSE(read_query_message(text)) << text;
}

}  // namespace
}  // namespace moenet::controlplane
