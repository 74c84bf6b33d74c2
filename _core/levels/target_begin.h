/* From here on, compile for the instruction sets in TARGET; include this first. GCC and Clang need different pragmas. */
#define PRAGMA(words) _Pragma(#words)
#if defined(__clang__)
#define CLANG_TARGET(sets) PRAGMA(clang attribute push(__attribute__((target(sets))), apply_to = function))
CLANG_TARGET(TARGET)
#else
#define GCC_TARGET(sets) PRAGMA(GCC target(sets))
GCC_TARGET(TARGET)
#endif
