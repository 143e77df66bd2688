// Frames of AMQP 0-9-1, to bytes and from bytes. The encoders and the parser are librabbitmq's; its
// sockets are not used: a broker that is short of memory stops reading, and its sends then block.
#pragma once

#include <amqp.h>
#include <amqp_framing.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

namespace skald::inline v1::internal {

// What this side offers; a broker may want smaller ones.
inline constexpr uint32_t kFrameBytesMax = 131'072;
inline constexpr size_t kFrameOverhead = 8;

inline amqp_bytes_t ToAmqp(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};
}
inline std::string_view FromAmqp(amqp_bytes_t bytes) {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

// What the other side said, fit for a message to people: short and without control characters.
std::string Printable(std::string_view text);

// Appends frames to a string. The scratch space makes it one thread's.
class FrameWriter {
 public:
  explicit FrameWriter(std::string* out) : out_(*out), scratch_(kFrameBytesMax) {}

  // REQUIRES: every string in `method` is bounded so that it fits a frame.
  void Method(amqp_channel_t channel, amqp_method_number_t id, void* method);
  // False, and nothing is appended, when the properties do not fit `frame_bytes_max`.
  bool Content(amqp_channel_t channel, amqp_basic_properties_t& properties, std::string_view body,
               uint32_t frame_bytes_max);
  void Heartbeat();

 private:
  void Frame(uint8_t type, amqp_channel_t channel, std::string_view head, std::string_view rest);

  std::string& out_;
  std::vector<char> scratch_;
};

// Takes bytes as they come, gives frames.
class FrameReader {
 public:
  FrameReader();

  // `take` gets each whole frame, valid during the call, and says whether to go on.
  // RETURNS: what `take` said; Internal: this is not AMQP.
  absl::Status Feed(std::string_view bytes,
                    absl::FunctionRef<absl::Status(const amqp_frame_t&)> take);
  // Larger frames are not AMQP's from now on.
  void Tune(uint32_t frame_bytes_max);

 private:
  struct End {
    void operator()(amqp_connection_state_t state) const;
  };
  std::unique_ptr<std::remove_pointer_t<amqp_connection_state_t>, End> state_;
};

}  // namespace skald::inline v1::internal
