// ObjectPool<T>: keeps objects with the buffers that they have grown, and hands them out again.
//
//   struct ResetOrder {                              // runs when an object comes back
//     bool operator()(Order& order) const noexcept {
//       order.lines.clear();
//       return order.lines.capacity() <= 256;        // false: too large to keep, destroy it
//     }
//   };
//   ObjectPool<Order, ResetOrder> pool({.capacity = 4'096});
//   auto order = pool.Acquire();                     // absl::StatusOr<Pooled<Order>>
//   if (!order.ok()) return order.status();          // ResourceExhausted: 4,096 are in use
//   (*order)->lines.push_back(line);
//
// In steady state neither Acquire nor the return allocates, takes a lock or waits: each thread has
// a small cache (of lock-free slots, so that others can help themselves when all else is empty),
// and the caches exchange surplus in batches.
//
// Handles may outlive the pool: the object stays valid and is destroyed when its handle is. But
// that is mostly a mistake, so the pool's destructor tells where each handle that is still out was
// taken.
#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "skald/base/check.h"
#include "skald/base/observer.h"
#include "skald/pool/internal/pool_core.h"
#include "skald/pool/pool_stats.h"

namespace skald::inline v1 {

template <typename T>
struct ObjectPoolOptions {
  // Objects at a time, in use and idle together. Choose it by what they may take of memory; beyond
  // it Acquire says ResourceExhausted.
  size_t capacity = 1'024;
  // Makes a new object. Null: T().
  absl::AnyInvocable<T() const> create = nullptr;
  // Gets a warning "pool-handle-out" for each handle that is out when the pool is destroyed. Null:
  // it goes to stderr in builds with debug checks, and nowhere else.
  Observer* observer = nullptr;
};

// What an object without a reset function of its own gets: its Reset(), Clear() or clear(), the
// first that it has. A bool that it returns says whether to keep the object.
struct DefaultReset {
  template <typename T>
  bool operator()(T& object) const {
    if constexpr (requires { object.Reset(); }) {
      return Keeps([&]() -> decltype(auto) { return object.Reset(); });
    } else if constexpr (requires { object.Clear(); }) {
      return Keeps([&]() -> decltype(auto) { return object.Clear(); });
    } else if constexpr (requires { object.clear(); }) {
      return Keeps([&]() -> decltype(auto) { return object.clear(); });
    } else {
      static_assert(
          !std::is_same_v<T, T>,
          "skald: this pooled type has neither Reset(), Clear() nor clear(); give ObjectPool "
          "a reset function as its second parameter");
      return false;
    }
  }

 private:
  template <typename Call>
  static bool Keeps(Call call) {
    if constexpr (std::same_as<decltype(call()), bool>) {
      return call();
    } else {
      call();
      return true;
    }
  }
};

namespace internal {

template <typename T>
struct PoolNode final : PoolNodeBase {
  explicit PoolNode(const ObjectPoolOptions<T>& options)
      : object(options.create ? options.create() : Default()) {}
  static T Default() {
    if constexpr (std::is_default_constructible_v<T>) {
      return T();
    } else {
      SKALD_CHECK(false,
                  "ObjectPoolOptions::create is null, and the type has no default constructor");
    }
  }

  T object;
};

template <typename T>
class TypedPoolCore : public PoolCore {
 public:
  TypedPoolCore(ObjectPoolOptions<T> options)  // NOLINT: only made below
      : PoolCore(options.capacity, options.observer), options_(std::move(options)) {}

  // Makes the object ready for its next user; false: do not keep it.
  virtual bool Reset(T& object) const = 0;

 protected:
  PoolNodeBase* New() const final { return new PoolNode<T>(options_); }
  void Delete(PoolNodeBase* node) const noexcept final { delete static_cast<PoolNode<T>*>(node); }

 private:
  const ObjectPoolOptions<T> options_;
};

template <typename T, typename ResetFunction>
class ResettingPoolCore final : public TypedPoolCore<T> {
 public:
  ResettingPoolCore(ObjectPoolOptions<T> options, ResetFunction reset)
      : TypedPoolCore<T>(std::move(options)), reset_(std::move(reset)) {}

  bool Reset(T& object) const override {
    if constexpr (std::is_void_v<std::invoke_result_t<const ResetFunction&, T&>>) {
      reset_(object);
      return true;
    } else {
      return reset_(object);
    }
  }

 private:
  [[no_unique_address]] ResetFunction reset_;
};

}  // namespace internal

// Owns an object of a pool, like a std::unique_ptr, and gives it back.
// THREADS: may be handed to another thread and end there.
template <typename T>
class [[nodiscard]] Pooled {
 public:
  Pooled() = default;
  Pooled(Pooled&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  Pooled& operator=(Pooled&& other) noexcept {
    Pooled(std::move(other)).Swap(*this);
    return *this;
  }
  ~Pooled() { Return(); }

  explicit operator bool() const { return node_ != nullptr; }
  T* get() const { return node_ == nullptr ? nullptr : &node_->object; }
  // REQUIRES: not empty.
  T& operator*() const { return node_->object; }
  T* operator->() const { return &node_->object; }

  // Gives the object back now; empty afterwards.
  void Return() {
    if (node_ == nullptr) return;
    internal::PoolNode<T>* node = std::exchange(node_, nullptr);
    auto* core = static_cast<internal::TypedPoolCore<T>*>(node->core);
    core->Give(node, core->Reset(node->object));
  }

 private:
  template <typename U, typename ResetFunction>
  friend class ObjectPool;

  explicit Pooled(internal::PoolNodeBase* node)
      : node_(static_cast<internal::PoolNode<T>*>(node)) {}
  void Swap(Pooled& other) noexcept { std::swap(node_, other.node_); }

  internal::PoolNode<T>* node_ = nullptr;
};

// `ResetFunction`: void(T&) or bool(T&), const, callable from several threads at once; must not
// throw. THREADS: any.
template <typename T, typename ResetFunction = DefaultReset>
class ObjectPool {
 public:
  explicit ObjectPool(ObjectPoolOptions<T> options = {}, ResetFunction reset = {})
      : core_(new internal::ResettingPoolCore<T, ResetFunction>(std::move(options),
                                                                std::move(reset))) {}
  // Destroys idle objects; see above for handles that are out.
  // REQUIRES: no thread is within another method. Handles may end at the same time.
  ~ObjectPool() { core_->Close(); }
  ObjectPool(const ObjectPool&) = delete;
  ObjectPool& operator=(const ObjectPool&) = delete;

  // An idle object, or a new one. `taken` is what a report of handles that are out shows.
  // RETURNS: ResourceExhausted  `capacity` objects are in use, or just now between two threads'
  // caches
  //          Internal           the object's constructor threw
  // COST:    some ten nanoseconds from the thread's cache; a lock for every eighth object that
  // another
  //          thread gave back; an allocation only while the pool grows.
  absl::StatusOr<Pooled<T>> Acquire(std::source_location taken = std::source_location::current()) {
    absl::StatusOr<internal::PoolNodeBase*> node = core_->Take(taken);
    if (!node.ok()) return std::move(node).status();
    return Pooled<T>(*node);
  }

  // An idle object from this thread's cache or another's; empty when none is found. Wait-free: a
  // bounded number of steps, no lock, no allocation.
  Pooled<T> TryAcquire(std::source_location taken = std::source_location::current()) {
    return Pooled<T>(core_->TryTake(taken));
  }

  // COST: looks at all caches.
  PoolStats stats() const { return core_->Stats(); }

 private:
  internal::TypedPoolCore<T>* const core_;
};

}  // namespace skald::inline v1
