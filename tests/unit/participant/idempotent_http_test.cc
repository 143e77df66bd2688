// One key, one effect, one answer: the rules of the Idempotency-Key draft.
#include "skald/participant/idempotent_http.h"

#include <atomic>
#include <latch>
#include <thread>

#include "catch.h"
#include "skald/store/memory_store.h"

namespace skald_test {
namespace {

using skald::Committer;
using skald::HttpAnswer;
using skald::HttpRequest;
using skald::IdempotentHttp;
using skald::ParseIdempotencyKey;
using skald::Transaction;

struct Http {
  explicit Http(skald::IdempotentHttpOptions options = {}) {
    options.clock = &clock;
    committer = *Committer::Open(store, {.writer = "http"});
    auto opened = IdempotentHttp::Open(*committer, options);
    INFO(opened.status().ToString());
    REQUIRE(opened.ok());
    http = *std::move(opened);
  }
  HttpRequest Request(std::string_view key = "\"k-1\"", std::string_view body = "{}") {
    return {.client = "ada", .key = key, .method = "POST", .path = "/orders", .body = body};
  }
  // Counts how often it runs, in the store, and answers with the count.
  HttpAnswer Post(const HttpRequest& request, uint16_t status = 201) {
    return http->Handle(request, [&](Transaction& rows) -> absl::StatusOr<HttpAnswer> {
      const auto before = rows.Get("runs");
      if (!before.ok()) return before.status();
      const std::string runs = before->value_or("") + "x";
      rows.Put("runs", runs);
      return HttpAnswer{.status = status, .headers = {{"Location", "/orders/7"}}, .body = runs};
    });
  }
  std::string Runs() {
    const auto row = store.Get(skald::Space::kRows, "runs");
    return row.ok() && *row ? (*row)->value : "";
  }

