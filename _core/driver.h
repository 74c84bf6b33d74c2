/* The order of the loops: a slice of a minibatch goes layer by layer and step by step through the network, and back.
 *
 * A slice is a group of sequences, longest first, packed by step: row offset[t] + i is step t of sequence i, so no padding is
 * computed or stored. The rows of a step are two groups: those that continue (a prefix; their previous state is the same prefix of the
 * neighbouring step) and those that start (their previous state is zero, so they take no product with U).
 */
#ifndef SKLEARN_RNN_DRIVER_H
#define SKLEARN_RNN_DRIVER_H

typedef struct {
    isize index, worker;        /* which slice; who works on it */
    isize rows, steps;          /* sequences; steps of the longest */
    isize *offset;              /* (steps + 1,) first row of each step */
    isize *length, *sample;     /* (rows,) */
    real *arena;
} slice;

static inline isize rows_at(const slice *s, isize t) { return s->offset[t + 1] - s->offset[t]; }

/* First row of step t in a buffer that keeps all steps, or only the present one. */
static inline isize row_at(const slice *s, isize t, int kept) { return kept ? s->offset[t] : 0; }

/* Step of the k-th turn of a direction, and the step it continues from. */
static inline isize step_of(const slice *s, int d, isize k) { return d ? s->steps - 1 - k : k; }
static inline isize before(int d, isize t) { return d ? t + 1 : t - 1; }

/* Rows of step t that continue; the rest start here. */
static inline isize continuing(const slice *s, int d, isize t)
{
    const isize prev = before(d, t);
    return prev < 0 || prev >= s->steps ? 0 : least(rows_at(s, t), rows_at(s, prev));
}

/* True when the minibatch is to be dropped. Worker 0 also looks for signals, every so much work. */
static inline int interrupted(rnn_job *job, isize worker, isize work)
{
    if (worker == 0 && job->poll && (job->work_until_poll -= work) < 0) {
        job->work_until_poll = POLL_WORK;
        job->poll(job);
    }
    return __atomic_load_n(&job->stop, __ATOMIC_RELAXED);
}

static void open_slice(const rnn_job *job, isize index, isize worker, slice *s)
{
    const rnn_network *network = job->network;
    s->index = index;
    s->worker = worker;
    s->arena = (real *)job->arenas + worker * network->arena_size;
    s->offset = job->arena_ints + worker * network->arena_ints;
    s->length = s->offset + network->max_steps + 1;
    s->sample = s->length + network->max_rows;
    s->rows = 0;
    for (isize i = index; i < job->batch; i += job->n_slices, s->rows++) {
        s->sample[s->rows] = job->samples[i];
        s->length[s->rows] = job->offsets[job->samples[i] + 1] - job->offsets[job->samples[i]];
    }
    s->steps = s->length[0];
    s->offset[0] = 0;
    for (isize t = 0, running = s->rows; t < s->steps; t++) {
        while (s->length[running - 1] <= t)
            running--;
        s->offset[t + 1] = s->offset[t] + running;
    }
    for (int l = 0; l < network->n_layers; l++)
        memset(s->arena + network->zeros, 0, (size_t)network->layer[l].width * sizeof(real));
}

/* ---- input and dropout ---- */

/* x (rows, I) = step t of the data, in the network's real type */
static void gather_step(const rnn_job *job, const slice *s, isize t, real *x)
{
    const isize n_features = job->network->n_features;
    for (isize i = 0; i < rows_at(s, t); i++, x += n_features) {
        const isize from = (job->offsets[s->sample[i]] + t) * n_features;
        if (job->values_are_double)
            for (isize j = 0; j < n_features; j++)
                x[j] = (real)((const double *)job->values)[from + j];
        else
            for (isize j = 0; j < n_features; j++)
                x[j] = (real)((const float *)job->values)[from + j];
    }
}

/* to = states of layer l at one step of one sequence, under dropout; units are numbered without the padding */
static void drop_row(const rnn_job *job, int l, isize sample, isize t, const real *from, real *to)
{
    const rnn_layer *layer = &job->network->layer[l];
    for (int d = 0; d < job->network->n_directions; d++, from += layer->width, to += layer->width) {
        dropout_row(job, (uint32_t)l, sample, t, d * layer->hidden, layer->hidden, from, to);
        memset(to + layer->hidden, 0, (size_t)(layer->width - layer->hidden) * sizeof(real));
    }
}

