// EXPECT: skald: this type has no codec; specialise skald::Codec for it, or include
// skald/json/json_codec.h if it has to_json and from_json
#include "shop.h"

struct Address {
  std::string street;
};

#ifdef SKALD_RIGHT
template <>
struct skald::Codec<Address> {
  static constexpr std::string_view kName = "address";
  static constexpr uint32_t kSchemaVersion = 1;
  static void Encode(const Address& address, std::string* out) { out->append(address.street); }
  static absl::StatusOr<Address> Decode(std::string_view bytes) {
    return Address{std::string(bytes)};
  }
};
#endif

struct Find : skald::StepKey<"find", Address> {};

Definition Make() {
  return Define(kPlaceOrder)
      .NoEffect(Find{}, [](const StepContext&, const Order&) { return Address{"Bond Street"}; })
      .Build();
}
