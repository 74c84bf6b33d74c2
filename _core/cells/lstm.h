/* Long short-term memory (Hochreiter and Schmidhuber, 1997; forget gate: Gers, Schmidhuber and Cummins, 2000), on request with
 * peepholes P (Gers and Schmidhuber, 2000), with which the gates also read the cell state:
 *
 *     i, f = sigmoid(x W + b_x + h_prev U + b_h [+ P c_prev])    each with its own columns, order i f g o as in PyTorch
 *     g = tanh(x W + b_x + h_prev U + b_h)
 *     c = f * c_prev + i * g
 *     o = sigmoid(x W + b_x + h_prev U + b_h [+ P c])
 *     h = o * tanh(c)                                            with a norm o * tanh(norm(c)) (Ba et al., 2016)
 *
 * With coupled gates (Greff et al., 2017) i = 1 - f, and only f, g and o have weights.
 *
 * Gate buffer: the blocks i f g o, or f g o; gates overwrite pre-activations, d_gates overwrite gates. P has one row each for
 * i, f and o, or f and o.
 */
#ifndef SKLEARN_RNN_LSTM_H
#define SKLEARN_RNN_LSTM_H

#include "cells/declare.h"
#include "cells/step.h"
#include "interface/rosters.h"
#include "levels/vec.h"

enum { LSTM_PEEPHOLES, LSTM_COUPLED_GATES, LSTM_FORGET_BIAS };

static const rnn_option lstm_options[] = {
    {.name = "peepholes", .type = BOOLEAN},
    {.name = "coupled_gates", .type = BOOLEAN},
    /* 1 keeps early gradients alive (Jozefowicz et al., 2015); beyond 1000 the gate never moves. */
    {.name = "forget_bias", .type = NUMBER, .preset = 1, .least = -1000, .below = 1000},
    {0}};

static void lstm_declare(rnn_cell *cell, const double *option)
{
    const int coupled = (int)option[LSTM_COUPLED_GATES], n_gates = coupled ? 3 : 4;
    cell->gates = coupled ? "f g o" : "i f g o";
    for (int number = 0; number < n_gates; number++)
        gate(cell, BOTH);
    initial_bias(cell, coupled ? 0 : 1, option[LSTM_FORGET_BIAS]);
    if (!coupled)
        gate_replaces_state(cell, 0);
    gate_keeps_state(cell, coupled ? 0 : 1);
    state(cell, "h");
    state(cell, "c");
    seen_through_norm(cell, 1);
    if (option[LSTM_PEEPHOLES])
        own(cell, "weight_c", n_gates - 1, ZEROS);
}

/* Each variant is compiled for itself. */
enum { PLAIN, PEEPHOLES, COUPLED, COUPLED_PEEPHOLES, NORMED };

static inline int lstm_variant(const cell_step *s)
{
    return (s->norm ? NORMED : 0) + COUPLED * (s->option[LSTM_COUPLED_GATES] != 0) + PEEPHOLES * (s->option[LSTM_PEEPHOLES] != 0);
}

static inline __attribute__((always_inline)) void lstm_forward(const cell_step *s, const int peepholes, const int coupled,
                                                               const int normed)
{
    const cell_state *h_state = &s->state[0], *c_state = &s->state[1];
    const real *see_f = peepholes ? s->own[0] + (coupled ? 0 : s->width) : NULL, *see_i = peepholes ? s->own[0] : NULL,
               *see_o = peepholes ? see_f + s->width : NULL;
    for (isize row = 0; row < s->rows; row++) {
        real *gate_i = s->gates + row * s->ld_gates, *gate_f = gate_i + (coupled ? 0 : s->width), *gate_g = gate_f + s->width,
             *gate_o = gate_g + s->width;
        const real *c_prev = c_state->prev + row * c_state->ld_prev;
        real *c = c_state->now + row * c_state->ld, *h = h_state->now + row * h_state->ld;
        for (isize j = 0; j < s->width; j += LANES) {
            vec a_i = coupled ? vset(0) : vload(gate_i + j), a_f = vload(gate_f + j), a_o = vload(gate_o + j),
                before = vload(c_prev + j);
            if (peepholes) {
                if (!coupled)
                    a_i += vload(see_i + j) * before;
                a_f += vload(see_f + j) * before;
            }
            vec f = vsigmoid(a_f), i = coupled ? 1 - f : vsigmoid(a_i), g = vtanh(vload(gate_g + j));
            /* c = f * c_prev + i * g;  h = o * tanh(c) */
            vec cell = f * before + i * g;
            if (peepholes)
                a_o += vload(see_o + j) * cell;
            vec o = vsigmoid(a_o);
            if (!coupled)
                vstore(gate_i + j, i);
            vstore(gate_f + j, f);
            vstore(gate_g + j, g);
            vstore(gate_o + j, o);
            vstore(c + j, cell);
            if (!normed)
                vstore(h + j, o * vtanh(cell));
        }
        if (normed && !s->again)
            see_through_norm(s->norm, c, gate_o, h);
    }
}

