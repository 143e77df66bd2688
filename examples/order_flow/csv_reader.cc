#include "csv_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "skald/base/status.h"

namespace order_flow {
namespace {

constexpr size_t kBufferBytes = size_t{1} << 16;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
// Any fixed key will do: the hash compares an input with itself at another time.
constexpr uint64_t kHashKey0 = 0x6f72646572'666c6f;
constexpr uint64_t kHashKey1 = 0x77206f6620'6c696e;

}  // namespace

CsvReader::CsvReader(ByteSource& source)
    : source_(source), buffer_(kBufferBytes), hasher_(kHashKey0, kHashKey1, /*wide=*/true) {}

skald::Hash128 CsvReader::ContentHash() const {
  skald::SipHasher copy = hasher_;
  return copy.Finish();
}

absl::StatusOr<bool> CsvReader::Fill() {
  if (at_end_) return false;
  const bool first = !began_;
  began_ = true;
  at_ = 0;
  size_ = 0;
  // The mark's three bytes may come in pieces.
  do {
    SKALD_ASSIGN_OR_RETURN(const size_t got, source_.Read(std::span(buffer_).subspan(size_)));
    hasher_.Append(std::string_view(buffer_.data() + size_, got));
    size_ += got;
    at_end_ = got == 0;
  } while (first && !at_end_ && size_ < kByteOrderMark.size());
  if (first) SkipByteOrderMark();
  return at_ < size_ ? true : Fill();
}

void CsvReader::SkipByteOrderMark() {
  if (std::string_view(buffer_.data(), size_).starts_with(kByteOrderMark)) {
    at_ = kByteOrderMark.size();
  }
}

void CsvReader::Keep(char c) {
  if (bytes_.size() < kRecordBytesMax) {
    bytes_.push_back(c);
  } else {
    record_.too_long = true;
  }
}

void CsvReader::EndField() {
  // Past the bound only the first field is kept, cut off: it says whose record this is.
  if (!record_.too_long || ends_.empty()) ends_.push_back(bytes_.size());
  state_ = State::kFieldStart;
}

void CsvReader::EndRecord() {
  if (last_cr_) bytes_.pop_back();
  EndField();
  record_.fields.clear();
  size_t from = 0;
  for (const size_t end : ends_) {
    record_.fields.push_back(std::string_view(bytes_).substr(from, end - from));
    from = end;
  }
}

// RETURNS: whether `c` ends the record.
bool CsvReader::Consume(char c) {
  if (c == '\n') {
    ++line_;
    if (state_ != State::kQuoted) return true;
  }
  last_cr_ = false;
  switch (state_) {
    case State::kQuoted:
      if (c == '"') {
        state_ = State::kQuoteInQuoted;
      } else {
        Keep(c);
      }
      return false;
    case State::kQuoteInQuoted:
      if (c == '"') {
        Keep(c);
        state_ = State::kQuoted;
        return false;
      }
      state_ = State::kPlain;
      break;
    case State::kFieldStart:
      if (c == '"') {
        state_ = State::kQuoted;
        quote_line_ = line_;
        return false;
      }
      state_ = State::kPlain;
      break;
    case State::kPlain:
      break;
  }
  if (c == ',') {
    EndField();
    return false;
  }
  Keep(c);
  last_cr_ = c == '\r' && !record_.too_long;
  return false;
}

absl::StatusOr<bool> CsvReader::ReadRecord() {
  state_ = State::kFieldStart;
  any_ = false;
  last_cr_ = false;
  quote_line_ = 0;
  bytes_.clear();
  ends_.clear();
  record_.line = line_;
  record_.too_long = false;
  while (true) {
    if (at_ == size_) {
      SKALD_ASSIGN_OR_RETURN(const bool more, Fill());
      if (!more) break;
    }
    const char c = buffer_[at_++];
    if (Consume(c)) {
      EndRecord();
      return true;
    }
    any_ = true;
  }
  if (state_ == State::kQuoted) {
    return absl::InvalidArgumentError(
        fmt::format("the quote that opens on line {} is never closed; the file is cut off, or the "
                    "quote must be doubled",
                    quote_line_));
  }
  if (!any_) return false;
  EndRecord();
  return true;
}

absl::StatusOr<const CsvRecord*> CsvReader::Next() {
  while (true) {
    SKALD_ASSIGN_OR_RETURN(const bool found, ReadRecord());
    if (!found) return nullptr;
    const bool blank = bytes_.empty() && ends_.size() == 1 && quote_line_ == 0;
    if (!blank) return &record_;
  }
}

}  // namespace order_flow