  skald::ManualClock clock;
  skald::MemoryStore store;
  std::unique_ptr<Committer> committer;
  std::unique_ptr<IdempotentHttp> http;
};

TEST_CASE("a repeated request gets the recorded status, headers and body, and does nothing") {
  Http h;
  const HttpAnswer first = h.Post(h.Request());
  CHECK(first.status == 201);
  CHECK(h.Post(h.Request()) == first);
  CHECK(h.Post(h.Request("k-1")) == first);  // bare, as many clients send it
  CHECK(h.Runs() == "x");
}

TEST_CASE("a request without a key, or with one that is none, is a 400 that says what is wrong") {
  Http h;
  HttpRequest request = h.Request();
  request.key.reset();
  const HttpAnswer missing = h.Post(request);
  CHECK(missing.status == 400);
  CHECK(missing.headers.front().second == "application/problem+json");
  CHECK(missing.body.find("\"title\":\"Idempotency-Key is missing\",\"status\":400") !=
        std::string::npos);
  for (const char* key :
       {"", "\"\"", "\"open", "a\"b", "\"a\\n\"", "two words", "a,b", "a\tb", "\"\xc3\xa9\""}) {
    INFO(key);
    CHECK(h.Post(h.Request(key)).status == 400);
  }
  CHECK(h.Post(h.Request(std::string(256, 'k'))).body.find("256 bytes, 255 are allowed") !=
        std::string::npos);
  CHECK(h.Runs().empty());
}

TEST_CASE("a key is read as the draft writes it") {
  CHECK(*ParseIdempotencyKey("\"8e03978e-40d5\"", 255) == "8e03978e-40d5");
  CHECK(*ParseIdempotencyKey("  \"a \\\"b\\\" \\\\\" ", 255) == "a \"b\" \\");
  CHECK(*ParseIdempotencyKey("8e03978e-40d5", 255) == "8e03978e-40d5");
}

TEST_CASE("a key that was used with another request is a 422") {
  Http h;
  h.Post(h.Request());
  CHECK(h.Post(h.Request("\"k-1\"", "{\"more\":1}")).status == 422);
  HttpRequest elsewhere = h.Request();
  elsewhere.path = "/refunds";
  CHECK(h.Post(elsewhere).status == 422);
  CHECK(h.Runs() == "x");
}

TEST_CASE("two clients may use one key") {
  Http h;
  h.Post(h.Request());
  HttpRequest other = h.Request();
  other.client = "ben";
  CHECK(h.Post(other).body == "xx");
}

TEST_CASE("while the first request runs, the same one is a 409 and another one a 422") {
  Http h;
  HttpAnswer meanwhile;
  HttpAnswer other;
  const HttpAnswer first =
      h.http->Handle(h.Request(), [&](Transaction&) -> absl::StatusOr<HttpAnswer> {
        meanwhile = h.Post(h.Request());
        other = h.Post(h.Request("\"k-1\"", "else"));
        return HttpAnswer{.status = 204};
      });
  CHECK(first.status == 204);
  CHECK(meanwhile.status == 409);
  CHECK(other.status == 422);
  CHECK(h.Runs().empty());
  CHECK(h.Post(h.Request()).status == 204);
}

TEST_CASE("a server's error records nothing, and the client may ask again") {
  Http h;
  CHECK(h.Post(h.Request(), 503).status == 503);
  CHECK(h.Runs().empty());
  const auto fails = [&](absl::StatusOr<HttpAnswer> answer) {
    return h.http->Handle(h.Request(), [&](Transaction& rows) {
      rows.Put("runs", "dropped");
      return answer;
    });
  };
  CHECK(fails(absl::InternalError("the password is 7")).status == 500);
  CHECK(fails(absl::InternalError("the password is 7")).body.find("password") == std::string::npos);
  CHECK(fails(absl::UnavailableError("")).status == 503);
  CHECK(fails(HttpAnswer{.status = 99}).status == 500);
  CHECK(h.http
            ->Handle(h.Request(),
                     [](Transaction&) -> absl::StatusOr<HttpAnswer> {
                       throw std::runtime_error("boom");
                     })
            .status == 500);
  CHECK(h.Runs().empty());
  CHECK(h.Post(h.Request()).status == 201);
}

TEST_CASE("a refusal by the business is recorded like any answer") {
  Http h;
  CHECK(h.Post(h.Request(), 402).body == "x");
  CHECK(h.Post(h.Request(), 201).status == 402);
}

TEST_CASE("an answer that is too large to keep is not given, and nothing is done") {
  Http h({.answer_bytes_max = 1000});
  const HttpAnswer answer =
      h.http->Handle(h.Request(), [](Transaction& rows) -> absl::StatusOr<HttpAnswer> {
        rows.Put("runs", "x");
        return HttpAnswer{.body = std::string(2000, 'b')};
      });
  CHECK(answer.status == 500);
  CHECK(h.Runs().empty());
}

TEST_CASE("an answer is known for its retention, and swept away after it") {
  Http h({.retention = absl::Hours(24)});
  h.Post(h.Request("a"));
  h.Post(h.Request("b"));
  h.clock.Advance(absl::Hours(23));
  CHECK(h.Post(h.Request("a")).body == "x");
  CHECK(*h.http->Sweep() == 0);
  h.clock.Advance(absl::Hours(2));
  CHECK(h.Post(h.Request("a")).body == "xxx");  // forgotten: it runs again
  CHECK(*h.http->Sweep() == 1);                 // b alone
  CHECK(h.Post(h.Request("a")).body == "xxx");
}

TEST_CASE("answers outlive the process, with what they answer for") {
  skald::MemoryStore store;
  for (int life = 0; life < 3; ++life) {
    auto committer = Committer::Open(store, {.writer = "http"});
    REQUIRE(committer.ok());
    auto http = IdempotentHttp::Open(**committer);
    REQUIRE(http.ok());
    const HttpRequest request{
        .client = "ada", .key = "k", .method = "POST", .path = "/", .body = "b"};
    const HttpAnswer answer =
        (*http)->Handle(request, [&](Transaction& rows) -> absl::StatusOr<HttpAnswer> {
          rows.Put("life", std::to_string(life));
          return HttpAnswer{.body = std::to_string(life)};
        });
    CHECK(answer.body == "0");
    REQUIRE((*committer)->Shutdown(absl::Seconds(10)).ok());
  }
  CHECK((*store.Get(skald::Space::kRows, "life"))->value == "0");
}

TEST_CASE("of many at once with one key one runs, over a row that all others change too") {
  Http h;
  constexpr int kThreads = 8;
  constexpr int kKeys = 200;
  std::latch begin(kThreads);
  std::atomic<int> created{0};
  std::atomic<int> busy{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        begin.arrive_and_wait();
        for (int i = 0; i < kKeys; ++i) {
          const std::string key = "k" + std::to_string(i);
          while (true) {
            const HttpAnswer answer = h.Post(h.Request(key));
            if (answer.status == 409 || answer.status == 503) {
              ++busy;
              continue;
            }
            created += answer.status == 201;
            break;
          }
        }
      });
    }
  }
  CHECK(created == kThreads * kKeys);
  CHECK(h.Runs().size() == kKeys);
}

TEST_CASE("options that make no sense are refused") {
  skald::MemoryStore store;
  auto committer = *Committer::Open(store, {.writer = "http"});
  for (const skald::IdempotentHttpOptions& options : {skald::IdempotentHttpOptions{.name = ""},
                                                      {.name = "a/b"},
                                                      {.retention = absl::ZeroDuration()},
                                                      {.answer_bytes_max = size_t{1} << 40},
                                                      {.conflicts_max = 0}}) {
    CHECK(absl::IsInvalidArgument(IdempotentHttp::Open(*committer, options).status()));
  }
}

}  // namespace
}  // namespace skald_test
