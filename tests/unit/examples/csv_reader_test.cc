#include "csv_reader.h"

#include <string>
#include <vector>

#include "catch.h"

namespace order_flow {
namespace {

using Table = std::vector<std::vector<std::string>>;

// Reads all of `text`, also in pieces of one and of seven bytes: they must agree.
absl::StatusOr<Table> ReadInPieces(const std::string& text, size_t chunk) {
  TextSource source(text, chunk);
  CsvReader csv(source);
  Table table;
  while (true) {
    absl::StatusOr<const CsvRecord*> record = csv.Next();
    if (!record.ok()) return record.status();
    if (*record == nullptr) return table;
    table.emplace_back((*record)->fields.begin(), (*record)->fields.end());
  }
}

Table Read(const std::string& text) {
  const absl::StatusOr<Table> whole = ReadInPieces(text, 1 << 16);
  REQUIRE(whole.ok());
  for (const size_t chunk : {1, 7}) {
    const absl::StatusOr<Table> pieces = ReadInPieces(text, chunk);
    REQUIRE(pieces.ok());
    CHECK(*pieces == *whole);
  }
  return *whole;
}

TEST_CASE("A CSV reader splits records at line ends and fields at commas") {
  CHECK(Read("a,b\nc,d\n") == Table{{"a", "b"}, {"c", "d"}});
  CHECK(Read("a,b\r\nc,d\r\n") == Table{{"a", "b"}, {"c", "d"}});
  CHECK(Read("a,,\n") == Table{{"a", "", ""}});
}

TEST_CASE("A CSV reader takes a last line without a line end") {
  CHECK(Read("a,b\nc,d") == Table{{"a", "b"}, {"c", "d"}});
  CHECK(Read("a,") == Table{{"a", ""}});
}

TEST_CASE("A CSV reader keeps commas, line breaks and doubled quotes of quoted fields") {
  CHECK(Read("\"a,b\",c\n") == Table{{"a,b", "c"}});
  CHECK(Read("\"a\nb\r\nc\",d\n") == Table{{"a\nb\r\nc", "d"}});
  CHECK(Read("\"say \"\"hi\"\"\",x\r\n") == Table{{"say \"hi\"", "x"}});
}

TEST_CASE("A CSV reader takes quotes within an unquoted field as they are") {
  CHECK(Read("12\" RULER,5\n") == Table{{"12\" RULER", "5"}});
  CHECK(Read("\"a\"b,c\n") == Table{{"ab", "c"}});
}

TEST_CASE("A CSV reader skips blank lines and a byte order mark") {
  CHECK(Read("\xEF\xBB\xBFx,y\n\n\r\n1,2\n\n") == Table{{"x", "y"}, {"1", "2"}});
  CHECK(Read("").empty());
  CHECK(Read("\xEF\xBB\xBF").empty());
  CHECK(Read("\"\"\n") == Table{{""}});
}

TEST_CASE("A CSV reader passes bytes of any encoding through") {
  CHECK(Read(std::string("caf\xE9\0x,1\n", 9)) == Table{{std::string("caf\xE9\0x", 6), "1"}});
}

TEST_CASE("A CSV reader names the line of a quote that is never closed") {
  for (const size_t chunk : {1, 1 << 16}) {
    const absl::StatusOr<Table> table = ReadInPieces("a,b\n1,\"x\ny,z\n3,4\n", chunk);
    REQUIRE(table.status().code() == absl::StatusCode::kInvalidArgument);
    CHECK(std::string(table.status().message()).find("line 2") != std::string::npos);
  }
}

// Many times the bound, made on the fly: what is kept of it stays within the bound.
class LongLine final : public ByteSource {
 public:
  absl::StatusOr<size_t> Read(std::span<char> into) override {
    const std::string_view text = given_ == 0 ? "7,x" : given_ < 2000 ? "yyyyyyyyy," : "\n8,z\n";
    if (given_ > 2000) return size_t{0};
    size_t size = 0;
    const size_t times = text.size() == 10 ? into.size() / text.size() : 1;
    for (size_t i = 0; i < times; ++i) size += text.copy(into.data() + size, text.size());
    ++given_;
    return size;
  }

 private:
  int given_ = 0;
};

TEST_CASE("A CSV reader reads past a line over its bound and keeps its first field") {
  LongLine source;
  CsvReader csv(source);
  absl::StatusOr<const CsvRecord*> record = csv.Next();
  REQUIRE(record.ok());
  CHECK((*record)->too_long);
  CHECK((*record)->fields.at(0) == "7");
  size_t kept = 0;
  for (const std::string_view field : (*record)->fields) kept += field.size();
  CHECK(kept <= kRecordBytesMax);
  record = csv.Next();
  REQUIRE(record.ok());
  CHECK_FALSE((*record)->too_long);
  CHECK((*record)->line == 2);
  CHECK((*record)->fields == std::vector<std::string_view>{"8", "z"});
}

TEST_CASE("A CSV reader's content hash tells inputs apart and does not depend on the pieces") {
  const auto hash = [](const std::string& text, size_t chunk) {
    TextSource source(text, chunk);
    CsvReader csv(source);
    while (*csv.Next() != nullptr) {
    }
    return csv.ContentHash();
  };
  CHECK(hash("a,b\n1,2\n", 1) == hash("a,b\n1,2\n", 100));
  CHECK(hash("a,b\n1,2\n", 1) != hash("a,b\n1,3\n", 1));
}

}  // namespace
}  // namespace order_flow