static void drop_steps(const rnn_job *job, const slice *s, int l, isize first, isize end, const real *from, real *to)
{
    const isize ld = job->network->layer[l].ld_h;
    for (isize t = first; t < end; t++)
        for (isize i = 0; i < rows_at(s, t); i++, from += ld, to += ld)
            drop_row(job, l, s->sample[i], t, from, to);
}

/* ---- one direction of one layer ---- */

/* Where the walk through the steps finds its rows. */
typedef struct {
    const rnn_layer *layer;
    const rnn_direction *way;
    const cell_functions *cell;
    int d, x_kept, states_kept, gates_kept;     /* all steps are in the arena, or only the present one */
    real *x, *gates, *h, *c, *d_out, *zeros;
    isize ld_d_out;
} walk;

static walk walk_of(const rnn_network *network, const slice *s, int l, int d)
{
    const rnn_layer *layer = &network->layer[l];
    return (walk){
        .layer = layer, .way = &layer->direction[d], .cell = functions_of(layer->cell), .d = d,
        .x_kept = network->training || l > 0, .gates_kept = network->training,
        .states_kept = network->training || l < network->n_layers - 1 || network->keep_states,
        .x = s->arena + (layer->x >= 0 ? layer->x : network->layer[l - 1].h),
        .gates = s->arena + layer->gates + d * layer->cell->n_blocks * layer->width,
        .h = s->arena + layer->h + d * layer->width,
        .c = s->arena + (layer->c >= 0 ? layer->c + d * layer->width : layer->h),
        .d_out = s->arena + (layer->d_out >= 0 ? layer->d_out + d * layer->width : network->zeros),
        .ld_d_out = layer->d_out >= 0 ? layer->ld_h : 0,
        .zeros = s->arena + network->zeros,
    };
}

/* The rows of step t that continue (or start) and what the cell reads and writes there. */
static cell_step step_rows(const walk *w, const slice *s, isize t, int starting)
{
    const rnn_layer *layer = w->layer;
    const isize n_old = continuing(s, w->d, t), first = starting ? n_old : 0;
    const isize state = (row_at(s, t, w->states_kept) + first) * layer->ld_h,
                cell_state = (row_at(s, t, w->gates_kept) + first) * layer->ld_h;
    cell_step step = {
        .rows = starting ? rows_at(s, t) - n_old : n_old, .width = layer->width, .activation = layer->activation,
        .gates = w->gates + (row_at(s, t, w->gates_kept) + first) * layer->ld_gates, .ld_gates = layer->ld_gates,
        .h_prev = w->zeros, .c_prev = w->zeros,
        .h = w->h + state, .c = w->c + cell_state, .ld_h = layer->ld_h,
        .d_out = w->d_out + (w->ld_d_out ? (s->offset[t] + first) * w->ld_d_out : 0), .ld_d_out = w->ld_d_out,
    };
    if (!starting && n_old) {
        const isize prev = before(w->d, t);
        step.h_prev = w->h + row_at(s, prev, w->states_kept) * layer->ld_h;
        step.c_prev = w->c + row_at(s, prev, w->gates_kept) * layer->ld_h;
        step.ld_h_prev = step.ld_c_prev = layer->ld_h;
    }
    return step;
}

/* gates (rows, n_blocks * Hp) = b + x W + h_prev U, each block with the operands its cell asks for; none from h_prev at a start */
static void gate_products(const walk *w, const real *packed, const cell_step *step, const real *x, int starting)
{
    const rnn_layer *layer = w->layer;
    const rnn_cell *cell = layer->cell;
    const isize inputs = layer->input_parts * layer->inputs;
    const real *weight_x = packed + w->way->w, *weight_h = packed + w->way->u;
    for (int first = 0, end; first < cell->n_blocks; first = end) {
        end = group_end(cell, first);
        const isize columns = (end - first) * layer->width;
        operand operands[2];
        int n_operands = 0;
        if (cell->x_gate[first] >= 0) {
            operands[n_operands++] = (operand){.a = x, .b = weight_x, .ld_a = layer->ld_x, .n_runs = (int)layer->input_parts,
                                               .run = layer->inputs, .run_start = {0, layer->input_width}};
            weight_x += inputs * columns;
        }
        if (cell->h_gate[first] >= 0) {
            if (!starting)
                operands[n_operands++] = (operand){.a = step->h_prev, .b = weight_h, .ld_a = step->ld_h_prev, .n_runs = 1,
                                                   .run = layer->hidden};
            weight_h += layer->hidden * columns;
        }
        product(step->rows, columns, n_operands, operands, step->gates + first * layer->width, layer->ld_gates,
                packed + w->way->bias + first * layer->width, 0);
    }
}

