#include "skald/participant/idempotent_http.h"

#include <fmt/format.h>

#include <exception>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "skald/base/bytes.h"
#include "skald/base/check.h"
#include "skald/base/hash.h"
#include "skald/base/mutex.h"
#include "skald/base/status.h"
#include "skald/base/strings.h"

namespace skald::inline v1 {
namespace {

constexpr uint8_t kFormat = 1;
constexpr uint16_t kStatusMin = 200;
constexpr uint16_t kServerError = 500;
constexpr uint16_t kStatusMax = 599;
constexpr size_t kHeadersMax = 1000;

// What a key was used for, and what was answered.
struct Record {
  std::string_view client;
  std::string_view key;
  Hash128 request;
  absl::Time expires;
  HttpAnswer answer;
};

std::string Encode(const Record& record) {
  std::string bytes;
  ByteWriter out(&bytes);
  out.U8(kFormat).String(record.client).String(record.key);
  out.Little(record.request.low).Little(record.request.high);
  out.Little(static_cast<uint64_t>(absl::ToUnixMicros(record.expires)));
  out.Varint(record.answer.status).Varint(record.answer.headers.size());
  for (const auto& [name, value] : record.answer.headers) out.String(name).String(value);
  out.String(record.answer.body);
  return bytes;
}

absl::StatusOr<Record> Decode(std::string_view bytes) {
  ByteReader in(bytes);
  Record record;
  if (in.U8() != kFormat) in.Fail();
  record.client = in.String();
  record.key = in.String();
  record.request.low = in.Little<uint64_t>();
  record.request.high = in.Little<uint64_t>();
  record.expires = absl::FromUnixMicros(static_cast<int64_t>(in.Little<uint64_t>()));
  record.answer.status = static_cast<uint16_t>(in.VarintUpTo(kStatusMax));
  const uint64_t headers = in.VarintUpTo(kHeadersMax);
  for (uint64_t i = 0; i < headers && in.ok(); ++i) {
    std::string name(in.String());
    record.answer.headers.emplace_back(std::move(name), std::string(in.String()));
  }
  record.answer.body = in.String();
  SKALD_RETURN_IF_ERROR(in.Finish("record of an idempotency key"));
  return record;
}

void AppendJson(std::string_view text, std::string* out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      *out += '\\';
      *out += c;
    } else if (byte < 0x20 || byte > 0x7e) {
      *out += fmt::format("\\u{:04x}", byte);
    } else {
      *out += c;
    }
  }
}

}  // namespace

absl::StatusOr<std::string> ParseIdempotencyKey(std::string_view header, size_t bytes_max) {
  const auto wrong = [](std::string_view why) { return absl::InvalidArgumentError(ToAbsl(why)); };
  while (!header.empty() && header.front() == ' ') header.remove_prefix(1);
  while (!header.empty() && header.back() == ' ') header.remove_suffix(1);
  const bool quoted = !header.empty() && header.front() == '"';
  if (quoted) {
    if (header.size() < 2 || header.back() != '"') return wrong("its quotes are not closed");
    header = header.substr(1, header.size() - 2);
  }
  std::string key;
  for (size_t i = 0; i < header.size(); ++i) {
    char c = header[i];
    if (c < 0x20 || c > 0x7e) return wrong("it holds a character that is not printable ASCII");
    if (quoted && c == '"') return wrong("a quote within it is not escaped");
    if (quoted && c == '\\') {
      if (++i == header.size() || (header[i] != '"' && header[i] != '\\')) {
        return wrong("a backslash within it escapes neither a quote nor a backslash");
      }
      c = header[i];
    }
    if (!quoted && (c == '"' || c == ',' || c == ';' || c == ' ')) {
      return wrong("it is neither a string in quotes nor a single token");
    }
    key += c;
  }
  if (key.empty()) return wrong("it is empty");
  if (key.size() > bytes_max) {
    return wrong(fmt::format("it has {} bytes, {} are allowed", key.size(), bytes_max));
  }
  return key;
}

class IdempotentHttp::Impl {
 public:
  Impl(Committer& committer, IdempotentHttpOptions options)
      : committer_(committer), options_(std::move(options)) {}

  HttpAnswer Handle(const HttpRequest& request, Function function);
  absl::StatusOr<size_t> Sweep(size_t limit);

