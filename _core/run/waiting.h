/* How threads wait for each other: they spin for a moment, as long as it takes to wake a thread, and then sleep. On a busy
 * machine a thread that spins takes the time that the thread it waits for would need.
 */
#ifndef SKLEARN_RNN_WAITING_H
#define SKLEARN_RNN_WAITING_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "levels/processor.h"

enum { SPINS = 1 << 12 };

/* A number that threads change atomically and wait for. */
typedef struct {
    uint32_t value;
    int sleepers;
    pthread_mutex_t lock;               /* held only by threads that are about to sleep, or to wake others */
    pthread_cond_t changed;
} rnn_word;

static inline void prepare_word(rnn_word *word)
{
    *word = (rnn_word){.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
}

static inline uint32_t read_word(const rnn_word *word) { return __atomic_load_n(&word->value, __ATOMIC_SEQ_CST); }

/* Wake the threads that sleep. A thread that is about to sleep counts itself before its last look at the value. */
static inline void wake_sleepers(rnn_word *word)
{
    if (!__atomic_load_n(&word->sleepers, __ATOMIC_SEQ_CST))
        return;
    pthread_mutex_lock(&word->lock);
    pthread_mutex_unlock(&word->lock);
    pthread_cond_broadcast(&word->changed);
}

static inline void write_word(rnn_word *word, uint32_t value)
{
    __atomic_store_n(&word->value, value, __ATOMIC_SEQ_CST);
    wake_sleepers(word);
}

/* Sleep until the word has another value, but at most this long (0: forever). */
static void sleep_while(rnn_word *word, uint32_t value, long nanoseconds)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_nsec += nanoseconds;
    end.tv_sec += end.tv_nsec / 1000000000;
    end.tv_nsec %= 1000000000;
    pthread_mutex_lock(&word->lock);
    __atomic_fetch_add(&word->sleepers, 1, __ATOMIC_SEQ_CST);
    int late = 0;
    while (read_word(word) == value && !late)
        late = nanoseconds ? pthread_cond_timedwait(&word->changed, &word->lock, &end)
                           : pthread_cond_wait(&word->changed, &word->lock);
    __atomic_fetch_sub(&word->sleepers, 1, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&word->lock);
}

/* Wait until the word has another value, but at most about this long (0: forever). */
static void wait_while(rnn_word *word, uint32_t value, long nanoseconds)
{
    for (int turn = 0; turn < SPINS; turn++) {
        if (read_word(word) != value)
            return;
        pause_briefly();
    }
    sleep_while(word, value, nanoseconds);
}

#endif
