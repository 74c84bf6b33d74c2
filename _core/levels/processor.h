/* Instructions for the processor itself: flushing of denormals to zero, used in all phases (they slow some processors
 * twentyfold), and a pause for loops that wait.
 */
#ifndef SKLEARN_RNN_PROCESSOR_H
#define SKLEARN_RNN_PROCESSOR_H

#include <stdint.h>

#if defined(__x86_64__)

enum { FLUSH_TO_ZERO = 0x8000, DENORMALS_ARE_ZERO = 0x0040 };

/* Set this thread's floating-point control; returns the previous value. */
static inline unsigned flush_denormals(void)
{
    const unsigned control = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(control | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
    return control;
}

static inline void restore_denormals(unsigned control) { __builtin_ia32_ldmxcsr(control); }
static inline void pause_briefly(void) { __builtin_ia32_pause(); }

#elif defined(__aarch64__)

static inline unsigned flush_denormals(void)
{
    uint64_t control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    __asm__ volatile("msr fpcr, %0" : : "r"(control | (1u << 24)));
    return (unsigned)control;
}

static inline void restore_denormals(unsigned control)
{
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)control));
}

static inline void pause_briefly(void) { __asm__ volatile("yield"); }

#else

static inline unsigned flush_denormals(void) { return 0; }
static inline void restore_denormals(unsigned control) { (void)control; }
static inline void pause_briefly(void) {}

#endif

#endif