 private:
  // One try. RETURNS: nullopt: a row changed meanwhile.
  std::optional<HttpAnswer> Try(const HttpRequest& request, const std::string& key,
                                Function function);
  std::optional<HttpAnswer> Run(const Record& head, const std::string& row_key, Transaction rows,
                                Function function);
  HttpAnswer Problem(uint16_t status, std::string_view title, std::string_view detail) const;
  std::string Prefix() const { return fmt::format("~h/{}/", options_.name); }
  absl::Time Now() const { return options_.clock->Wall(); }

  Committer& committer_;
  const IdempotentHttpOptions options_;
  Mutex mutex_;
  // Keys whose first request runs in this process, with what it is for.
  absl::flat_hash_map<std::pair<std::string, std::string>, Hash128> running_
      SKALD_GUARDED_BY(mutex_);
};

// What the draft answers instead of the function, as RFC 9457 writes problems.
HttpAnswer IdempotentHttp::Impl::Problem(uint16_t status, std::string_view title,
                                         std::string_view detail) const {
  HttpAnswer answer{.status = status,
                    .headers = {{"Content-Type", "application/problem+json"}},
                    .body = "{\"type\":\""};
  AppendJson(options_.problem_type, &answer.body);
  answer.body += "\",\"title\":\"";
  AppendJson(title, &answer.body);
  answer.body += fmt::format("\",\"status\":{},\"detail\":\"", status);
  AppendJson(detail, &answer.body);
  answer.body += "\"}";
  return answer;
}

HttpAnswer IdempotentHttp::Impl::Handle(const HttpRequest& request, Function function) {
  if (!request.key) {
    return Problem(400, "Idempotency-Key is missing",
                   "This operation is idempotent and requires an Idempotency-Key: make one up, and "
                   "send the same with every repetition of the request.");
  }
  const absl::StatusOr<std::string> key = ParseIdempotencyKey(*request.key, options_.key_bytes_max);
  if (!key.ok()) {
    return Problem(400, "Idempotency-Key is malformed", ToStd(key.status().message()));
  }
  const std::pair<std::string, std::string> own(request.client, *key);
  const Hash128 what = StableHash128(request.method, request.path, request.body);
  {
    const MutexLock lock(mutex_);
    const auto [at, fresh] = running_.try_emplace(own, what);
    if (!fresh && at->second != what) {
      return Problem(422, "Idempotency-Key is already used",
                     "The key belongs to a request with another method, path or body, which is "
                     "still running: use another key.");
    }
    if (!fresh) {
      return Problem(409, "A request is outstanding for this Idempotency-Key",
                     "The first request with this key is still running: ask again when it has "
                     "ended, with the same key.");
    }
  }
  std::optional<HttpAnswer> answer;
  for (uint32_t i = 0; i < options_.conflicts_max && !answer; ++i) {
    answer = Try(request, *key, function);
  }
  {
    const MutexLock lock(mutex_);
    running_.erase(own);
  }
  if (answer) return *std::move(answer);
  return Problem(503, "Busy", "What the request changes keeps changing: ask again, same key.");
}

std::optional<HttpAnswer> IdempotentHttp::Impl::Try(const HttpRequest& request,
                                                    const std::string& key, Function function) {
  Record head{.client = request.client,
              .key = key,
              .request = StableHash128(request.method, request.path, request.body)};
  // Two keys of one hash would meet in a row; its text tells them apart.
  const Hash128 name = StableHash128(head.client, head.key);
  std::string row_key = Prefix();
  ByteWriter(&row_key).Big(name.high).Big(name.low);
  Transaction rows = committer_.Begin();
  const absl::StatusOr<std::optional<std::string>> row = rows.Get(row_key);
  if (!row.ok()) {
    if (absl::IsAborted(row.status())) return std::nullopt;
    return Problem(503, "Unavailable", "The store cannot be read: ask again, same key.");
  }
  if (!*row) return Run(head, row_key, std::move(rows), function);
  const absl::StatusOr<Record> known = Decode(**row);
  if (!known.ok()) {
    return Problem(500, "Damaged", "What is known of this key cannot be read.");
  }
  if (known->expires <= Now()) return Run(head, row_key, std::move(rows), function);
  if (known->client != head.client || known->key != head.key) {
    return Problem(500, "Damaged", "The key meets another one by accident: use another key.");
  }
  if (known->request != head.request) {
    return Problem(422, "Idempotency-Key is already used",
                   "The key belongs to a request with another method, path or body: use another "
                   "key for another request.");
  }
  // It may have been seen before it is durable: the answer waits for that.
  const absl::Status durable = std::move(rows).Commit();
  if (absl::IsAborted(durable)) return std::nullopt;
  if (!durable.ok()) {
    return Problem(503, "Unavailable",
                   "The store cannot say what is durable: ask again, same key.");
  }
  return known->answer;
}