static inline isize work_of_step(const rnn_layer *layer, isize rows)
{
    return rows * layer->cell->n_blocks * layer->width * (layer->input_parts * layer->inputs + layer->hidden);
}

/* All steps of one direction of layer l; 1 when interrupted. */
static int layer_forward(rnn_job *job, const slice *s, int l, int d)
{
    const walk w = walk_of(job->network, s, l, d);
    for (isize k = 0; k < s->steps; k++) {
        const isize t = step_of(s, d, k);
        real *x = w.x + row_at(s, t, w.x_kept) * w.layer->ld_x;
        if (!w.x_kept)
            gather_step(job, s, t, x);
        for (int starting = 0; starting < 2; starting++) {
            const cell_step step = step_rows(&w, s, t, starting);
            if (step.rows) {
                gate_products(&w, job->packed, &step, x, starting);
                w.cell->forward_step(&step);
            }
            x += step.rows * w.layer->ld_x;
        }
        if (interrupted(job, s->worker, work_of_step(w.layer, rows_at(s, t))))
            return 1;
    }
    return 0;
}

/* Whether BLAS takes a product of so many results, summed over a block of rows. Depends on sizes and the SIMD level alone: the
 * engine offers BLAS only at the levels where it was measured to be faster. */
static inline int by_blas(const rnn_job *job, isize results) { return job->gemm && results >= BLAS_RESULTS; }

/* One A of a weight gradient and where A^T d goes. */
typedef struct {
    operand a;
    real *c;
} gradient_operand;

/* C (+)= A^T d for each operand, and db (+)= column sums of d; d (n, columns), C (., columns) with row length ld_c. Each panel of d
 * is copied once, so that the inner loop reads it in order. */
static void weight_gradients(const rnn_job *job, const slice *s, isize n, const real *d, isize ld_d, isize columns,
                             int n_operands, const gradient_operand *operands, isize ld_c, real *db, int accumulate)
{
    real *panel = s->arena + job->network->panel;
    for (isize column = 0; column < columns; column += PANEL_COLUMNS) {
        const isize width = least(columns - column, PANEL_COLUMNS);
        for (isize j = 0; j < width; j += LANES) {
            vec sum = accumulate ? vload(db + column + j) : vset(0);
            for (isize k = 0; k < n; k++) {
                const vec x = vload(d + k * ld_d + column + j);
                vstore(panel + k * width + j, x);
                sum += x;
            }
            vstore(db + column + j, sum);
        }
        for (int o = 0; o < n_operands; o++) {
            const operand *a = &operands[o].a;
            for (int r = 0; !by_blas(job, a->run * columns) && r < a->n_runs; r++)
                transposed_product(a->run, width / LANES, n, a->a + a->run_start[r], a->ld_a, panel, accumulate,
                                   operands[o].c + r * a->run * ld_c + column, ld_c);
        }
    }
    for (int o = 0; o < n_operands; o++) {
        const operand *a = &operands[o].a;
        for (int r = 0; by_blas(job, a->run * columns) && r < a->n_runs; r++)
            job->gemm(1, a->run, columns, n, a->a + a->run_start[r], a->ld_a, d, ld_d, accumulate,
                      operands[o].c + r * a->run * ld_c, ld_c);
    }
}

