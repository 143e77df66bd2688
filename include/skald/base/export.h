// SKALD_EXPORT marks what a shared libskald shows; everything else is hidden.
#pragma once

#if defined(__GNUC__) || defined(__clang__)
#define SKALD_EXPORT __attribute__((visibility("default")))
#else
#define SKALD_EXPORT
#endif
