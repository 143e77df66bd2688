#include "input_file.h"

#include <unistd.h>
#include <zlib.h>

#include <cstdio>
#include <filesystem>
#include <string>

#include "catch.h"

namespace order_flow {
namespace {

namespace fs = std::filesystem;

class TempFile {
 public:
  TempFile() {
    std::string name = (fs::temp_directory_path() / "order_flow_XXXXXX").string();
    const int fd = mkstemp(name.data());
    REQUIRE(fd >= 0);
    close(fd);
    path_ = name;
  }
  ~TempFile() { fs::remove(path_); }
  const std::string& path() const { return path_; }

  void Write(const std::string& bytes) const {
    std::FILE* file = std::fopen(path_.c_str(), "wb");
    REQUIRE(file != nullptr);
    REQUIRE(std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
    REQUIRE(std::fclose(file) == 0);
  }
  void WriteZipped(const std::string& bytes) const {
    const gzFile file = gzopen(path_.c_str(), "wb");
    REQUIRE(file != nullptr);
    REQUIRE(gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) > 0);
    REQUIRE(gzclose(file) == Z_OK);
  }

 private:
  std::string path_;
};

absl::StatusOr<std::string> ReadAll(const std::string& path) {
  absl::StatusOr<std::unique_ptr<ByteSource>> source = OpenInput(path);
  if (!source.ok()) return source.status();
  std::string all;
  char piece[1000];
  while (true) {
    const absl::StatusOr<size_t> got = (*source)->Read(piece);
    if (!got.ok()) return got.status();
    if (*got == 0) return all;
    all.append(piece, *got);
  }
}

std::string Numbers() {
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i * 7919) + "\n";
  return text;
}

TEST_CASE("Plain and gzipped files read the same, whatever they are called") {
  const TempFile file;
  file.Write(Numbers());
  REQUIRE(ReadAll(file.path()).ok());
  CHECK(*ReadAll(file.path()) == Numbers());
  file.WriteZipped(Numbers());
  REQUIRE(ReadAll(file.path()).ok());
  CHECK(*ReadAll(file.path()) == Numbers());
}

TEST_CASE("A gzipped file that was cut off anywhere is an error, not an end") {
  const TempFile file;
  file.WriteZipped(Numbers());
  const auto whole = fs::file_size(file.path());
  for (const uintmax_t size : {whole - 1, whole - 8, whole - 9, whole / 2, uintmax_t{30}}) {
    fs::resize_file(file.path(), size);
    const absl::StatusOr<std::string> text = ReadAll(file.path());
    INFO(size);
    REQUIRE(text.status().code() == absl::StatusCode::kDataLoss);
    CHECK(std::string(text.status().message()).find("truncated") != std::string::npos);
  }
}

TEST_CASE("A gzipped file with a wrong byte is an error") {
  const TempFile file;
  file.WriteZipped(Numbers());
  std::FILE* raw = std::fopen(file.path().c_str(), "r+b");
  REQUIRE(raw != nullptr);
  REQUIRE(std::fseek(raw, -6, SEEK_END) == 0);  // in the checksum
  const int byte = std::fgetc(raw);
  REQUIRE(std::fseek(raw, -6, SEEK_END) == 0);
  std::fputc(byte ^ 1, raw);
  REQUIRE(std::fclose(raw) == 0);
  CHECK(ReadAll(file.path()).status().code() == absl::StatusCode::kDataLoss);
}

TEST_CASE("What cannot be opened is named") {
  const absl::Status missing = OpenInput("/no/such/orders.csv").status();
  CHECK(missing.code() == absl::StatusCode::kNotFound);
  CHECK(std::string(missing.message()).find("/no/such/orders.csv") != std::string::npos);
  const absl::Status directory = OpenInput(fs::temp_directory_path().string()).status();
  CHECK(directory.code() == absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace order_flow
