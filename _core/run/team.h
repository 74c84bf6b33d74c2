/* The only place where threads start: a team takes a minibatch through its phases.
 *
 * Worker 0 is the calling thread. The helpers sleep until it opens a minibatch. Those that arrive before it closes the minibatch
 * take part; it does not wait for others, because a busy machine may leave a thread asleep for longer than all the work takes. In
 * the first phase each worker takes slices until none is left. Then worker 0 closes the minibatch, waits for the helpers inside,
 * and goes with them through the other phases, whose work is divided evenly.
 */
#ifndef SKLEARN_RNN_TEAM_H
#define SKLEARN_RNN_TEAM_H

#include <pthread.h>
#include <signal.h>
#include <stdint.h>

#include "interface/job.h"
#include "levels/processor.h"
#include "run/stop.h"
#include "run/waiting.h"

enum { MAX_PHASES = 4, MOST_HELPERS = 255, HELPER_STACK_BYTES = 1 << 20 };

/* The three parts of an entry: number of the minibatch; how many helpers may come in, 0 when it is closed; how many are
 * inside. */
enum { MINIBATCH = 1 << 16, PLACE = 1 << 8, INSIDE = PLACE - 1, PLACES = INSIDE * PLACE };

typedef struct {
    int n_helpers;
    rnn_job *job;                       /* of this minibatch */
    int n_phases;
    rnn_phase phases[MAX_PHASES];
    rnn_word entry;                     /* helpers outside wait for the next minibatch */
    rnn_word phase;                     /* helpers inside wait for the next phase */
    rnn_word arrived;                   /* worker 0 waits for the helpers inside to end a phase */
} rnn_team;

static void prepare_team(rnn_team *team)
{
    team->n_helpers = 0;
    prepare_word(&team->entry);
    prepare_word(&team->phase);
    prepare_word(&team->arrived);
}

/* Wait for a minibatch that this helper has not been in, and enter it; returns the entry. */
static uint32_t enter(rnn_team *team, uint32_t last)
{
    uint32_t entry = read_word(&team->entry);
    for (;;) {
        if ((entry & INSIDE) >= (entry & PLACES) / PLACE || entry / MINIBATCH == last / MINIBATCH) {
            wait_while(&team->entry, entry, 0);
            entry = read_word(&team->entry);
        } else if (__atomic_compare_exchange_n(&team->entry.value, &entry, entry + 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
            return entry + 1;
        }
    }
}

/* The endless loop of a helper. After its last arrival it must not access the minibatch. */
static void *help(void *of)
{
    rnn_team *team = of;
    uint32_t entry = 0;
    for (;;) {
        entry = enter(team, entry);
        const uint32_t n_phases = (uint32_t)team->n_phases;
        restore_denormals(team->job->sync.control);          /* all workers need the same control, that of worker 0 */
        flush_denormals();
        for (uint32_t i = 0, phase; i < n_phases; i++) {
            while ((phase = read_word(&team->phase)) != i)
                wait_while(&team->phase, phase, 0);
            team->phases[i](team->job, entry & INSIDE);
            __atomic_fetch_add(&team->arrived.value, 1, __ATOMIC_SEQ_CST);
            wake_sleepers(&team->arrived);
        }
    }
    return NULL;
}

/* Start helpers until there are n_helpers, or the system refuses another; returns how many there are. */
static int start_helpers(rnn_team *team, int n_helpers)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t held_back, before;
    if (team->n_helpers >= n_helpers)
        return team->n_helpers;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, HELPER_STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    sigfillset(&held_back);             /* signals are for Python's threads, except those that report a fault */
    sigdelset(&held_back, SIGSEGV);
    sigdelset(&held_back, SIGBUS);
    sigdelset(&held_back, SIGFPE);
    sigdelset(&held_back, SIGILL);
    pthread_sigmask(SIG_SETMASK, &held_back, &before);
    while (team->n_helpers < n_helpers && pthread_create(&thread, &attributes, help, team) == 0)
        team->n_helpers++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return team->n_helpers;
}

static void open_minibatch(rnn_team *team, int n_helpers, rnn_job *job, const rnn_phase *phases, int n_phases)
{
    team->job = job;
    team->n_phases = n_phases;
    for (int i = 0; i < n_phases; i++)
        team->phases[i] = phases[i];
    write_word(&team->phase, 0);
    write_word(&team->arrived, 0);
    write_word(&team->entry, (read_word(&team->entry) / MINIBATCH + 1) * MINIBATCH + (uint32_t)n_helpers * PLACE);
}

/* Let no other helper in; returns how many are inside. */
static uint32_t close_minibatch(rnn_team *team)
{
    return __atomic_fetch_and(&team->entry.value, ~(uint32_t)PLACES, __ATOMIC_SEQ_CST) & INSIDE;
}

/* Wait for the helpers inside to end a phase; signals may still drop the minibatch in the first one. */
static void wait_for_helpers(rnn_team *team, uint32_t inside, int polling)
{
    uint32_t arrived;
    while ((arrived = read_word(&team->arrived)) != inside) {
        wait_while(&team->arrived, arrived, polling ? SIGNAL_NANOSECONDS : 0);
        if (polling)
            look_for_signals(team->job);
    }
}

/* Run the phases (a list that may end early with NULL), with up to n_helpers of a team's helpers. */
static void run_phases(rnn_team *team, int n_helpers, rnn_job *job, const rnn_phase *phases)
{
    int n_phases = 0;
    uint32_t inside = 0;
    while (n_phases < MAX_PHASES && phases[n_phases])
        n_phases++;
    job->sync.n_workers = 1;
    job->sync.control = flush_denormals();
    if (n_helpers > 0)
        open_minibatch(team, n_helpers, job, phases, n_phases);
    for (int i = 0; i < n_phases; i++) {
        if (i > 0 && inside > 0) {
            write_word(&team->arrived, 0);
            write_word(&team->phase, (uint32_t)i);
        }
        phases[i](job, 0);
        if (n_helpers > 0 && i == 0) {
            inside = close_minibatch(team);
            wait_for_helpers(team, inside, job->sync.poll != NULL);
            job->sync.n_workers = 1 + (isize)inside;
        } else if (inside > 0) {
            wait_for_helpers(team, inside, 0);
        }
    }
    restore_denormals(job->sync.control);
}

#endif