/* h_prev (rows of steps first..end, Hp): the states these steps began with, zeros where a sequence starts */
static void gather_previous_states(const walk *w, const slice *s, isize first, isize end, real *h_prev, isize ld)
{
    const size_t bytes = (size_t)w->layer->width * sizeof(real);
    for (isize t = first; t < end; t++) {
        const isize n_old = continuing(s, w->d, t);
        const real *from = n_old ? w->h + s->offset[before(w->d, t)] * w->layer->ld_h : NULL;
        for (isize i = 0; i < rows_at(s, t); i++, h_prev += ld)
            if (i < n_old)
                memcpy(h_prev, from + i * w->layer->ld_h, bytes);
            else
                memset(h_prev, 0, bytes);
    }
}

/* Gate blocks as runs of columns, gate by gate. */
static operand gate_operand(const rnn_layer *layer, const int *gate_of_block, const real *gates, const real *b)
{
    operand a = {.a = gates, .b = b, .ld_a = layer->ld_gates, .n_runs = layer->cell->n_gates, .run = layer->hidden};
    for (int gate = 0; gate < a.n_runs; gate++)
        a.run_start[gate] = block_of(gate_of_block, gate) * layer->width;
    return a;
}

/* Once the gate gradients of steps first..end are ready: their share of d_W, d_U, d_b, and the gradient of the input. */
static void block_gradients(const rnn_job *job, const walk *w, const slice *s, int l, isize first, isize end, int accumulate)
{
    const rnn_network *network = job->network;
    const rnn_layer *layer = w->layer;
    const rnn_cell *cell = layer->cell;
    const isize row = s->offset[first], n = s->offset[end] - row, ld_c = cell->n_blocks * layer->width,
                ld_h_prev = row_length(layer->width);
    const real *d_gates = w->gates + row * layer->ld_gates;
    real *gradient = (real *)job->slice_gradients + s->index * network->gradient_size, *h_prev = s->arena + network->h_prev;
    gather_previous_states(w, s, first, end, h_prev, ld_h_prev);
    for (int block = 0, next; block < cell->n_blocks; block = next) {
        next = group_end(cell, block);
        const isize column = block * layer->width;
        gradient_operand operands[2];
        int n_operands = 0;
        if (cell->x_gate[block] >= 0)
            operands[n_operands++] = (gradient_operand){
                .a = {.a = w->x + row * layer->ld_x, .ld_a = layer->ld_x, .n_runs = (int)layer->input_parts,
                      .run = layer->inputs, .run_start = {0, layer->input_width}},
                .c = gradient + w->way->d_w + column};
        if (cell->h_gate[block] >= 0)
            operands[n_operands++] = (gradient_operand){
                .a = {.a = h_prev, .ld_a = ld_h_prev, .n_runs = 1, .run = layer->hidden},
                .c = gradient + w->way->d_u + column};
        weight_gradients(job, s, n, d_gates + column, layer->ld_gates, (next - block) * layer->width, n_operands, operands,
                         ld_c, gradient + w->way->d_b + column, accumulate);
    }
    if (l > 0 || network->keep_input_gradient) {
        const isize columns = whole_vectors(layer->input_parts * layer->input_width), ld = l > 0 ? layer->ld_x : columns;
        const operand a = gate_operand(layer, cell->x_gate, d_gates, (const real *)job->packed + w->way->wt);
        real *d_x = s->arena + (l > 0 ? network->layer[l - 1].d_out : network->d_input) + row * ld;
        if (!by_blas(job, layer->inputs * layer->hidden)) {
            product(n, columns, 1, &a, d_x, ld, w->d ? d_x : NULL, ld);
            return;
        }
        const real *weight = (const real *)job->params + w->way->weight_ih;
        const isize ld_weight = layer->input_parts * layer->inputs;
        if (w->d == 0)
            memset(d_x, 0, (size_t)(n * ld) * sizeof(real));
        for (int gate = 0; gate < a.n_runs; gate++)
            for (isize part = 0; part < layer->input_parts; part++)
                job->gemm(0, n, layer->inputs, layer->hidden, a.a + a.run_start[gate], a.ld_a,
                          weight + gate * layer->hidden * ld_weight + part * layer->inputs, ld_weight, 1,
                          d_x + part * layer->input_width, ld);
    }
}