std::optional<HttpAnswer> IdempotentHttp::Impl::Run(const Record& head, const std::string& row_key,
                                                    Transaction rows, Function function) {
  absl::StatusOr<HttpAnswer> answer = absl::InternalError("");
#if defined(__cpp_exceptions)
  try {
#endif
    answer = function(rows);
#if defined(__cpp_exceptions)
  } catch (const std::exception& error) {
    answer = absl::InternalError(error.what());
  } catch (...) {
    answer = absl::InternalError("an exception");
  }
#endif
  if (!answer.ok()) {
    if (absl::IsAborted(answer.status()) && !rows.status().ok()) return std::nullopt;
    const bool later = absl::IsUnavailable(answer.status());
    // What went wrong inside is for the host's log, not for its clients.
    return Problem(later ? 503 : kServerError, later ? "Unavailable" : "Internal error",
                   "Nothing was done: ask again, same key.");
  }
  if (answer->status < kStatusMin || answer->status > kStatusMax ||
      answer->headers.size() > kHeadersMax) {
    return Problem(kServerError, "Internal error", "The answer is none that HTTP has.");
  }
  if (answer->status >= kServerError) return *std::move(answer);
  Record record = head;
  record.expires = Now() + options_.retention;
  record.answer = *std::move(answer);
  const std::string bytes = Encode(record);
  if (bytes.size() > options_.answer_bytes_max) {
    return Problem(kServerError, "Internal error",
                   "The answer is too large to be kept, and nothing was done.");
  }
  rows.Put(row_key, bytes);
  const absl::Status committed = std::move(rows).Commit();
  if (committed.ok()) return std::move(record.answer);
  if (absl::IsAborted(committed)) return std::nullopt;
  return Problem(503, "Unavailable", "It may have happened: ask again, same key.");
}

absl::StatusOr<size_t> IdempotentHttp::Impl::Sweep(size_t limit) {
  const std::string from = Prefix();
  std::string to = from;
  ++to.back();
  SKALD_ASSIGN_OR_RETURN(const std::unique_ptr<Cursor> cursor,
                         committer_.store().Scan(Space::kRows, {from, to}));
  size_t removed = 0;
  for (; cursor->Valid() && removed < limit; cursor->Next()) {
    const absl::StatusOr<Record> seen = Decode(cursor->value());
    if (!seen.ok() || seen->expires > Now()) continue;
    // Read anew: it may have been used again since.
    Transaction rows = committer_.Begin();
    const std::string key(cursor->key());
    SKALD_ASSIGN_OR_RETURN(const std::optional<std::string> row, rows.Get(key));
    if (!row) continue;
    const absl::StatusOr<Record> now = Decode(*row);
    if (!now.ok() || now->expires > Now()) continue;
    rows.Delete(key);
    absl::Status gone = std::move(rows).Commit();
    if (gone.ok()) ++removed;
    if (!gone.ok() && !absl::IsAborted(gone)) return gone;
  }
  SKALD_RETURN_IF_ERROR(cursor->status());
  return removed;
}

IdempotentHttp::IdempotentHttp(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
IdempotentHttp::~IdempotentHttp() = default;

absl::StatusOr<std::unique_ptr<IdempotentHttp>> IdempotentHttp::Open(
    Committer& committer, IdempotentHttpOptions options) {
  const auto refuse = [](std::string_view why) {
    return absl::InvalidArgumentError(ToAbsl(fmt::format("opening IdempotentHttp: {}", why)));
  };
  const bool plain = !options.name.empty() && options.name.find('/') == std::string::npos;
  if (!plain) return refuse("its name must not be empty, and must not hold a '/'");
  if (options.retention <= absl::ZeroDuration()) return refuse("its retention must be positive");
  if (options.conflicts_max == 0) return refuse("conflicts_max must be at least 1");
  const size_t most = committer.store().limits().value_bytes;
  if (options.answer_bytes_max > most) {
    return refuse(fmt::format("answer_bytes_max is {}; the store's values have at most {} bytes",
                              options.answer_bytes_max, most));
  }
  return std::unique_ptr<IdempotentHttp>(
      new IdempotentHttp(std::make_unique<Impl>(committer, std::move(options))));
}

HttpAnswer IdempotentHttp::Handle(const HttpRequest& request, Function function) {
  return impl_->Handle(request, function);
}
absl::StatusOr<size_t> IdempotentHttp::Sweep(size_t limit) {
  return impl_->Sweep(limit);
}

}  // namespace skald::inline v1
