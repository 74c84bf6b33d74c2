/* How a minibatch is stopped: by whoever finds a signal, and noticed by all workers at their next step. */
#ifndef SKLEARN_RNN_STOP_H
#define SKLEARN_RNN_STOP_H

#include "interface/job.h"
#include "levels/processor.h"

/* Signals are looked for at most this often. */
enum { SIGNAL_NANOSECONDS = 50000000 };

/* Make all workers drop the minibatch. */
static inline void stop_job(rnn_job *job) { __atomic_store_n(&job->sync.stop, 1, __ATOMIC_RELAXED); }

/* Let worker 0 check for signals, with the floating-point control that Python code expects. */
static inline void look_for_signals(rnn_job *job)
{
    restore_denormals(job->sync.control);
    job->sync.poll(job);
    flush_denormals();
}

/* True if the minibatch is to be dropped. Worker 0 also checks for signals, every POLL_WORK multiplications. */
static inline int poll_stop(rnn_job *job, isize worker, isize work)
{
    if (worker == 0 && job->sync.poll && (job->sync.work_until_poll -= work) < 0) {
        job->sync.work_until_poll = POLL_WORK;
        look_for_signals(job);
    }
    return __atomic_load_n(&job->sync.stop, __ATOMIC_RELAXED);
}

#endif