/* Back through all steps of one direction of layer l; 1 when interrupted. d_last (rows, ld_h): gradient of the last states, or NULL. */
static int layer_backward(rnn_job *job, const slice *s, int l, int d, const real *d_last)
{
    const rnn_network *network = job->network;
    const walk w = walk_of(network, s, l, d);
    const rnn_layer *layer = w.layer;
    real *d_h = s->arena + network->d_h, *d_c = s->arena + network->d_c;
    const size_t bytes = (size_t)layer->width * sizeof(real);
    for (isize i = 0; i < s->rows; i++)
        if (d_last)
            memcpy(d_h + i * layer->width, d_last + i * layer->ld_h + d * layer->width, bytes);
        else
            memset(d_h + i * layer->width, 0, bytes);
    memset(d_c, 0, (size_t)s->rows * bytes);

    isize first = d ? 0 : s->steps, end = first;        /* steps whose gate gradients wait */
    for (isize k = s->steps - 1, accumulate = 0; k >= 0; k--) {
        const isize t = step_of(s, d, k), n_old = continuing(s, d, t);
        for (int starting = 0; starting < 2; starting++) {
            cell_step step = step_rows(&w, s, t, starting);
            step.d_h = d_h + (starting ? n_old * layer->width : 0);
            step.d_c = d_c + (starting ? n_old * layer->width : 0);
            if (step.rows)
                w.cell->backward_step(&step);
        }
        if (n_old) {
            const operand a = gate_operand(layer, layer->cell->h_gate, w.gates + s->offset[t] * layer->ld_gates,
                                           (const real *)job->packed + w.way->ut);
            product(n_old, layer->width, 1, &a, d_h, layer->width, d_h, layer->width);
        }
        first = least(first, t);
        end = end > t + 1 ? end : t + 1;
        if (s->offset[end] - s->offset[first] >= BLOCK_ROWS || k == 0) {
            block_gradients(job, &w, s, l, first, end, accumulate != 0);
            accumulate = 1;
            first = d ? end : first;
            end = first;
        }
        if (interrupted(job, s->worker, 2 * work_of_step(layer, rows_at(s, t))))
            return 1;
    }
    return 0;
}

/* ---- the head ---- */

/* z (n, width) = b + h W */
static void head_products(const rnn_job *job, isize n, const real *h, real *z)
{
    const rnn_network *network = job->network;
    const rnn_layer *last = &network->layer[network->n_layers - 1];
    const rnn_head *head = &network->head;
    const real *packed = job->packed;
    const operand a = {.a = h, .b = packed + head->w, .ld_a = last->ld_h, .n_runs = network->n_directions,
                       .run = last->hidden, .run_start = {0, last->width}};
    product(n, head->width, 1, &a, z, head->width, packed + head->packed_bias, 0);
}

/* Loss of one row, whose target is number `target` of the data; z becomes its gradient. */
static double row_loss(const rnn_job *job, isize target, real *z)
{
    const rnn_network *network = job->network;
    const rnn_head *head = &network->head;
    const double weight = job->weights ? job->weights[target] : 1;
    if (weight == 0) {          /* not taught: its target means nothing */
        memset(z, 0, (size_t)head->width * sizeof(real));
        return 0;
    }
    const real *y = job->targets ? (const real *)job->targets + target * head->outputs : NULL;
    const double loss = loss_roster[network->loss].loss(network, z, y, job->labels ? job->labels[target] : 0, z);
    const real scale = (real)(weight / job->total_weight);
    for (isize j = 0; j < head->width; j += LANES)
        vstore(z + j, vload(z + j) * scale);
    return loss * weight / job->total_weight;
}

/* Gradients of n rows of the head: its weights, and d_h (n, ld_h) = d_z W^T. */
static void head_gradients(const rnn_job *job, const slice *s, isize n, const real *h, const real *d_z, real *d_h, int accumulate)
{
    const rnn_network *network = job->network;
    const rnn_layer *last = &network->layer[network->n_layers - 1];
    const rnn_head *head = &network->head;
    real *gradient = (real *)job->slice_gradients + s->index * network->gradient_size;
    const gradient_operand a = {
        .a = {.a = h, .ld_a = last->ld_h, .n_runs = network->n_directions, .run = last->hidden, .run_start = {0, last->width}},
        .c = gradient + head->d_w};
    const operand b = {.a = d_z, .b = (const real *)job->packed + head->wt, .ld_a = head->width, .n_runs = 1,
                       .run = head->outputs};
    weight_gradients(job, s, n, d_z, head->width, head->width, 1, &a, head->width, gradient + head->d_b, accumulate);
    product(n, network->n_directions * last->width, 1, &b, d_h, last->ld_h, NULL, 0);
}

