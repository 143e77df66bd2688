// Idempotency for an HTTP interface, after the IETF draft "The Idempotency-Key HTTP Header Field":
// a request that is sent again gets the answer that the first one got, and does nothing.
//
//   auto http = skald::IdempotentHttp::Open(*committer, {.name = "orders"});
//   const skald::HttpAnswer answer = (*http)->Handle(
//       {.client = account, .key = header, .method = "POST", .path = path, .body = body},
//       [&](skald::Transaction& rows) -> absl::StatusOr<skald::HttpAnswer> {
//         …                                       // reads and writes through `rows` alone
//         return skald::HttpAnswer{.status = 201, .body = order.json()};
//       });
//
//   no key, or none that the draft allows        400
//   the first request of the key still runs      409
//   the key was used with another request        422
//   the key is known                             the recorded status, headers and body
//   otherwise                                    what the function answers, on record with its rows
//
// Answers below 500 are recorded in the same atomic batch as what the function has written, so that
// a crash leaves both or neither. A 5xx or an error drops the function's writes and records
// nothing: the client may ask again with the same key.
//
// Nothing of a transport is here: the host's server fills the request and sends the answer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "skald/base/clock.h"
#include "skald/base/export.h"
#include "skald/store/committer.h"

namespace skald::inline v1 {

struct HttpRequest {
  // Whose keys these are: an account, an API token. Two clients may use one key.
  std::string_view client;
  // The field's value as it came: a string in quotes, as the draft has it, or bare, as many clients
  // send it. nullopt: there was none.
  std::optional<std::string_view> key;
  // What makes two requests the same one.
  std::string_view method;
  std::string_view path;
  std::string_view body;
};

struct HttpAnswer {
  uint16_t status = 200;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  friend bool operator==(const HttpAnswer&, const HttpAnswer&) = default;
};

struct IdempotentHttpOptions {
  std::string name = "http";  // of this interface: its rows begin with it
  // How long an answer is known, by the wall clock: one that leaps ahead by this forgets them all.
  // The draft wants it published.
  absl::Duration retention = absl::Hours(24);
  size_t key_bytes_max = 255;
  // Of a recorded answer. A larger one is not recorded, and neither is what went with it: 500.
  size_t answer_bytes_max = size_t{256} << 10;
  // Tries of one request whose rows keep changing; then 503.
  uint32_t conflicts_max = 16;
  // Where the draft's errors point to for more ("type" of their application/problem+json).
  std::string problem_type = "about:blank";
  const Clock* clock = &Clock::Real();
};

// The key in a header's value. RETURNS: InvalidArgument, saying what is wrong with it.
SKALD_EXPORT absl::StatusOr<std::string> ParseIdempotencyKey(std::string_view header,
                                                             size_t bytes_max);

// THREADS: any.
class SKALD_EXPORT IdempotentHttp {
 public:
  // `committer` must outlive it, and must be served by a thread of its own; where several processes
  // share the store, it has CommitterOptions::shared_rows.
  // RETURNS: InvalidArgument: an option makes no sense.
  static absl::StatusOr<std::unique_ptr<IdempotentHttp>> Open(Committer& committer,
                                                              IdempotentHttpOptions options = {});
  ~IdempotentHttp();

  // Runs once for a key: again only when a row that it has read has changed meanwhile. An exception
  // is a 500.
  using Function = absl::FunctionRef<absl::StatusOr<HttpAnswer>(Transaction& rows)>;

  // Blocks until the answer is durable.
  // COST: for a known key one read; otherwise a commit that all who wait share.
  HttpAnswer Handle(const HttpRequest& request, Function function);

  // Removes records whose time is over, at most so many. They are absent to requests before that.
  // RETURNS: how many; what the store says.
  absl::StatusOr<size_t> Sweep(size_t limit = 1000);

 private:
  class Impl;
  explicit IdempotentHttp(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace skald::inline v1
