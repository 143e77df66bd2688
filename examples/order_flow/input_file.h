// Where the bytes of an input come from: a file, plain or gzipped (found by its content), or stdin.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace order_flow {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  // Fills the front of `into`. RETURNS: how many bytes; 0 is the end. An error is final.
  virtual absl::StatusOr<size_t> Read(std::span<char> into) = 0;
};

// Opens `path`, or stdin for "-".
// RETURNS: NotFound, PermissionDenied, FailedPrecondition (a directory). Reading gives DataLoss
// when
//          a gzipped file is truncated or damaged.
absl::StatusOr<std::unique_ptr<ByteSource>> OpenInput(const std::string& path);

// Text in memory, a few bytes at a time when `chunk` says so.
class TextSource final : public ByteSource {
 public:
  explicit TextSource(std::string text, size_t chunk = size_t{1} << 16)
      : text_(std::move(text)), chunk_(chunk) {}
  absl::StatusOr<size_t> Read(std::span<char> into) override;

 private:
  std::string text_;
  size_t chunk_;
  size_t at_ = 0;
};

}  // namespace order_flow
