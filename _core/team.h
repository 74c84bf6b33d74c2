/* The only place where threads start: a team takes a minibatch through its phases, with a barrier after each, woken once.
 */
#ifndef SKLEARN_RNN_TEAM_H
#define SKLEARN_RNN_TEAM_H

#include "kernels.h"

#ifdef _OPENMP
#include <omp.h>
enum { RNN_OPENMP = 1 };
#else
enum { RNN_OPENMP = 0 };
#endif

enum { MAX_PHASES = 4 };

/* Have all workers drop the minibatch. */
static inline void stop_job(rnn_job *job) { __atomic_store_n(&job->stop, 1, __ATOMIC_RELAXED); }

/* Run the phases (a list that may end early with NULL) on up to n_threads workers. */
static void run_phases(rnn_job *job, const rnn_phase *phases, int n_threads)
{
    if (n_threads > 1) {
#ifdef _OPENMP
#pragma omp parallel num_threads(n_threads)
        {
#pragma omp single
            job->n_workers = omp_get_num_threads();     /* may be fewer than asked for */
            for (int i = 0; i < MAX_PHASES && phases[i]; i++) {
                phases[i](job, omp_get_thread_num());
#pragma omp barrier
            }
        }
        return;
#endif
    }
    job->n_workers = 1;
    for (int i = 0; i < MAX_PHASES && phases[i]; i++)
        phases[i](job, 0);
}

#endif
