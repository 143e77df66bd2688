// Reads comma-separated records from a stream, in memory that does not grow with the input.
//
// RFC 4180: quoted fields may hold commas, line breaks and doubled quotes; lines end with LF or
// CRLF. A UTF-8 byte order mark at the start is skipped, blank lines too. Bytes are taken as they
// are, in any encoding. What the RFC leaves open is read as most readers do: a quote inside an
// unquoted field is a quote, text after a closing quote belongs to the field.
//
//   CsvReader csv(source);
//   while (true) {
//     SKALD_ASSIGN_OR_RETURN(const CsvRecord* record, csv.Next());
//     if (record == nullptr) break;                       // the end
//     Use(record->fields);
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "input_file.h"
#include "skald/base/hash.h"

namespace order_flow {

// The longest record that is kept; a longer one is read to its end and reported as such.
inline constexpr size_t kRecordBytesMax = size_t{1} << 20;

struct CsvRecord {
  std::vector<std::string_view> fields;  // until the next Next()
  uint64_t line = 0;                     // where it begins, counted from 1
  bool too_long = false;                 // over kRecordBytesMax: `fields` holds what fitted
};

class CsvReader {
 public:
  explicit CsvReader(ByteSource& source);

  // RETURNS: the next record, null at the end
  //          InvalidArgument  the input ends inside a quoted field
  //          other            what the source says
  absl::StatusOr<const CsvRecord*> Next();

  // Of all bytes read so far; at the end it tells inputs apart.
  skald::Hash128 ContentHash() const;

 private:
  enum class State : uint8_t { kFieldStart, kPlain, kQuoted, kQuoteInQuoted };

  absl::StatusOr<bool> Fill();
  void SkipByteOrderMark();
  absl::StatusOr<bool> ReadRecord();
  bool Consume(char c);
  void Keep(char c);
  void EndField();
  void EndRecord();

  ByteSource& source_;
  std::vector<char> buffer_;
  size_t at_ = 0;
  size_t size_ = 0;
  bool began_ = false;
  bool at_end_ = false;
  skald::SipHasher hasher_;

  State state_ = State::kFieldStart;
  bool any_ = false;      // the record has a byte, a quote or a comma
  bool last_cr_ = false;  // the last kept byte is a CR that may belong to the line's end
  uint64_t line_ = 1;
  uint64_t quote_line_ = 0;   // of the record's last opening quote; 0: none
  std::string bytes_;         // the fields of the record, one behind the other
  std::vector<size_t> ends_;  // where each of them ends
  CsvRecord record_;
};

}  // namespace order_flow
