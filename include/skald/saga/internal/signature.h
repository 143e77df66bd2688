// What a step function takes and gives, as far as the compiler can tell.
#pragma once

#include <type_traits>

namespace skald::inline v1::internal {

template <typename... Ts>
struct TypeList {};

enum class Fit : unsigned char {
  kFits,
  kWrong,    // it takes something else
  kMutable,  // it would fit, were it const
};

// Parameters of a function whose type says them: not of generic lambdas and overloaded functors.
template <typename Member>
struct MemberParameters;
// NOLINTBEGIN(bugprone-macro-parentheses): qualifiers of a type take none
#define SKALD_MEMBER_PARAMETERS_(qualifiers)                     \
  template <typename R, typename C, typename... Ps>              \
  struct MemberParameters<R (C::*)(Ps...) qualifiers> {          \
    using Decayed = TypeList<std::remove_cvref_t<Ps>...>;        \
  };                                                             \
  template <typename R, typename C, typename... Ps>              \
  struct MemberParameters<R (C::*)(Ps...) qualifiers noexcept> { \
    using Decayed = TypeList<std::remove_cvref_t<Ps>...>;        \
  }
SKALD_MEMBER_PARAMETERS_();
SKALD_MEMBER_PARAMETERS_(const);
SKALD_MEMBER_PARAMETERS_(&);
SKALD_MEMBER_PARAMETERS_(const&);
SKALD_MEMBER_PARAMETERS_(&&);
SKALD_MEMBER_PARAMETERS_(const&&);
#undef SKALD_MEMBER_PARAMETERS_
// NOLINTEND(bugprone-macro-parentheses)
template <typename F>
struct Parameters {
  using Decayed = void;  // unknown
};
template <typename F>
  requires requires { &F::operator(); }
struct Parameters<F> : MemberParameters<decltype(&F::operator())> {};
template <typename R, typename... Ps>
struct Parameters<R (*)(Ps...)> {
  using Decayed = TypeList<std::remove_cvref_t<Ps>...>;
};
template <typename R, typename... Ps>
struct Parameters<R (*)(Ps...) noexcept> {
  using Decayed = TypeList<std::remove_cvref_t<Ps>...>;
};

// Whether a const `F` takes exactly const Es&...: no conversion may stand between, since a
// temporary would not live as long as a coroutine, and since a pointer also converts to bool.
template <typename F, typename... Es>
constexpr Fit FitOf() {
  using Known = typename Parameters<F>::Decayed;
  if constexpr (!std::is_void_v<Known> && !std::is_same_v<Known, TypeList<Es...>>) {
    return Fit::kWrong;
  } else if constexpr (std::is_invocable_v<const F&, const Es&...>) {
    return Fit::kFits;
  } else if constexpr (std::is_invocable_v<F&, const Es&...>) {
    return Fit::kMutable;
  } else {
    return Fit::kWrong;
  }
}

template <typename F, typename List>
inline constexpr Fit kFits = Fit::kWrong;
template <typename F, typename... Es>
inline constexpr Fit kFits<F, TypeList<Es...>> = FitOf<F, Es...>();

// What a const F gives for const Es&...
template <typename F, typename List>
struct ResultOf;
template <typename F, typename... Es>
struct ResultOf<F, TypeList<Es...>> {
  using Type = std::invoke_result_t<const F&, const Es&...>;
};
template <typename F, typename List>
using CallResult = typename ResultOf<F, List>::Type;

template <typename One, typename Other>
struct JoinLists;
template <typename... As, typename... Bs>
struct JoinLists<TypeList<As...>, TypeList<Bs...>> {
  using Type = TypeList<As..., Bs...>;
};
template <typename One, typename Other>
using Join = typename JoinLists<One, Other>::Type;

// The parameter behind `List`, where the type says it.
template <typename Parameters, typename List>
struct ParameterBehind {
  using Type = void;
};
template <typename P, typename... Rest>
struct ParameterBehind<TypeList<P, Rest...>, TypeList<>> {
  using Type = P;
};
template <typename P, typename... Rest, typename L, typename... Ls>
struct ParameterBehind<TypeList<P, Rest...>, TypeList<L, Ls...>>
    : ParameterBehind<TypeList<Rest...>, TypeList<Ls...>> {};

}  // namespace skald::inline v1::internal