/* last (rows, ld_h): each sequence's own last state, of the reverse direction the one at t = 0 */
static real *gather_last_states(const rnn_network *network, const slice *s)
{
    const rnn_layer *last = &network->layer[network->n_layers - 1];
    const int kept = network->training || network->keep_states;
    real *states = s->arena + network->last;
    for (isize i = 0; i < s->rows; i++)
        for (int d = 0; d < network->n_directions; d++) {
            const isize row = (kept && d == 0 ? s->offset[s->length[i] - 1] : 0) + i;
            memcpy(states + i * last->ld_h + d * last->width, s->arena + last->h + row * last->ld_h + d * last->width,
                   (size_t)last->width * sizeof(real));
        }
    return states;
}

/* Steps first..end such that their rows fill a block. */
static isize block_end(const slice *s, isize first)
{
    isize end = first + 1;
    while (end < s->steps && s->offset[end] - s->offset[first] < BLOCK_ROWS)
        end++;
    return end;
}

/* Loss of a slice, and the gradient of the last states, or of the states of all steps. */
static double train_head(const rnn_job *job, const slice *s)
{
    const rnn_network *network = job->network;
    const int l = network->n_layers - 1;
    const rnn_layer *last = &network->layer[l];
    real *z = s->arena + network->logits, *dropped = s->arena + network->dropped;
    double loss = 0;
    if (!network->per_step) {
        real *h = gather_last_states(network, s), *d_last = s->arena + network->d_last;
        for (isize i = 0; job->dropping && i < s->rows; i++)
            drop_row(job, l, s->sample[i], 0, h + i * last->ld_h, h + i * last->ld_h);
        head_products(job, s->rows, h, z);
        for (isize i = 0; i < s->rows; i++)
            loss += row_loss(job, s->sample[i], z + i * network->head.width);
        head_gradients(job, s, s->rows, h, z, d_last, 0);
        for (isize i = 0; job->dropping && i < s->rows; i++)
            drop_row(job, l, s->sample[i], 0, d_last + i * last->ld_h, d_last + i * last->ld_h);
        return loss;
    }
    for (isize first = 0, end; first < s->steps; first = end) {
        end = block_end(s, first);
        const isize row = s->offset[first], n = s->offset[end] - row;
        real *h = s->arena + last->h + row * last->ld_h, *d_out = s->arena + last->d_out + row * last->ld_h, *z_row = z;
        if (job->dropping) {
            drop_steps(job, s, l, first, end, h, dropped);
            h = dropped;
        }
        head_products(job, n, h, z);
        for (isize t = first; t < end; t++)
            for (isize i = 0; i < rows_at(s, t); i++, z_row += network->head.width)
                loss += row_loss(job, job->offsets[s->sample[i]] + t, z_row);
        head_gradients(job, s, n, h, z, d_out, first > 0);
        if (job->dropping)
            drop_steps(job, s, l, first, end, d_out, d_out);
    }
    return loss;
}

/* One row of results: outputs, after the link unless raw, or without a head the states themselves. */
static void put_result(const rnn_job *job, isize at, const real *h, real *z)
{
    const rnn_network *network = job->network;
    const rnn_layer *last = &network->layer[network->n_layers - 1];
    const rnn_head *head = &network->head;
    if (head->outputs) {
        if (!job->raw)
            loss_roster[network->loss].link(head->outputs, head->width, z);
        memcpy((real *)job->output + at * head->outputs, z, (size_t)head->outputs * sizeof(real));
        return;
    }
    for (int d = 0; d < network->n_directions; d++)
        memcpy((real *)job->output + (at * network->n_directions + d) * last->hidden, h + d * last->width,
               (size_t)last->hidden * sizeof(real));
}

