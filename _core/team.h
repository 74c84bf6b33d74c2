/* The only place where threads start: a team takes a minibatch through its phases, with a barrier after each, woken once.
 */
#ifndef SKLEARN_RNN_TEAM_H
#define SKLEARN_RNN_TEAM_H

#include "kernels.h"
#include "processor.h"

#ifdef _OPENMP
#include <omp.h>
enum { RNN_OPENMP = 1 };
#else
enum { RNN_OPENMP = 0 };
#endif

enum { MAX_PHASES = 4 };

/* Have all workers drop the minibatch. */
static inline void stop_job(rnn_job *job) { __atomic_store_n(&job->stop, 1, __ATOMIC_RELAXED); }

/* All phases (a list that may end early with NULL) as one of n_workers, who wait for each other after each. */
static inline void run_as(isize worker, isize n_workers, rnn_job *job, const rnn_phase *phases)
{
    const unsigned control = flush_denormals();         /* each thread has its own, and all must compute alike */
    if (worker == 0) {
        job->n_workers = n_workers;
        job->control = control;
    }
    for (int i = 0; i < MAX_PHASES && phases[i]; i++) {
        if (n_workers > 1) {
#ifdef _OPENMP
#pragma omp barrier
#endif
        }
        phases[i](job, worker);
    }
    restore_denormals(control);
}

/* Run the phases on up to n_threads workers. */
static void run_phases(rnn_job *job, const rnn_phase *phases, int n_threads)
{
#ifdef _OPENMP
    if (n_threads > 1) {
#pragma omp parallel num_threads(n_threads)
        run_as(omp_get_thread_num(), omp_get_num_threads(), job, phases);   /* may be fewer than asked for */
        return;
    }
#endif
    (void)n_threads;
    run_as(0, 1, job, phases);
}

#endif