static void lstm_forward_step(const cell_step *s)
{
    switch (lstm_variant(s)) {
    case PLAIN:                     lstm_forward(s, 0, 0, 0); break;
    case PEEPHOLES:                 lstm_forward(s, 1, 0, 0); break;
    case COUPLED:                   lstm_forward(s, 0, 1, 0); break;
    case COUPLED_PEEPHOLES:         lstm_forward(s, 1, 1, 0); break;
    case NORMED:                    lstm_forward(s, 0, 0, 1); break;
    case NORMED + PEEPHOLES:        lstm_forward(s, 1, 0, 1); break;
    case NORMED + COUPLED:          lstm_forward(s, 0, 1, 1); break;
    default:                        lstm_forward(s, 1, 1, 1);
    }
}

static inline void add_to(real *to, vec x) { vstore(to, vload(to) + x); }

static inline __attribute__((always_inline)) void lstm_backward(const cell_step *s, const int peepholes, const int coupled,
                                                                const int normed)
{
    const cell_state *h_state = &s->state[0], *c_state = &s->state[1];
    const real *see_f = peepholes ? s->own[0] + (coupled ? 0 : s->width) : NULL, *see_i = peepholes ? s->own[0] : NULL,
               *see_o = peepholes ? see_f + s->width : NULL;
    real *d_see_f = peepholes ? s->d_own[0] + (coupled ? 0 : s->width) : NULL, *d_see_i = peepholes ? s->d_own[0] : NULL,
         *d_see_o = peepholes ? d_see_f + s->width : NULL;
    for (isize row = 0; row < s->rows; row++) {
        real *gate_i = s->gates + row * s->ld_gates, *gate_f = gate_i + (coupled ? 0 : s->width), *gate_g = gate_f + s->width,
             *gate_o = gate_g + s->width, *d_h = h_state->d + row * s->width, *d_c = c_state->d + row * s->width;
        const real *c_prev = c_state->prev + row * c_state->ld_prev, *c = c_state->now + row * c_state->ld,
                   *d_out = s->d_out + row * s->ld_d_out;
        if (normed)
            see_through_norm_backward(s->norm, c, gate_o, d_out, d_h, d_c);
        for (isize j = 0; j < s->width; j += LANES) {
            vec f = vload(gate_f + j), g = vload(gate_g + j), o = vload(gate_o + j), i = coupled ? 1 - f : vload(gate_i + j);
            vec d_o = vload(d_h + j), dc = vload(d_c + j);
            if (!normed) {
                vec dh = d_o + vload(d_out + j), t = vtanh(vload(c + j));
                /* h = o * tanh(c) */
                d_o = dh * t;
                dc += dh * o * ((1 - t) * (1 + t));
            }
            vec d_a_o = d_o * (o * (1 - o));
            if (peepholes)
                dc += d_a_o * vload(see_o + j);
            /* c = f * c_prev + i * g, each gate through its own derivative; coupled: c = f * (c_prev - g) + g */
            vec d_a_i = dc * g * (i * (1 - i)), before = dc * f,
                d_a_f = dc * (coupled ? vload(c_prev + j) - g : vload(c_prev + j)) * (f * (1 - f));
            if (peepholes) {
                before += coupled ? d_a_f * vload(see_f + j) : d_a_i * vload(see_i + j) + d_a_f * vload(see_f + j);
                if (!coupled)
                    add_to(d_see_i + j, d_a_i * vload(c_prev + j));
                add_to(d_see_f + j, d_a_f * vload(c_prev + j));
                add_to(d_see_o + j, d_a_o * vload(c + j));
            }
            if (!coupled)
                vstore(gate_i + j, d_a_i);
            vstore(gate_f + j, d_a_f);
            vstore(gate_g + j, dc * i * ((1 - g) * (1 + g)));
            vstore(gate_o + j, d_a_o);
            vstore(d_c + j, before);
            vstore(d_h + j, vset(0));
        }
    }
}

static void lstm_backward_step(const cell_step *s)
{
    switch (lstm_variant(s)) {
    case PLAIN:                     lstm_backward(s, 0, 0, 0); break;
    case PEEPHOLES:                 lstm_backward(s, 1, 0, 0); break;
    case COUPLED:                   lstm_backward(s, 0, 1, 0); break;
    case COUPLED_PEEPHOLES:         lstm_backward(s, 1, 1, 0); break;
    case NORMED:                    lstm_backward(s, 0, 0, 1); break;
    case NORMED + PEEPHOLES:        lstm_backward(s, 1, 0, 1); break;
    case NORMED + COUPLED:          lstm_backward(s, 0, 1, 1); break;
    default:                        lstm_backward(s, 1, 1, 1);
    }
}

#endif