static void predict_head(const rnn_job *job, const slice *s)
{
    const rnn_network *network = job->network;
    const rnn_layer *last = &network->layer[network->n_layers - 1];
    const isize width = network->head.width;
    real *z = s->arena + network->logits;
    if (!network->per_step) {
        const real *h = gather_last_states(network, s);
        head_products(job, s->rows, h, z);
        for (isize i = 0; i < s->rows; i++)
            put_result(job, s->sample[i], h + i * last->ld_h, z + i * width);
        return;
    }
    for (isize first = 0, end; first < s->steps; first = end) {
        end = block_end(s, first);
        const real *h = s->arena + last->h + s->offset[first] * last->ld_h;
        real *z_row = z;
        head_products(job, s->offset[end] - s->offset[first], h, z);
        for (isize t = first; t < end; t++)
            for (isize i = 0; i < rows_at(s, t); i++, z_row += width, h += last->ld_h)
                put_result(job, job->offsets[s->sample[i]] + t, h, z_row);
    }
}

/* ---- slices ---- */

static int forward(rnn_job *job, const slice *s)
{
    const rnn_network *network = job->network;
    for (int l = 0; l < network->n_layers; l++) {
        if (l > 0 && network->layer[l].x >= 0)
            drop_steps(job, s, l - 1, 0, s->steps, s->arena + network->layer[l - 1].h, s->arena + network->layer[l].x);
        for (int d = 0; d < network->n_directions; d++)
            if (layer_forward(job, s, l, d))
                return 1;
    }
    return 0;
}

static void scatter_input_gradient(const rnn_job *job, const slice *s)
{
    const isize n = job->network->n_features, ld = whole_vectors(n);
    const real *d_x = s->arena + job->network->d_input;
    for (isize t = 0; t < s->steps; t++)
        for (isize i = 0; i < rows_at(s, t); i++, d_x += ld)
            memcpy((real *)job->d_values + (job->offsets[s->sample[i]] + t) * n, d_x, (size_t)n * sizeof(real));
}

static int train_slice(rnn_job *job, const slice *s)
{
    const rnn_network *network = job->network;
    for (isize t = 0; t < s->steps; t++)
        gather_step(job, s, t, s->arena + network->layer[0].x + s->offset[t] * network->n_features);
    if (forward(job, s))
        return 1;
    job->slice_loss[s->index] = train_head(job, s);
    for (int l = network->n_layers - 1; l >= 0; l--) {
        const real *d_last = l == network->n_layers - 1 && !network->per_step ? s->arena + network->d_last : NULL;
        for (int d = 0; d < network->n_directions; d++)
            if (layer_backward(job, s, l, d, d_last))
                return 1;
        if (l > 0 && network->layer[l].x >= 0) {
            real *d_out = s->arena + network->layer[l - 1].d_out;
            drop_steps(job, s, l - 1, 0, s->steps, d_out, d_out);
        }
    }
    if (job->d_values)
        scatter_input_gradient(job, s);
    return 0;
}

static int predict_slice(rnn_job *job, const slice *s)
{
    if (forward(job, s))
        return 1;
    predict_head(job, s);
    return 0;
}

enum { WAIT_WORK = POLL_WORK >> 10 };

/* Take slices until none is left. Worker 0 goes on looking for signals while others finish theirs. */
static void work(rnn_job *job, isize worker, int (*task)(rnn_job *, const slice *))
{
    const unsigned control = flush_denormals();
    isize index;
    while ((index = __atomic_fetch_add(&job->next_slice, 1, __ATOMIC_RELAXED)) < job->n_slices) {
        slice s;
        open_slice(job, index, worker, &s);
        if (task(job, &s))
            break;
        __atomic_fetch_add(&job->done_slices, 1, __ATOMIC_RELAXED);
    }
    restore_denormals(control);
    for (isize turn = 0; worker == 0 && __atomic_load_n(&job->done_slices, __ATOMIC_RELAXED) < job->n_slices; turn++) {
        if (interrupted(job, 0, WAIT_WORK))
            return;
        wait_a_turn(turn);
    }
}

/* Phases: the slices of a minibatch there and back, or there only. */
static void train(rnn_job *job, isize worker) { work(job, worker, train_slice); }
static void predict(rnn_job *job, isize worker) { work(job, worker, predict_slice); }

#endif
