// What the lock asks when, and what it makes of the answers: by hand, without a network.
#include "lock_core.h"

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>

#include "catch.h"
#include "scripted_connection.h"

namespace skald_test {
namespace {

using Words = std::vector<std::string>;

bool Says(const absl::Status& status, std::string_view words) {
  return std::string_view(status.message().data(), status.message().size()).find(words) !=
         std::string_view::npos;
}

TEST_CASE("a lock is taken by SET NX PX, under 128 bits and its holder's name") {
  CoreByHand a;
  CHECK_FALSE(a.core->Held());
  CHECK(a.core->stop_token().stop_requested());
  a.core->Poll();
  CHECK(a.core->Held());
  CHECK_FALSE(a.core->stop_token().stop_requested());
  CHECK(a.told == Words{"taken"});
  REQUIRE(a.log->sent.size() == 1);
  const RedisCommand& sent = a.log->sent[0];
  CHECK(sent == RedisCommand{"SET", "skald:lock:report", sent[2], "NX", "PX", "15000"});
  REQUIRE(sent[2].size() == 34);
  CHECK(sent[2].substr(32) == " a");
  CHECK(sent[2].find_first_not_of("0123456789abcdef") == 32);
}

TEST_CASE("what is held is renewed at a third, for as long as it is granted") {
  CoreByHand a;
  CHECK(a.core->Poll() == absl::Seconds(5));
  a.clock.Advance(absl::Seconds(5) - absl::Milliseconds(1));
  a.core->Poll();
  CHECK(a.Verbs() == Words{"take"});
  a.clock.Advance(absl::Milliseconds(1));
  CHECK(a.core->Poll() == absl::Seconds(10));
  CHECK(a.Verbs() == Words{"take", "renew"});
  CHECK(a.log->sent[1][3] == "skald:lock:report");
  CHECK(TokenOf(a.log->sent[1]) == TokenOf(a.log->sent[0]));
  CHECK(a.log->sent[1][5] == "15000");
  a.Pass(absl::Minutes(5));
  CHECK(a.core->Held());
  CHECK(a.told == Words{"taken"});
}

TEST_CASE("time is counted from before a request was sent, not from its answer") {
  CoreByHand a;
  a.AnswerWith([&](const RedisCommand& command) {
    a.clock.Advance(absl::Seconds(2));
    return CoreByHand::Granted(command);
  });
  a.core->Poll();
  CHECK(a.core->Held());
  a.clock.Advance(absl::Seconds(8) - absl::Nanoseconds(1));
  CHECK(a.core->Held());
  a.clock.Advance(absl::Nanoseconds(1));
  CHECK_FALSE(a.core->Held());
}

TEST_CASE("of a renewal, too, time is counted from before it was sent") {
  CoreByHand a;
  a.core->Poll();
  a.clock.Advance(absl::Seconds(5));
  a.AnswerWith([&](const RedisCommand& command) {
    a.clock.Advance(absl::Seconds(2));
    return CoreByHand::Granted(command);
  });
  CHECK(a.core->Poll() == absl::Seconds(10));  // a third after the sending, at 5 s
  a.clock.Advance(absl::Seconds(8) - absl::Nanoseconds(1));
  CHECK(a.core->Held());
  a.clock.Advance(absl::Nanoseconds(1));
  CHECK_FALSE(a.core->Held());
}

TEST_CASE("what is granted too late is not believed, and what may stand of it is asked for anew") {
  CoreByHand a;
  a.AnswerWith([&](const RedisCommand& command) {
    a.clock.Advance(absl::Seconds(10));
    return CoreByHand::Granted(command);
  });
  a.core->Poll();
  CHECK_FALSE(a.core->Held());
  CHECK(a.told.empty());
  a.AnswerWith(&CoreByHand::Granted);
  a.core->Poll();
  CHECK(a.core->Held());
  CHECK(a.Verbs() == Words{"take", "reclaim"});
  CHECK(TokenOf(a.log->sent[1]) == TokenOf(a.log->sent[0]));
}

TEST_CASE("one that nobody polls stops believing at two thirds, and is told at the next poll") {
  CoreByHand a;
  a.core->Poll();
  const std::stop_token token = a.core->stop_token();
  a.clock.Advance(absl::Seconds(10) - absl::Nanoseconds(1));
  CHECK(a.core->Held());
  a.clock.Advance(absl::Nanoseconds(1));
  CHECK_FALSE(a.core->Held());
  Words told_before;
  a.AnswerWith([&](const RedisCommand& command) {
    told_before = a.told;
    return CoreByHand::Refused(command);
  });
  a.core->Poll();
  CHECK(told_before == Words{"taken", "lost"});  // Redis is not waited for first
  CHECK(token.stop_requested());
  CHECK(a.told == Words{"taken", "lost"});
  CHECK(absl::IsDeadlineExceeded(a.lost_because));
  CHECK(Says(a.lost_because, "paused"));
  // It asks anew; it extends nothing that it has lost.
  CHECK(a.Verbs() == Words{"take", "reclaim"});
}

TEST_CASE("a renewal that fails is told with its reason, and is tried again until two thirds") {
  CoreByHand a;
  a.core->Poll();
  a.Fail(absl::UnavailableError("Redis at x:1: connecting: Connection refused"));
  a.Pass(absl::Seconds(5));
  CHECK(a.told == Words{"taken", "error"});
  CHECK(a.core->Held());
  CHECK(Says(a.error, "renewing lock 'report'"));
  CHECK(Says(a.error, "Connection refused"));
  CHECK(a.core->status() == a.error);
  a.Pass(absl::Seconds(5) - absl::Milliseconds(1));
  CHECK(a.core->Held());
  a.Pass(absl::Milliseconds(1));
  CHECK_FALSE(a.core->Held());
  CHECK(absl::IsDeadlineExceeded(a.lost_because));
  CHECK(Says(a.lost_because, "Connection refused"));
  const auto renewals = std::count(a.log->sent.begin(), a.log->sent.end(), a.log->sent[1]);
  CHECK(renewals >= 4);  // four fit even when each pause is the longest, a twelfth
  CHECK(renewals <= 200);
}

TEST_CASE("a renewal that is granted after failures keeps the holding") {
  CoreByHand a;
  a.core->Poll();
  const std::stop_token token = a.core->stop_token();
  a.Fail(absl::UnavailableError("gone"));
  a.Pass(absl::Seconds(8));
  a.AnswerWith(&CoreByHand::Granted);
  a.Pass(absl::Seconds(60));
  CHECK(a.core->Held());
  CHECK_FALSE(token.stop_requested());
  CHECK(a.core->status().ok());
  CHECK(std::count(a.told.begin(), a.told.end(), "lost") == 0);
}

TEST_CASE(
    "a renewal gets no more time than the deadline leaves, nor than a sixth of the duration") {
  CoreByHand a(absl::Seconds(3));
  a.core->Poll();
  CHECK(a.log->timeouts.back() == absl::Milliseconds(500));
  a.clock.Advance(absl::Milliseconds(1900));
  a.core->Poll();
  CHECK(a.Verbs().back() == "renew");
  CHECK(a.log->timeouts.back() == absl::Milliseconds(100));
}

TEST_CASE("a lock that Redis does not have under our token is lost at once, and asked for anew") {
  CoreByHand a;
  a.core->Poll();
  const std::stop_token token = a.core->stop_token();
  a.AnswerWith(&CoreByHand::Refused);
  a.Pass(absl::Seconds(5));
  CHECK_FALSE(a.core->Held());
  CHECK(token.stop_requested());
  CHECK(absl::IsAborted(a.lost_because));
  CHECK(Says(a.lost_because, "not ours in Redis any more"));
  CHECK(a.Verbs() == Words{"take", "renew", "take"});
  CHECK(TokenOf(a.log->sent[2]) != TokenOf(a.log->sent[0]));
}

TEST_CASE("a renewal that is granted behind the deadline does not bring the holding back") {
  CoreByHand a;
  a.core->Poll();
  const std::stop_token token = a.core->stop_token();
  a.clock.Advance(absl::Seconds(9));
  a.AnswerWith([&](const RedisCommand& command) {
    a.clock.Advance(absl::Seconds(1));
    return CoreByHand::Granted(command);
  });
  a.core->Poll();
  CHECK_FALSE(a.core->Held());
  CHECK(token.stop_requested());
  CHECK(a.told == Words{"taken", "lost"});
  // The next holding is another one.
  a.core->Poll();
  CHECK(a.core->Held());
  CHECK(a.Verbs() == Words{"take", "renew", "reclaim"});
  CHECK(TokenOf(a.log->sent[2]) != TokenOf(a.log->sent[0]));
  CHECK(a.log->sent[2][5] == TokenOf(a.log->sent[0]));
}

TEST_CASE("an answer to the asking that did not come is found again, not waited out") {
  CoreByHand a;
  a.Fail(absl::DeadlineExceededError("no answer in time"));
  a.core->Poll();
  CHECK_FALSE(a.core->Held());
  CHECK(a.told == Words{"error"});
  CHECK(Says(a.error, "asking for lock 'report'"));
  a.AnswerWith(&CoreByHand::Granted);
  a.Pass(absl::Seconds(1));
  CHECK(a.core->Held());
  REQUIRE(a.Verbs() == Words{"take", "reclaim"});
  CHECK(TokenOf(a.log->sent[1]) == TokenOf(a.log->sent[0]));
  CHECK(a.log->sent[1][5] == TokenOf(a.log->sent[0]));  // no other one that could be ours
}

TEST_CASE(
    "one that another holds is asked for again, some time between a sixth and a third later") {
  CoreByHand a;
  a.AnswerWith(&CoreByHand::Refused);
  std::set<absl::Duration> pauses;
  for (int i = 0; i < 100; ++i) {
    const absl::Duration next = a.core->Poll();
    pauses.insert(next - a.clock.Boot());
    a.clock.Advance(next - a.clock.Boot());
  }
  CHECK(a.log->sent.size() == 100);
  CHECK(*pauses.begin() >= absl::Milliseconds(2500));
  CHECK(*pauses.rbegin() <= absl::Seconds(5));
  CHECK(pauses.size() > 90);  // they differ
  CHECK(a.told.empty());
  CHECK(a.core->status().ok());
}

TEST_CASE(
    "while Redis is away it is asked less and less often, at random, but at least once a "
    "duration") {
  CoreByHand a;
  a.Fail(absl::UnavailableError("gone"));
  std::vector<absl::Duration> pauses;
  for (int i = 0; i < 200; ++i) {
    const absl::Duration next = a.core->Poll();
    pauses.push_back(next - a.clock.Boot());
    a.clock.Advance(next - a.clock.Boot());
  }
  CHECK(a.log->sent.size() == 200);
  CHECK(pauses[0] <= absl::Seconds(15) / 32 + absl::Milliseconds(1));
  CHECK(*std::min_element(pauses.begin(), pauses.end()) >= absl::Milliseconds(1));
  CHECK(*std::max_element(pauses.begin(), pauses.end()) <= absl::Milliseconds(15'001));
  CHECK(*std::max_element(pauses.begin(), pauses.end()) > absl::Seconds(10));
}

TEST_CASE(
    "releasing compares and deletes, stops the work, and leaves the lock to others for a while") {
  CoreByHand a;
  a.core->Poll();
  const std::stop_token token = a.core->stop_token();
  CHECK(a.core->Release().ok());
  CHECK_FALSE(a.core->Held());
  CHECK(token.stop_requested());
  CHECK(a.Verbs() == Words{"take", "release"});
  CHECK(TokenOf(a.log->sent[1]) == TokenOf(a.log->sent[0]));
  CHECK(a.core->Release().ok());  // again: nothing to do
  a.Pass(absl::Seconds(15) - absl::Milliseconds(2));
  CHECK(a.Verbs() == Words{"take", "release"});
  a.Pass(absl::Milliseconds(2));
  CHECK(a.core->Held());
  CHECK(a.Verbs() == Words{"take", "release", "take"});
  CHECK(TokenOf(a.log->sent[2]) != TokenOf(a.log->sent[0]));
  CHECK(a.told == Words{"taken", "taken"});  // who releases knows
}

TEST_CASE("a release that fails gives its reason, and is believed all the same") {
  CoreByHand a;
  a.core->Poll();
  a.Fail(absl::UnavailableError("gone"));
  const absl::Status released = a.core->Release();
  CHECK(absl::IsUnavailable(released));
  CHECK(Says(released, "giving up lock 'report': gone"));
  CHECK_FALSE(a.core->Held());
  CHECK(a.core->stop_token().stop_requested());
  a.AnswerWith(&CoreByHand::Granted);
  a.Pass(absl::Seconds(16));
  CHECK(a.core->Held());
  // What was left of the first one is no obstacle.
  CHECK(a.Verbs() == Words{"take", "release", "reclaim"});
  CHECK(a.log->sent[2][5] == TokenOf(a.log->sent[0]));
}

TEST_CASE("a callback may release what was just taken") {
  CoreByHand a;
  absl::Status released = absl::UnknownError("not released");
  skald::RedisLockOptions options{.name = "report", .own_thread = false, .clock = &a.clock};
  skald::internal::RedisLockCore* inner = nullptr;
  options.on_taken = [&] { released = inner->Release(); };
  skald::internal::RedisLockCore core(std::move(options),
                                      std::make_unique<ScriptedConnection>(a.log));
  inner = &core;
  core.Poll();
  CHECK(released.ok());
  CHECK_FALSE(core.Held());
  CHECK(a.Verbs() == Words{"take", "release"});
  core.Stop();
}

TEST_CASE("a release beside a renewal: believed at once, sent when the connection is free") {
  CoreByHand a;
  a.core->Poll();
  a.clock.Advance(absl::Seconds(5));
  std::atomic<int> inside{0};
  std::atomic<int> at_once{0};
  std::atomic<bool> answer{false};
  a.AnswerWith([&](const RedisCommand& command) {
    at_once = std::max<int>(at_once, ++inside);
    while (!answer) std::this_thread::yield();
    --inside;
    return CoreByHand::Granted(command);
  });
  const std::stop_token token = a.core->stop_token();
  std::thread polls([&] { a.core->Poll(); });
  while (inside == 0) std::this_thread::yield();
  CHECK(a.core->Held());  // no lock is held while Redis is waited for
  absl::Status released = absl::UnknownError("not released");
  std::thread releases([&] { released = a.core->Release(); });
  while (!token.stop_requested()) std::this_thread::yield();
  CHECK_FALSE(a.core->Held());
  for (int i = 0; i < 10'000; ++i) std::this_thread::yield();  // time for a second one to get in
  answer = true;
  polls.join();
  releases.join();
  CHECK(released.ok());
  CHECK(at_once == 1);
  CHECK(a.Verbs() == Words{"take", "renew", "release"});
  CHECK_FALSE(a.core->Held());  // the renewal that was granted has not brought it back
}

TEST_CASE("replies of the wrong kind grant nothing and say what came") {
  const RedisReply text{.kind = RedisReply::Kind::kBulk, .text = "OK\n\x01"};
  for (const RedisReply& reply :
       {Integer(1), text, RedisReply{RedisReply::Kind::kSimple, "QUEUED"}}) {
    CoreByHand a;
    a.AnswerWith([&](const RedisCommand&) { return reply; });
    a.core->Poll();
    CHECK_FALSE(a.core->Held());
    CHECK(absl::IsInternal(a.core->status()));
    CHECK(Says(a.core->status(), "makes no sense"));
    CHECK(Says(a.core->status(), skald::internal::Describe(reply)));
  }
  for (const RedisReply& reply : {Ok(), Nil(), Integer(2), Integer(-1), text}) {
    CoreByHand a;
    a.core->Poll();
    a.AnswerWith([&](const RedisCommand&) { return reply; });
    a.clock.Advance(absl::Seconds(5));
    a.core->Poll();
    CHECK(a.core->Held());  // nothing says that it is lost
    CHECK(a.told == Words{"taken", "error"});
    CHECK(absl::IsInternal(a.core->Release()));
    CHECK_FALSE(a.core->Held());
  }
}

TEST_CASE("every holding has a token of its own") {
  CoreByHand a;
  std::set<std::string> tokens;
  for (int i = 0; i < 1000; ++i) {
    a.core->Poll();
    REQUIRE(a.core->Held());
    tokens.insert(TokenOf(a.log->sent.back()));
    if (i % 2 == 0) {
      REQUIRE(a.core->Release().ok());
    }
    a.clock.Advance(absl::Seconds(15));  // released, or lapsed
  }
  CHECK(tokens.size() == 1000);
}

}  // namespace
}  // namespace skald_test
