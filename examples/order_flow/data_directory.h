// A data directory: the databases of one run, and a manifest that says what they were made of, so
// that a run that goes on cannot mix two inputs.
//
//   DIR/manifest.json   format, input, stock, payment
//   DIR/sagas           the coordinator's store
//   DIR/warehouse-1 to -3, coupons, points, payment, orders, mailer
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace order_flow {

inline constexpr int kDataFormat = 3;

inline constexpr std::string_view kPaidAtOnce = "at once";

struct Manifest {
  std::string input;    // OrderSource::identity()
  std::string stock;    // as it was given
  std::string payment;  // kPaidAtOnce or by callback, and what customers do
};

// Makes `path` a data directory for `manifest`, or finds that it is one.
// RETURNS: FailedPrecondition  it is a file, holds something else, or was made of another input or
//                              with another stock: says which, and what to do
//          Unimplemented       of another format
//          PermissionDenied, ResourceExhausted, … what the system says
absl::Status PrepareData(const std::string& path, const Manifest& manifest);

// The manifest of an existing data directory. RETURNS: as PrepareData; NotFound: there is none.
absl::StatusOr<Manifest> ReadManifest(const std::string& path);

// A new, empty directory in the place for temporary files.
absl::StatusOr<std::string> MakeFreshDirectory();

}  // namespace order_flow
