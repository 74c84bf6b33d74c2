"""The reference: recurrent networks in plain NumPy, straight from the equations.

float64, one sequence at a time, one step at a time, fast for nobody. It shares nothing with the
package, so that what both say is likely to be true.

A network is a list of nodes, the head last. The reference reads their attributes alone: `kind`,
`name`, `sources` (each with `node`, `shift`, `weight`), `units`, `cell`, `options`, `directions`,
`axis`. The steps of nodes of axis 1, a decoder, are those of a second sequence, `target`.

Weights are a dict in the order of the flat vector, and `layout` lists their names and shapes:
``weight_ih_l0`` (G*H, width of the sources), ``weight_hh_l0`` (G*H, H), ``bias_ih_l0`` and
``bias_hh_l0`` (G*H,), suffix ``_reverse`` for the second direction; of a dense node NAME
``NAME.weight`` (units, width of the sources) and ``NAME.bias`` (units,), at last ``head.weight``
and ``head.bias``. An embedding has ``NAME.weight`` (rows, units). X is a list of sequences
(T_i, n_features); the columns that embeddings read hold codes, all others are the stream of the
data.

What can be differentiated returns its result and a function ``backward``, which takes the gradient
with respect to that result, adds to the gradients of the weights, and returns that of the input.

A new cell is one function ``NAME_step``, a new loss ``NAME_loss``, an optimizer ``NAME_update``.
"""

import sys
from contextlib import contextmanager
from itertools import product

import numpy as np

DATA = -1  # the node of a source that reads X itself
TARGET_DATA = -2  # the same of what is given at each step of the second axis


def named(suffix):
    """Collect this module's functions called NAME + suffix, by NAME."""
    return {k.removesuffix(suffix): f for k, f in globals().copy().items() if k.endswith(suffix)}


def sigmoid(x):
    return np.exp(-np.logaddexp(0.0, -x))


# Each activation, and its derivative in terms of its result.
ACTIVATION = {
    "identity": (lambda a: a, np.ones_like),
    "tanh": (np.tanh, lambda h: 1 - h**2),
    "relu": (lambda a: np.maximum(a, 0.0), lambda h: (h > 0).astype(float)),
    "logistic": (sigmoid, lambda h: h * (1 - h)),
}


# ---- Cells: step(p, x, states, options) -> new states, backward ---------------------------------
# p holds one direction's weights by stem, x what each stem of input weights multiplies, states the
# cell's states of the step before, h first. backward(d_states, d_p) -> d_x, d_states of the step
# before; it adds to the gradients d_p.


def cell(n_gates, n_states=1, hidden_product=True, own=lambda n_units, options: {}):
    """Describe a cell: its blocks of pre-activations, its states, and what it multiplies.

    The number of blocks may be a function of the options. A cell with a hidden product has
    weight_hh (G*H, H) and bias_hh (G*H,). `own` returns the shapes of its other arrays by stem.
    """

    def describe(step):
        step.n_gates = n_gates if callable(n_gates) else lambda options: n_gates
        step.n_states = n_states
        step.hidden_product, step.own = hidden_product, own
        return step

    return describe


ALL = slice(None)


def norm_arrays(p, name, rows):
    """Return the arrays of one of a cell's norms by the stems of `layer_norm`."""
    weight = p[f"norm_weight_{name}"][rows]
    return {"weight": weight, "bias": p.get(f"norm_bias_{name}", np.zeros(len(weight)))}


def normalised(p, name, a, rows=ALL):
    """Return the norm of a, if the cell has any, and its `backward`.

    Layer norms have a bias, except that of hh: `bias_hh` is added behind it. `rows` are those of a
    in the gain.
    """
    if f"norm_weight_{name}" not in p:
        return a, lambda d_y, d_p: d_y
    function = layer_norm if "norm_bias_ih" in p else rms_norm
    y, backward = function(a, norm_arrays(p, name, rows))
    return y, lambda d_y, d_p: backward(d_y, norm_arrays(d_p, name, rows))


def input_sum(p, x):
    return sum(p[stem] @ x[stem] for stem in x) + p["bias_ih"]


def input_product(p, x):
    """Return the pre-activations from the inputs (G*H,), of all gates under one norm."""
    return normalised(p, "ih", input_sum(p, x))[0]


def input_product_backward(p, x, d_a, d_p):
    d_a = normalised(p, "ih", input_sum(p, x))[1](d_a, d_p)
    d_p["bias_ih"] += d_a
    for stem in x:
        d_p[stem] += np.outer(d_a, x[stem])
    return {stem: p[stem].T @ d_a for stem in x}


def hidden_product(p, h_prev, rows=ALL):
    """Return the pre-activations from the hidden state (G*H,), of all gates under one norm.

    Gates that read something else have a norm of their own: `rows` are those of some gates.
    """
    return normalised(p, "hh", p["weight_hh"][rows] @ h_prev, rows)[0] + p["bias_hh"][rows]


def hidden_product_backward(p, h_prev, d_a, d_p, rows=ALL):
    weight = p["weight_hh"][rows]
    d_p["bias_hh"][rows] += d_a
    d_a = normalised(p, "hh", weight @ h_prev, rows)[1](d_a, d_p)
    d_p["weight_hh"][rows] += np.outer(d_a, h_prev)
    return weight.T @ d_a


@cell(n_gates=1)
def elman_step(p, x, states, options):
    """Elman (1990)."""
    (h_prev,) = states
    function, derivative = ACTIVATION[options.get("activation", "tanh")]
    h = function(input_product(p, x) + hidden_product(p, h_prev))

    def backward(d_states, d_p):
        d_a = d_states[0] * derivative(h)
        d_x = input_product_backward(p, x, d_a, d_p)
        return d_x, (hidden_product_backward(p, h_prev, d_a, d_p),)

    return (h,), backward


@cell(n_gates=1, hidden_product=False)
def jordan_step(p, x, states, options):
    """Jordan (1986): the network's output of the step before is one more input, by weight_oh."""
    function, derivative = ACTIVATION[options.get("activation", "tanh")]
    h = function(input_product(p, x))

    def backward(d_states, d_p):
        d_a = d_states[0] * derivative(h)
        return input_product_backward(p, x, d_a, d_p), (np.zeros(len(h)),)

    return (h,), backward


@cell(n_gates=1, hidden_product=False, own=lambda n_units, options: {"weight_hh": (n_units,)})
def indrnn_step(p, x, states, options):
    """Li et al. (2018): each unit sees its own state alone."""
    (h_prev,), u = states, p["weight_hh"]
    function, derivative = ACTIVATION[options.get("activation", "relu")]
    h = function(input_product(p, x) + u * h_prev)

    def backward(d_states, d_p):
        d_a = d_states[0] * derivative(h)
        d_p["weight_hh"] += d_a * h_prev
        return input_product_backward(p, x, d_a, d_p), (d_a * u,)

    return (h,), backward


@cell(n_gates=2, hidden_product=False)
def mingru_step(p, x, states, options):
    """Feng et al. (2024), in their plain form: neither z nor n sees the state."""
    (h_prev,) = states
    a_z, n = np.split(input_product(p, x), 2)
    z = sigmoid(a_z)
    h = (1 - z) * h_prev + z * n

    def backward(d_states, d_p):
        (d_h,) = d_states
        d_z = d_h * (n - h_prev) * z * (1 - z)
        d_x = input_product_backward(p, x, np.concatenate([d_z, d_h * z]), d_p)
        return d_x, (d_h * (1 - z),)

    return (h,), backward


@cell(n_gates=3, hidden_product=False)
def minlstm_step(p, x, states, options):
    """Feng et al. (2024), in their plain form: f and i are divided by their sum."""
    (h_prev,) = states
    a_i, a_f, g = np.split(input_product(p, x), 3)
    i, f = sigmoid(a_i), sigmoid(a_f)
    new, old = i / (f + i), f / (f + i)
    h = old * h_prev + new * g

    def backward(d_states, d_p):
        (d_h,) = d_states
        d_new, d_old = d_h * g, d_h * h_prev
        d_i = (d_new - d_old) * f / (f + i) ** 2 * i * (1 - i)
        d_f = (d_old - d_new) * i / (f + i) ** 2 * f * (1 - f)
        d_x = input_product_backward(p, x, np.concatenate([d_i, d_f, d_h * new]), d_p)
        return d_x, (d_h * old,)

    return (h,), backward


def lstm_gates(options):
    return 3 if options.get("coupled_gates") else 4


def peepholes(n_units, options):
    return {"weight_c": (lstm_gates(options) - 1, n_units)} if options.get("peepholes") else {}


@cell(n_gates=lstm_gates, n_states=2, own=peepholes)
def lstm_step(p, x, states, options):
    """Hochreiter and Schmidhuber (1997), with the forget gate of Gers et al. (2000).

    With peepholes (Gers and Schmidhuber, 2000) i and f see the c of the step before, and o sees
    the new one. With coupled gates (Greff et al., 2017) i is 1 - f. With a norm h sees that of c.
    """
    h_prev, c_prev = states
    coupled, sees = options.get("coupled_gates"), options.get("peepholes")
    *p_i, p_f, p_o = p["weight_c"] if sees else np.zeros((2 if coupled else 3, len(c_prev)))
    a = input_product(p, x) + hidden_product(p, h_prev)
    *a_i, a_f, a_g, a_o = np.split(a, lstm_gates(options))
    f = sigmoid(a_f + p_f * c_prev)
    i = 1 - f if coupled else sigmoid(a_i[0] + p_i[0] * c_prev)
    g = np.tanh(a_g)
    c = f * c_prev + i * g
    o = sigmoid(a_o + p_o * c)
    seen_c, norm_backward = normalised(p, "c", c)
    tanh_c = np.tanh(seen_c)
    h = o * tanh_c

    def backward(d_states, d_p):
        d_h, d_c = d_states
        d_o = d_h * tanh_c * o * (1 - o)
        d_c = d_c + norm_backward(d_h * o * (1 - tanh_c**2), d_p) + d_o * p_o
        d_g = d_c * i * (1 - g**2)
        d_c_prev = d_c * f
        if coupled:
            d_f = d_c * (c_prev - g) * f * (1 - f)
            d_i = []
        else:
            d_f = d_c * c_prev * f * (1 - f)
            d_i = [d_c * g * i * (1 - i)]
            d_c_prev = d_c_prev + d_i[0] * p_i[0]
        d_a = np.concatenate([*d_i, d_f, d_g, d_o])
        if sees:
            d_p["weight_c"] += [*(d * c_prev for d in d_i), d_f * c_prev, d_o * c]
        d_x = input_product_backward(p, x, d_a, d_p)
        return d_x, (hidden_product_backward(p, h_prev, d_a, d_p), d_c_prev + d_f * p_f)

    return (h, c), backward


@cell(n_gates=3)
def gru_step(p, x, states, options):
    """Cho et al. (2014), with the reset after the product unless told otherwise."""
    if not options.get("reset_after", True):
        return gru_with_reset_before(p, x, states)
    (h_prev,) = states
    r_x, z_x, n_x = np.split(input_product(p, x), 3)
    r_h, z_h, n_h = np.split(hidden_product(p, h_prev), 3)
    r = sigmoid(r_x + r_h)
    z = sigmoid(z_x + z_h)
    n = np.tanh(n_x + r * n_h)
    h = (1 - z) * n + z * h_prev

    def backward(d_states, d_p):
        (d_h,) = d_states
        d_z = d_h * (h_prev - n) * z * (1 - z)
        d_n = d_h * (1 - z) * (1 - n**2)
        d_r = d_n * n_h * r * (1 - r)
        d_x = input_product_backward(p, x, np.concatenate([d_r, d_z, d_n]), d_p)
        d_a_h = np.concatenate([d_r, d_z, d_n * r])
        return d_x, (hidden_product_backward(p, h_prev, d_a_h, d_p) + d_h * z,)

    return (h,), backward


def gru_with_reset_before(p, x, states):
    """Cho et al. (2014): U_n multiplies r * h_prev."""
    (h_prev,) = states
    early, late = slice(2 * len(h_prev)), slice(2 * len(h_prev), None)
    r_x, z_x, n_x = np.split(input_product(p, x), 3)
    r_h, z_h = np.split(hidden_product(p, h_prev, early), 2)
    r, z = sigmoid(r_x + r_h), sigmoid(z_x + z_h)
    n = np.tanh(n_x + hidden_product(p, r * h_prev, late))
    h = (1 - z) * n + z * h_prev

    def backward(d_states, d_p):
        (d_h,) = d_states
        d_z = d_h * (h_prev - n) * z * (1 - z)
        d_n = d_h * (1 - z) * (1 - n**2)
        d_late = hidden_product_backward(p, r * h_prev, d_n, d_p, late)
        d_r = d_late * h_prev * r * (1 - r)
        d_x = input_product_backward(p, x, np.concatenate([d_r, d_z, d_n]), d_p)
        d_early = hidden_product_backward(p, h_prev, np.concatenate([d_r, d_z]), d_p, early)
        return d_x, (d_h * z + d_late * r + d_early,)

    return (h,), backward


@cell(n_gates=2)
def mgu_step(p, x, states, options):
    """Zhou et al. (2016): one gate both resets and updates."""
    (h_prev,) = states
    early, late = slice(len(h_prev)), slice(len(h_prev), None)
    f_x, n_x = np.split(input_product(p, x), 2)
    f = sigmoid(f_x + hidden_product(p, h_prev, early))
    n = np.tanh(n_x + hidden_product(p, f * h_prev, late))
    h = (1 - f) * h_prev + f * n

    def backward(d_states, d_p):
        (d_h,) = d_states
        d_n = d_h * f * (1 - n**2)
        d_late = hidden_product_backward(p, f * h_prev, d_n, d_p, late)
        d_f = (d_h * (n - h_prev) + d_late * h_prev) * f * (1 - f)
        d_x = input_product_backward(p, x, np.concatenate([d_f, d_n]), d_p)
        d_early = hidden_product_backward(p, h_prev, d_f, d_p, early)
        return d_x, (d_h * (1 - f) + d_late * f + d_early,)

    return (h,), backward


STEP = named("_step")


# ---- Random masks -------------------------------------------------------------------------------

PURPOSES = ("dropout", "noise", "recurrent_dropout", "zoneout", "word_dropout")


def philox(counter, key):
    """Philox4x32-10 of Salmon et al. (2011): four words for a counter of four and a key of two."""
    (a, b, c, d), (k, l) = counter, key  # noqa: E741
    for _ in range(10):
        p, q = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (q >> 32) ^ b ^ k, q % 2**32, (p >> 32) ^ d ^ l, p % 2**32
        k, l = (k + 0x9E3779B9) % 2**32, (l + 0xBB67AE85) % 2**32  # noqa: E741
    return a, b, c, d


class Masks:
    """The masks of one sequence in training; seed and update are those of the engine."""

    def __init__(self, seed, update, sample):
        self.seed, self.update, self.sample = seed, update, sample

    def drawn(self, purpose, layer, rate, step, numbers):
        """Return which of some numbers are drawn, each with probability `rate`."""
        layer += PURPOSES.index(purpose) << 16
        key = (self.seed ^ layer * 0x9E3779B9) % 2**32, ((self.seed >> 32) + layer) % 2**32
        words = []
        for number in numbers:
            block, place = divmod(int(number), 64)
            counter = (16 * block + place % 16, step, self.sample, self.update)
            words.append(philox(counter, key)[place // 16])
        return np.array(words) < int(rate * 2**32)

    def dropout(self, purpose, layer, rate, step, numbers):
        """Return a mask of zeros and 1 / (1 - rate)."""
        return np.where(self.drawn(purpose, layer, rate, step, numbers), 0.0, 1 / (1 - rate))


# ---- Rows: function(row, ...) -> row, backward ---------------------------------------------------

NORM_EPSILON = 1e-5


def layer_norm(x, p):
    """Ba, Kiros and Hinton (2016): y = (x - mean) / sqrt(var + epsilon) * weight + bias."""
    scale = 1 / np.sqrt(x.var() + NORM_EPSILON)
    normal = (x - x.mean()) * scale

    def backward(d_y, d_p):
        d_p["weight"] += d_y * normal
        d_p["bias"] += d_y
        d_normal = d_y * p["weight"]
        return scale * (d_normal - d_normal.mean() - normal * np.mean(d_normal * normal))

    return normal * p["weight"] + p["bias"], backward


def rms_norm(x, p):
    """Zhang and Sennrich (2019): y = x / sqrt(mean(x^2) + epsilon) * weight."""
    scale = 1 / np.sqrt(np.mean(x**2) + NORM_EPSILON)
    normal = x * scale

    def backward(d_y, d_p):
        d_p["weight"] += d_y * normal
        d_normal = d_y * p["weight"]
        return scale * (d_normal - normal * np.mean(d_normal * normal))

    return normal * p["weight"], backward


layer_norm.stems, rms_norm.stems = ("weight", "bias"), ("weight",)
NORM = named("_norm")
# Of the two directions of a unit: their merger, and the gradient of it with respect to each.
MERGE = {
    "sum": (np.add, lambda a, b: (1.0, 1.0)),
    "ave": (lambda a, b: (a + b) / 2, lambda a, b: (0.5, 0.5)),
    "mul": (np.multiply, lambda a, b: (b, a)),
}

# ---- Attention over another axis ----------------------------------------------------------------


def context_forward(p, query, keys, values, score):
    """Return the mean of the values (S, V) that a query weights by its match with the keys (S, A).

    "additive" (Bahdanau et al., 2015): e_j = score . tanh(W q + b + key_j), with the arrays p;
    "dot" (Luong et al., 2015): e_j = q . key_j. Also the weights a = softmax of e, and `backward`,
    which adds to the gradients d_p and returns those of query, keys and values.
    """
    if score == "additive":
        u = np.tanh(p["weight"] @ query + p["bias"] + keys)
        e = u @ p["score"]
    else:
        e = keys @ query
    a = np.exp(e - np.logaddexp.reduce(e))
    y = a @ values

    def backward(d_y, d_p):
        d_e = a * (values @ d_y - y @ d_y)
        d_values = np.outer(a, d_y)
        if score == "dot":
            return d_e @ keys, np.outer(d_e, query), d_values
        d_u = np.outer(d_e, p["score"]) * (1 - u**2)
        d_z = d_u.sum(axis=0)
        d_p["score"] += d_e @ u
        d_p["bias"] += d_z
        d_p["weight"] += np.outer(d_z, query)
        return p["weight"].T @ d_z, d_u, d_values

    return y, a, backward


# ---- What a list of nodes says ------------------------------------------------------------------

FORWARD, REVERSE = 1, -1
OF_ALL_STEPS = ("last", "pool", "attend")  # kinds that write once per sequence
DIRECTIONS = {"forward": (FORWARD,), "reverse": (REVERSE,), "both": (FORWARD, REVERSE)}
SUFFIX = {FORWARD: "", REVERSE: "_reverse"}
# Stems of the weights of sources, in the order of the flat vector.
STEMS = ("weight_ih", "weight_oh", "weight_hh", "weight_skip")
# Kinds of nodes with streams of their own width and directions.
WITH_UNITS = ("recurrent", "dense")
# Kinds whose streams belong to no direction.
ONE_WAY = ("head", "crf", "merge", "embed", "context")


def code_columns(nodes, axis=0):
    """Return the columns of an axis that hold codes, and how many codes there can be at most."""
    columns = {}
    embeds = [node for node in nodes if node.kind == "embed" and node.axis == axis]
    for options in (dict(node.options) for node in embeds):
        known = columns.get(options["column"], np.inf)
        columns[options["column"]] = min(known, options["rows"])
    return columns


def width(nodes, i, n_features):
    """Return how many numbers the stream of node `i` has per step.

    n_features: columns of X, or those of both axes in a tuple.
    """
    if i in (DATA, TARGET_DATA):
        axis = (DATA, TARGET_DATA).index(i)
        return np.atleast_1d(n_features)[axis] - len(code_columns(nodes, axis))
    node = nodes[i]
    if node.kind in WITH_UNITS:
        return node.units * len(DIRECTIONS[node.directions])
    if node.kind in ("head", "crf", "embed", "tail"):
        return node.units
    if node.kind == "context":
        return width(nodes, node.sources[2].node, n_features)
    below = width(nodes, node.sources[0].node, n_features)
    return below // 2 if node.kind == "merge" else below


def unit_directions(nodes, i, n_features):
    """Return the direction in which each number of a stream runs (width,)."""
    if i in (DATA, TARGET_DATA) or nodes[i].kind in ONE_WAY:
        return np.full(width(nodes, i, n_features), FORWARD)
    node = nodes[i]
    if node.kind in WITH_UNITS:
        return np.repeat(DIRECTIONS[node.directions], node.units)
    first, *others = [unit_directions(nodes, s.node, n_features) for s in node.sources]
    if not all(np.array_equal(first, other) for other in others):
        raise ValueError(f"Node {node.name!r} adds streams of different directions.")
    return first


def is_once(nodes, i):
    """Return whether the stream of a node other than the head has one row per sequence."""
    if i in (DATA, TARGET_DATA) or nodes[i].kind in ("recurrent", "add", "embed", "context"):
        return False
    return nodes[i].kind in OF_ALL_STEPS or is_once(nodes, nodes[i].sources[0].node)


def input_widths(nodes, node, n_features):
    """Return the width of the sources of each stem, side by side."""
    widths = {}
    for source in node.sources:
        known = widths.get(source.weight, 0)
        widths[source.weight] = known + width(nodes, source.node, n_features)
    return {stem: widths[stem] for stem in STEMS if stem in widths}


def reads_source(node):
    """Tell whether a recurrent node multiplies a source by weight_hh, and not its own h."""
    return dict(node.options).get("recurrence") == "source"


def norm_shapes(node):
    """Return the shapes of the gains and biases of a recurrent node's norms by stem."""
    normalization = dict(node.options).get("normalization", "none")
    if normalization == "none":
        return {}
    names = ["weight_ih", "bias_ih", "weight_hh", "weight_c", "bias_c"]
    if normalization == "rms":
        names = [name for name in names if "bias" not in name]
    if STEP[node.cell].n_states == 1:
        names = [name for name in names if not name.endswith("_c")]
    n_rows = STEP[node.cell].n_gates(dict(node.options)) * node.units
    return {f"norm_{name}": (node.units if name.endswith("_c") else n_rows,) for name in names}


def recurrent_shapes(node, widths):
    """Return the shapes of one direction's arrays by stem, in the order of the flat vector."""
    step, n_units, others = STEP[node.cell], node.units, dict(widths)
    n_rows, shapes = step.n_gates(dict(node.options)) * n_units, {}
    if "weight_ih" in others:
        shapes["weight_ih"] = (n_rows, others.pop("weight_ih"))
    if step.hidden_product:
        n_columns = others.pop("weight_hh") if reads_source(node) else n_units
        shapes["weight_hh"] = (n_rows, n_columns)
    shapes["bias_ih"] = (n_rows,)
    if step.hidden_product:
        shapes["bias_hh"] = (n_rows,)
    shapes |= norm_shapes(node)
    shapes |= step.own(n_units, dict(node.options))
    shapes |= {stem: (n_rows, n_columns) for stem, n_columns in others.items()}
    return shapes | dict.fromkeys(learned_states(node), (n_units,))


STATES = ("h", "c")


def beginning(node):
    """Return the source with the states before the first step, h, then c; or None."""
    return next((source for source in node.sources if source.weight == "initial"), None)


def learned_states(node):
    """Return the stems of the states with which a node begins a sequence, if it learns them."""
    learns = dict(node.options).get("initial_state", "zeros") == "learned"
    return [f"initial_{name}" for name in STATES[: STEP[node.cell].n_states]] if learns else []


def dense_shapes(node, widths):
    """Return the shapes of a dense node's arrays, in the order of the flat vector."""
    others = dict(widths)
    shapes = {"weight": (node.units, others.pop("weight_ih"))}
    if dict(node.options).get("bias", True):
        shapes["bias"] = (node.units,)
    return shapes | {stem: (node.units, n_columns) for stem, n_columns in others.items()}


def dense_name(node):
    """Return what the names of a dense node's arrays begin with."""
    (direction,) = DIRECTIONS[node.directions]
    return node.name + SUFFIX[direction]


def context_shapes(nodes, node, n_features):
    """Return the shapes of the arrays of attention over the other axis by their names."""
    query, keys, _ = (width(nodes, source.node, n_features) for source in node.sources)
    if dict(node.options).get("score") == "dot":
        return {}
    return {
        f"{node.name}.weight": (keys, query),
        f"{node.name}.bias": (keys,),
        f"{node.name}.score": (keys,),
    }


def layout(nodes, n_features):
    """Return the shape of each array of weights by its name, in the order of the flat vector."""
    shapes = {}
    for node in nodes:
        widths = input_widths(nodes, node, n_features)
        if node.kind == "recurrent":
            for direction in DIRECTIONS[node.directions]:
                for stem, shape in recurrent_shapes(node, widths).items():
                    shapes[f"{stem}_{node.name}{SUFFIX[direction]}"] = shape
        elif node.kind == "dense":
            for stem, shape in dense_shapes(node, widths).items():
                shapes[f"{dense_name(node)}.{stem}"] = shape
        elif node.kind in ("head", "crf"):
            shapes[f"{node.name}.weight"] = (node.units, sum(widths.values()))
            shapes[f"{node.name}.bias"] = (node.units,)
            if node.kind == "crf":
                shapes[f"{node.name}.transitions"] = (node.units, node.units)
                shapes[f"{node.name}.start"] = shapes[f"{node.name}.end"] = (node.units,)
        elif node.kind == "tail":
            shapes[f"{node.name}.weight"] = (node.units, sum(widths.values()))
        elif node.kind == "embed" and not dict(node.options).get("tied"):
            shapes[f"{node.name}.weight"] = (dict(node.options)["rows"], node.units)
        elif node.kind == "norm":
            for stem in NORM[dict(node.options)["method"]].stems:
                shapes[f"{node.name}.{stem}"] = tuple(widths.values())
        elif node.kind == "context":
            shapes |= context_shapes(nodes, node, n_features)
        elif node.kind == "attend":
            shapes[f"{node.name}.weight"] = (node.units, *widths.values())
            shapes[f"{node.name}.bias"] = shapes[f"{node.name}.score"] = (node.units,)
    return shapes


def readings(nodes):
    """Yield each item, one that it reads, and how many steps later that is.

    An item is a stream (the index of its node) or one direction of a recurrent node. A node that
    reads all steps, as those in `OF_ALL_STEPS` do, is said to read the step before and the step
    after.
    """
    for i, node in enumerate(nodes):
        if node.kind == "recurrent":
            for direction in DIRECTIONS[node.directions]:
                yield i, (i, direction), 0
                yield (i, direction), (i, direction), -direction
                for source in node.sources:
                    if source.weight != "initial":
                        yield (i, direction), source.node, direction * source.shift
        else:
            direction = DIRECTIONS[node.directions][0]
            for source in node.sources:
                for steps in (-1, 1) if node.kind in OF_ALL_STEPS else (direction * source.shift,):
                    yield i, source.node, steps


def reachable(reads):
    """Return all that each item reads, itself or through others; reads: pairs (item, read)."""
    reached = {}
    for item, read in reads:
        reached.setdefault(item, set()).add(read)
        reached.setdefault(read, set())
    for through in reached:
        for others in reached.values():
            if through in others:
                others |= reached[through]
    return reached


def check_order(nodes):
    """Raise ValueError if no order of steps and nodes has all that each of them reads.

    Items that read each other must all read steps before, or all steps after, and none may read
    itself at the same step.
    """
    all_readings = list(readings(nodes))
    reached = reachable((item, read) for item, read, _ in all_readings)
    at_once = reachable((item, read) for item, read, steps in all_readings if steps == 0)
    for item in reached:
        loop = {other for other in reached[item] if item in reached[other]}
        signs = {np.sign(steps) for a, b, steps in all_readings if a in loop and b in loop}
        if signs >= {-1, 1} or item in at_once.get(item, ()):
            name = nodes[item[0] if isinstance(item, tuple) else item].name
            raise ValueError(f"Node {name!r} is in a loop that has no order of steps.")


# ---- The network, on one sequence ---------------------------------------------------------------


def windows(x, stride, window):
    """Return what a strided causal convolution reads of X at each step of its shorter axis.

    Row t holds steps s t, s t - 1, ..., s t - (k - 1) side by side, zeros before the beginning;
    s is the stride and k the window.
    """
    x = np.asarray(x, dtype=np.float64)
    n_steps = (len(x) - 1) // stride + 1
    rows = [[x[t - i] if t >= i else 0 * x[0] for i in range(window)] for t in range(len(x))]
    values = np.reshape(rows[::stride], (n_steps, -1))

    def backward(d_values):
        d_x = np.zeros(x.shape)
        for t, d_row in enumerate(np.split(d_values, n_steps)):
            for i, d_step in enumerate(np.split(d_row[0], window)):
                if stride * t >= i:
                    d_x[stride * t - i] += d_step
        return d_x

    return values, backward


def name_of_stream(nodes, i, back):
    """Return under what name a stream of `back` steps before the first is given."""
    while nodes[i].kind in ("drop", "noise"):
        i = nodes[i].sources[0].node
    name = "x" if i in (DATA, TARGET_DATA) else "y" if nodes[i].kind == "head" else nodes[i].name
    for node in nodes:
        if any(source.node == i and source.weight == "weight_hh" for source in node.sources):
            name = f"h_{node.name}"
    return name if back == 1 else f"{name}_{back}"


class Run:
    """A network on one sequence: every item is evaluated when it is first asked for.

    `target` holds what a decoder reads at each step of the second axis (T', n_target_features), or
    is None.

    `given` holds what comes before the first step, or None: states by "h_l0" and so on, streams
    that are read at later steps by the names of `name_of_stream`. Gradients are multiplied by
    `carry_factor` for each step that they go back in time (Tallec and Ollivier, 2017).

    An item is a method with its arguments, which returns a value and a function `backward`.
    Each is kept in the record after all that it reads; on the way back, from the end of the record
    to its start, its gradient is therefore complete when its turn comes.
    """

    def __init__(
        self,
        weights,
        x,
        nodes,
        link,
        groups=(),
        given=None,
        masks=None,
        carry_factor=1.0,
        target=None,
    ):
        check_order(nodes)
        self.weights, self.nodes, self.link, self.groups = weights, nodes, link, groups
        self.given, self.masks, self.carry_factor = given, masks, carry_factor
        self.data = [np.asarray(x, dtype=np.float64)]
        if target is not None:
            self.data.append(np.asarray(target, dtype=np.float64))
        self.x = self.data[0]
        self.n_steps = len(self.data[-1])
        self.n_features = tuple(data.shape[1] for data in self.data)
        self.numbers = [
            [j for j in range(n) if j not in code_columns(nodes, axis)]
            for axis, n in enumerate(self.n_features)
        ]
        streams = ((DATA, TARGET_DATA)[: len(self.data)], range(len(nodes)))
        streams = [i for part in streams for i in part]
        self.widths = {i: width(nodes, i, self.n_features) for i in streams}
        self.parts = [self.named_parts(node) for node in nodes]
        self.values, self.record = {}, []
        self.d_values, self.d_weights = {}, {}

    def value(self, *item):
        if item not in self.values:
            function, *arguments = item
            self.values[item], backward = function(*arguments)
            self.record.append((item, backward))
        return self.values[item]

    def add_gradient(self, d_value, *item):
        self.d_values[item] = self.d_values.get(item, 0.0) + d_value

    def backward(self, d_weights):
        """Go back through the record, from the gradients that were added to what they lead to."""
        self.d_weights = d_weights
        for item, backward in reversed(self.record):
            if item in self.d_values:
                backward(self.d_values[item])

    def gradient(self, i):
        """Return the gradient with respect to a stream (T, width), for which `backward` is done."""
        zeros, times = np.zeros(self.widths[i]), range(self.steps_of(i))
        return np.array([self.d_values.get((self.stream, i, t), zeros) for t in times])

    def axis_of(self, i):
        """Return the axis of a stream."""
        return {DATA: 0, TARGET_DATA: 1}[i] if i < 0 else self.nodes[i].axis

    def steps_of(self, i):
        """Return the number of steps of a stream's axis."""
        return len(self.data[self.axis_of(i)])

    def named_parts(self, node):
        """Return the names of a recurrent node's arrays, by direction and stem."""
        if node.kind != "recurrent":
            return {}
        shapes = recurrent_shapes(node, input_widths(self.nodes, node, self.n_features))
        return {
            direction: {stem: f"{stem}_{node.name}{SUFFIX[direction]}" for stem in shapes}
            for direction in DIRECTIONS[node.directions]
        }

    def stream(self, i, t):
        """What node `i` writes at step t; X itself without its codes, if `i` is DATA."""
        if i < 0:
            axis = self.axis_of(i)
            return self.data[axis][t, self.numbers[axis]], lambda d_value: None
        return getattr(self, self.nodes[i].kind)(i, t)

    def side_by_side(self, sources, t, direction=FORWARD):
        """Return the streams of some sources at step t; outside, zeros or what is given."""
        items = [(self.stream, s.node, t + direction * s.shift) for s in sources]
        inside = [0 <= time < self.steps_of(i) for _, i, time in items]
        widths = [self.widths[s.node] for s in sources]
        begins = [self.begins_with(i) if time == -1 else None for _, i, time in items]
        items = [
            item if cell is None else (self.initial, cell, 0)
            for item, cell in zip(items, begins, strict=True)
        ]
        inside = [known or cell is not None for known, cell in zip(inside, begins, strict=True)]
        values = [
            self.value(*item) if known else self.outside(*item[1:])
            for item, known in zip(items, inside, strict=True)
        ]

        def backward(d_values):
            pieces = np.split(d_values, np.cumsum(widths)[:-1])
            for source, item, known, d_value in zip(sources, items, inside, pieces, strict=True):
                if known:
                    self.add_gradient(self.carry_factor**-source.shift * d_value, *item)

        return np.concatenate(values), backward

    def by_stem(self, node, t, direction):
        """Return the sources of each stem side by side, and where their gradients go."""
        x, scatter = {}, {}
        for stem in dict.fromkeys(source.weight for source in node.sources):
            if stem == "initial":
                continue
            sources = [source for source in node.sources if source.weight == stem]
            x[stem], scatter[stem] = self.side_by_side(sources, t, direction)
        return x, scatter

    def begins_with(self, i):
        """Return the cell whose h a stream is, also under dropout, if that cell has a beginning."""
        while i >= 0 and self.nodes[i].kind in ("drop", "noise"):
            i = self.nodes[i].sources[0].node
        return i if i >= 0 and beginning(self.nodes[i]) is not None else None

    def initial(self, i, k):
        """State number k before the first step, which a row of the other axis has."""
        source, place = beginning(self.nodes[i]), slice(k * self.nodes[i].units, None)
        item = self.stream, source.node, 0
        place = slice(place.start, place.start + self.nodes[i].units)

        def backward(d_state):
            d_row = np.zeros(self.widths[source.node])
            d_row[place] = d_state
            self.add_gradient(d_row, *item)

        return self.value(*item)[place], backward

    def outside(self, i, t):
        """What comes before the first step or after the last."""
        if self.given is None:
            return np.zeros(self.widths[i])
        return self.given[name_of_stream(self.nodes, i, -t)]

    def recurrent(self, i, t):
        """The hidden states of its directions, side by side."""
        directions = DIRECTIONS[self.nodes[i].directions]
        items = [(self.states, i, direction, t) for direction in directions]

        def backward(d_h):
            for item, d_h_direction in zip(items, np.split(d_h, len(items)), strict=True):
                d_states = np.zeros_like(self.value(*item))
                d_states[0] = d_h_direction
                self.add_gradient(d_states, *item)

        return np.concatenate([self.value(*item)[0] for item in items]), backward

    def states(self, i, direction, t):
        """The states (n_states, H) of one direction after step t."""
        node, names = self.nodes[i], self.parts[i][direction]
        step, before = STEP[node.cell], (self.states, i, direction, t - direction)
        starts, learned = not 0 <= t - direction < self.steps_of(i), learned_states(node)
        begins = [(self.initial, i, k) for k in range(step.n_states)] if beginning(node) else []
        if starts and begins:
            states = [self.value(*item) for item in begins]
        elif not starts:
            states = self.value(*before)
        elif self.given is not None and node.cell != "jordan":  # which does not read its h
            states = [self.given.get(f"{name}_{node.name}") for name in STATES[: step.n_states]]
        elif learned:
            states = [self.weights[f"{stem}_{node.name}{SUFFIX[direction]}"] for stem in learned]
        else:
            states = np.zeros((step.n_states, node.units))
        x, scatter = self.by_stem(node, t, direction)
        p = {stem: self.weights[name] for stem, name in names.items()}
        mask, zone = self.h_mask(i, direction), self.zone(i, direction, t)
        if mask is not None:  # U (mask * h) is (U * mask) h
            p["weight_hh"] = p["weight_hh"] * mask
        if reads_source(node):  # where the cell would multiply its h, it multiplies the source
            states = [np.zeros(node.units), *states[1:]]
            read = [x.pop("weight_hh"), *states[1:]]
        else:
            read = states
        new_states, step_back = step(p, x, read, dict(node.options))

        def backward(d_states):
            d_p = {stem: self.d_weights[name] for stem, name in names.items()}
            if mask is not None:
                d_p["weight_hh"] = np.zeros_like(p["weight_hh"])
            d_x, d_before = step_back((1 - zone) * d_states, d_p)
            if mask is not None:
                self.d_weights[names["weight_hh"]] += d_p["weight_hh"] * mask
            if reads_source(node):
                d_x["weight_hh"] = d_before[0]
                d_before = (np.zeros(node.units), *d_before[1:])
            for stem, d_input in d_x.items():
                scatter[stem](d_input)
            if not starts:
                d_before = zone * d_states + np.stack(d_before)
                self.add_gradient(self.carry_factor * d_before, *before)
            elif begins:
                for k, item in enumerate(begins):
                    self.add_gradient(zone[k] * d_states[k] + d_before[k], *item)
            elif self.given is None:
                for k, stem in enumerate(learned):
                    d_p[stem] += zone[k] * d_states[k] + d_before[k]

        return zone * states + (1 - zone) * np.stack(new_states), backward

    def states_after(self, n):
        """Return what goes on after n steps, by the names in which it is given."""
        after = {}
        for i, node in enumerate(self.nodes):
            if node.kind == "recurrent" and node.cell != "jordan":
                states = self.value(self.states, i, FORWARD, n - 1)
                read = slice(int(reads_source(node)), len(states))
                names = [f"{name}_{node.name}" for name in STATES[read]]
                after |= dict(zip(names, states[read], strict=True))
            for source in node.sources:
                for back in range(1, 1 - source.shift):
                    name, t = name_of_stream(self.nodes, source.node, back), n - back
                    row = (
                        self.value(self.stream, source.node, t)
                        if t >= 0
                        else self.outside(source.node, t)
                    )
                    if name not in after or self.nodes[source.node].kind not in ("drop", "noise"):
                        after[name] = row
        return after

    def h_mask(self, i, direction):
        """Return what h is multiplied with on its way to U (H,), or None.

        Gal and Ghahramani (2016).
        """
        rate = dict(self.nodes[i].options).get("recurrent_dropout", 0.0)
        if not rate or self.masks is None:
            return None
        numbers = self.unit_numbers(i, direction)
        return self.masks.dropout("recurrent_dropout", i + 1, rate, 0, numbers)

    def zone(self, i, direction, t):
        """Return how much of each state stays as it was (n_states, H): Krueger et al. (2017)."""
        node = self.nodes[i]
        rate, n_states = dict(node.options).get("zoneout", 0.0), STEP[node.cell].n_states
        if not rate or self.masks is None:
            return np.full((n_states, node.units), rate)
        row = len(DIRECTIONS[node.directions]) * node.units
        numbers = [k * row + n for k in range(n_states) for n in self.unit_numbers(i, direction)]
        drawn = self.masks.drawn("zoneout", i + 1, rate, t, numbers)
        return drawn.reshape(n_states, node.units).astype(float)

    def unit_numbers(self, i, direction):
        """Return the numbers of a direction's units among those of its node."""
        node = self.nodes[i]
        return DIRECTIONS[node.directions].index(direction) * node.units + np.arange(node.units)

    def embed(self, i, t):
        """The row of a table whose number is the code, which training may drop."""
        name, options = f"{self.nodes[i].name}.weight", dict(self.nodes[i].options)
        axis, rate = self.nodes[i].axis, options.get("word_dropout", 0.0)
        code = int(np.rint(self.data[axis][t, options["column"]]))
        if rate and self.masks is not None:
            (dropped,) = self.masks.drawn("word_dropout", axis, rate, t, [options["column"]])
            code = options.get("unknown", 0) if dropped else code
        if options.get("tied"):
            name, code = "head.weight", options.get("first_row", 0) + code

        def backward(d_row):
            self.d_weights[name][code] += d_row

        return self.weights[name][code], backward

    def dense(self, i, t):
        """act(W [sources side by side] + b), with an array of weights for each stem."""
        node, name = self.nodes[i], dense_name(self.nodes[i])
        options = dict(node.options)
        function, derivative = ACTIVATION[options.get("activation", "identity")]
        x, scatter = self.by_stem(node, t, *DIRECTIONS[node.directions])
        names = {stem: f"{name}.{stem}".replace("weight_ih", "weight") for stem in x}
        a = sum(self.weights[names[stem]] @ x[stem] for stem in x)
        if options.get("bias", True):
            a = a + self.weights[f"{name}.bias"]
        y = function(a)

        def backward(d_y):
            d_a = d_y * derivative(y)
            if options.get("bias", True):
                self.d_weights[f"{name}.bias"] += d_a
            for stem in x:
                self.d_weights[names[stem]] += np.outer(d_a, x[stem])
                scatter[stem](self.weights[names[stem]].T @ d_a)

        return y, backward

    def drop(self, i, t):
        """Without masks, which belong to training, nothing."""
        values, scatter = self.side_by_side(self.nodes[i].sources, t)
        if self.masks is None:
            return values, scatter
        options = dict(self.nodes[i].options)
        step = 0 if options.get("per_sequence") or is_once(self.nodes, i) else t
        mask = self.masks.dropout(
            "dropout", options["layer"], options["rate"], step, range(len(values))
        )
        return values * mask, lambda d_values: scatter(d_values * mask)

    def noise(self, i, t):
        """Nothing: noise belongs to training."""
        return self.side_by_side(self.nodes[i].sources, t)

    def norm(self, i, t):
        node = self.nodes[i]
        x, scatter = self.side_by_side(node.sources, t)
        function = NORM[dict(node.options)["method"]]
        names = {stem: f"{node.name}.{stem}" for stem in function.stems}
        y, row_back = function(x, {stem: self.weights[name] for stem, name in names.items()})

        def backward(d_y):
            d_p = {stem: self.d_weights[name] for stem, name in names.items()}
            scatter(row_back(d_y, d_p))

        return y, backward

    def merge(self, i, t):
        """One number for the two directions of each unit."""
        function, slopes = MERGE[dict(self.nodes[i].options)["method"]]
        both, scatter = self.side_by_side(self.nodes[i].sources, t)
        parts = np.split(both, 2)

        def backward(d_y):
            scatter(np.concatenate([d_y * slope for slope in slopes(*parts)]))

        return function(*parts), backward

    def add(self, i, t):
        sources = self.nodes[i].sources
        values, scatter = self.side_by_side(sources, t)

        def backward(d_sum):
            scatter(np.tile(d_sum, len(sources)))

        return sum(np.split(values, len(sources))), backward

    def last(self, i, t):
        """Each unit's last state: forward's at T - 1, reverse's at 0, whatever t is."""
        (source,) = self.nodes[i].sources
        forward = unit_directions(self.nodes, source.node, self.n_features) == FORWARD
        at_end = (self.stream, source.node, self.steps_of(i) - 1)
        at_start = (self.stream, source.node, 0)

        def backward(d_last):
            self.add_gradient(np.where(forward, d_last, 0.0), *at_end)
            self.add_gradient(np.where(forward, 0.0, d_last), *at_start)

        return np.where(forward, self.value(*at_end), self.value(*at_start)), backward

    def all_steps(self, source):
        """A stream at all steps (T, width)."""
        items = [(self.stream, source.node, t) for t in range(self.steps_of(source.node))]

        def backward(d_steps):
            for item, d_step in zip(items, d_steps, strict=True):
                self.add_gradient(d_step, *item)

        return np.array([self.value(*item) for item in items]), backward

    def pool(self, i, t):
        """The mean or the maximum over all steps, whatever t is."""
        (source,) = self.nodes[i].sources
        h, scatter = self.all_steps(source)
        if dict(self.nodes[i].options)["method"] == "mean":
            return h.mean(axis=0), lambda d: scatter(np.tile(d / len(h), (len(h), 1)))
        first = np.arange(len(h))[:, None] == h.argmax(axis=0)  # step with the maximum
        return h.max(axis=0), lambda d: scatter(first * d)

    def attend(self, i, t):
        """The mean of all steps, weighted by additive attention (Bahdanau et al., 2015).

        u = tanh(h W^T + b), a = softmax over the steps of u score, y = sum of a h.
        """
        node = self.nodes[i]
        h, scatter = self.all_steps(node.sources[0])
        weight, bias, score = (
            self.weights[f"{node.name}.{stem}"] for stem in ("weight", "bias", "score")
        )
        u = np.tanh(h @ weight.T + bias)
        a = np.exp(u @ score - np.logaddexp.reduce(u @ score))
        y = a @ h

        def backward(d_y):
            d_e = a * (h @ d_y - y @ d_y)
            d_z = np.outer(d_e, score) * (1 - u**2)
            self.d_weights[f"{node.name}.score"] += d_e @ u
            self.d_weights[f"{node.name}.weight"] += d_z.T @ h
            self.d_weights[f"{node.name}.bias"] += d_z.sum(axis=0)
            scatter(np.outer(a, d_y) + d_z @ weight)

        return y, backward

    def context(self, i, t):
        """The mean of the values of all source steps that the query weights: `context_forward`."""
        node = self.nodes[i]
        query, *memory = node.sources
        q, scatter = self.side_by_side([query], t)
        (keys, scatter_keys), (values, scatter_values) = map(self.all_steps, memory)
        names = context_shapes(self.nodes, node, self.n_features)
        arrays = {name.rpartition(".")[2]: self.weights[name] for name in names}
        score = dict(node.options).get("score", "additive")
        y, _, context_back = context_forward(arrays, q, keys, values, score)

        def backward(d_y):
            d_arrays = {name.rpartition(".")[2]: self.d_weights[name] for name in names}
            d_q, d_keys, d_values = context_back(d_y, d_arrays)
            scatter(d_q)
            scatter_keys(d_keys)
            scatter_values(d_values)

        return y, backward

    def head(self, i, t):
        """The output after the link."""
        y = LINK[self.link](self.value(self.raw, i, t), self.groups)

        def backward(d_y):
            self.add_gradient(LINK_BACKWARD[self.link](y, d_y, self.groups), self.raw, i, t)

        return y, backward

    def raw(self, i, t):
        """The output before the link."""
        name, node = self.nodes[i].name, self.nodes[i]
        features, scatter = self.side_by_side(node.sources, t)
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]

        def backward(d_z):
            self.d_weights[f"{name}.weight"] += np.outer(d_z, features)
            self.d_weights[f"{name}.bias"] += d_z
            scatter(weight.T @ d_z)

        tails = [k for k, node in enumerate(self.nodes) if node.kind == "tail"]
        if tails:
            return self.with_tails(weight @ features + bias, backward, tails, t)
        return weight @ features + bias, backward

    def with_tails(self, z, head_backward, tails, t):
        """log p of all classes: Grave et al. (2017). The last outputs of a head are its tails."""
        log_p = z - np.logaddexp.reduce(z)
        n = len(z) - len(tails)
        z_tails = [self.value(self.tail, k, t) for k in tails]
        inside = [z_tail - np.logaddexp.reduce(z_tail) for z_tail in z_tails]
        parts = [log_p[:n], *(log_p[n + k] + part for k, part in enumerate(inside))]
        ends = np.cumsum([len(part) for part in parts])

        def backward(d_outputs):
            d_first, *d_parts = np.split(d_outputs, ends[:-1])
            d_log_p = np.concatenate([d_first, [d.sum() for d in d_parts]])
            head_backward(d_log_p - np.exp(log_p) * d_log_p.sum())
            for k, part, d in zip(tails, inside, d_parts, strict=True):
                self.add_gradient(d - np.exp(part) * d.sum(), self.tail, k, t)

        return np.concatenate(parts), backward

    def tail(self, i, t):
        """W x, the outputs of a tail."""
        name, node = f"{self.nodes[i].name}.weight", self.nodes[i]
        features, scatter = self.side_by_side(node.sources, t)

        def backward(d_z):
            self.d_weights[name] += np.outer(d_z, features)
            scatter(self.weights[name].T @ d_z)

        return self.weights[name] @ features, backward


@contextmanager
def deep_recursion(n_items):
    """Let functions call themselves as often as one item may wait for the next."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + 20 * n_items)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def run_network(
    weights,
    x,
    nodes,
    *,
    per_step,
    link="squared_error",
    groups=(),
    given=None,
    masks=None,
    carry_factor=1.0,
    stride=1,
    window=1,
    target=None,
):
    """Return the head's raw outputs (T or 1, n_outputs), and `backward`.

    `link` is the loss whose link is applied to outputs that are fed back. If not per step, the
    head is read once, at the last step. `given` and `target`: see `Run`; with a target, T are its
    steps. The nodes read `windows` of x.
    """
    values, windows_backward = windows(x, stride, window)
    run = Run(weights, values, nodes, link, groups, given, masks, carry_factor, target)
    head = len(nodes) - 1
    times = range(run.n_steps) if per_step else [run.n_steps - 1]
    with deep_recursion(sum(map(len, run.data)) * len(nodes)):
        raw = np.array([run.value(run.raw, head, t) for t in times])

    def backward(d_raw, d_weights):
        run.d_values.clear()
        for t, d_z in zip(times, d_raw, strict=True):
            run.add_gradient(d_z, run.raw, head, t)
        run.backward(d_weights)
        d_x = np.zeros(run.x.shape)  # codes have no slope
        d_x[:, run.numbers[0]] = run.gradient(DATA)
        return windows_backward(d_x)

    return raw, backward


def forward(weights, X, nodes, *, per_step=False, initial_state=None, target=None, **options):
    """Return each sequence's raw head outputs: (T_i, n_outputs) if per step, else (n_outputs,).

    `target` lists what is given on the second axis, (T'_i, n_target_features), or is None.
    """
    each = zip(X, each_given(initial_state, len(X)), each_fed(target, X), strict=True)
    raws = [
        run_network(weights, x, nodes, per_step=per_step, given=given, target=fed, **options)[0]
        for x, given, fed in each
    ]
    return raws if per_step else [raw[0] for raw in raws]


def final_states(weights, X, nodes, kept_after, *, initial_state=None, dropping=None, **options):
    """Return the states of each sequence after so many of its steps, (n_samples, n) by name."""
    rows = []
    for i, (x, given) in enumerate(zip(X, each_given(initial_state, len(X)), strict=True)):
        masks = None if dropping is None else Masks(*dropping, sample=i)
        run = Run(weights, x, nodes, given=given, masks=masks, **options)
        with deep_recursion(run.n_steps * len(nodes)):
            rows.append(run.states_after(int(kept_after[i])))
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


def each_fed(target, X):
    """Return what each sequence is given on the second axis, or None."""
    return [None] * len(X) if target is None else target


def each_given(initial_state, n_samples):
    """Return what is given of each sequence, from a dict of rows (n_samples, n), or None."""
    if initial_state is None:
        return [None] * n_samples
    return [{name: rows[i] for name, rows in initial_state.items()} for i in range(n_samples)]


def hidden_states(
    weights, X, nodes, *, layer=-1, per_step=False, link="squared_error", stride=1, window=1
):
    """Return a recurrent node's states of each sequence: (T_i, D*H) if per step, else the last."""
    i = [i for i, node in enumerate(nodes) if node.kind == "recurrent"][layer]
    states = []
    for x in X:
        run = Run(weights, windows(x, stride, window)[0], nodes, link)
        with deep_recursion(run.n_steps * len(nodes)):
            outputs = np.array([run.value(run.stream, i, t) for t in range(run.n_steps)])
        forward = unit_directions(nodes, i, run.n_features) == FORWARD
        states.append(outputs if per_step else np.where(forward, outputs[-1], outputs[0]))
    return states


# ---- Losses: loss(z, y, parameters) -> losses, d_z; the mean over outputs is taken later ---------
# The losses of several classes have one column for all their outputs.


def smoothed(p, label_smoothing):
    """Spread a share of the distributions p (n, K) over all classes (Szegedy et al., 2016)."""
    return (1 - label_smoothing) * p + label_smoothing / p.shape[1]


def softmax_loss(z, y, *, label_smoothing=0.0, **_):
    """l = -sum_k q_k log p_k, one for all outputs; y is a class, q is one-hot, or that smoothed."""
    log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    q = smoothed(np.eye(z.shape[1])[y[:, 0]], label_smoothing)
    return -np.sum(log_p * q, axis=1, keepdims=True), np.exp(log_p) - q


def logistic_loss(z, y, *, label_smoothing=0.0, **_):
    """l = log(1 + exp(z)) - q z; y is 0 or 1, q is y, or that smoothed over the two classes."""
    q = (1 - label_smoothing) * y + label_smoothing / 2
    return np.logaddexp(0.0, z) - q * z, sigmoid(z) - q


def multilabel_loss(z, y, **parameters):
    """The logistic loss of each output; y has a 0 or 1 for each."""
    return logistic_loss(z, y, **parameters)


def multioutput_loss(z, y, *, groups, label_smoothing=0.0, **_):
    """The softmax loss of each group of outputs; y has a class for each group."""
    parts = zip(np.split(z, np.cumsum(groups)[:-1], axis=1), y.T, strict=True)
    given = {"label_smoothing": label_smoothing}
    of_parts = [softmax_loss(part, labels[:, None], **given) for part, labels in parts]
    losses, d_z = zip(*of_parts, strict=True)
    return np.concatenate(losses, axis=1), np.concatenate(d_z, axis=1)


def squared_error_loss(z, y, **_):
    """l = (z - y)^2."""
    return (z - y) ** 2, 2 * (z - y)


def absolute_error_loss(z, y, **_):
    """l = |z - y|."""
    return np.abs(z - y), np.sign(z - y)


def huber_loss(z, y, *, huber_delta, **_):
    """l = e^2 / 2 if |e| <= delta, else delta (|e| - delta / 2); e = z - y."""
    e, delta = z - y, huber_delta
    losses = np.where(np.abs(e) <= delta, e**2 / 2, delta * (np.abs(e) - delta / 2))
    return losses, np.clip(e, -delta, delta)


def quantile_loss(z, y, *, quantile, **_):
    """l = q e if e >= 0, else (q - 1) e; e = y - z; the outputs of a target are its quantiles."""
    quantiles = np.atleast_1d(quantile)
    q, e = np.tile(quantiles, y.shape[1]), np.repeat(y, len(quantiles), axis=1) - z
    return np.where(e >= 0, q * e, (q - 1) * e), np.where(e > 0, -q, np.where(e < 0, 1 - q, 0.0))


def poisson_loss(z, y, **_):
    """l = exp(z) - y z: a log link, without the terms of y alone."""
    return np.exp(z) - y * z, np.exp(z) - y


def gamma_loss(z, y, **_):
    """l = z + y exp(-z): a log link, without the terms of y alone."""
    return z + y * np.exp(-z), 1 - y * np.exp(-z)


def multitask_loss(z, y, *, groups, group_weights, **parameters):
    """l = sum_g weight_g l_g over the tasks whose target is not NaN, one for all outputs."""
    losses, d_z, first = np.zeros((len(z), 1)), np.zeros(z.shape), 0
    for (loss, size), weight, column in zip(groups, group_weights, y.T, strict=True):
        taught, part = ~np.isnan(column), slice(first, first + size)
        targets = column[taught, np.newaxis]
        targets = targets.astype(int) if loss in ("softmax", "logistic") else targets
        of_task, d_task = LOSS[loss](z[taught, part], targets, **parameters)
        losses[taught] += weight * of_task
        d_z[taught, part] = weight * d_task
        first += size
    return losses, d_z


LOSS = named("_loss")


def softmax(z, groups=()):
    return np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))


def softmax_by_group(z, groups):
    parts = np.split(z, np.cumsum(groups)[:-1], axis=-1)
    return np.concatenate(list(map(softmax, parts)), axis=-1)


def softmax_backward(y, d_y, groups=()):
    return (np.diag(y) - np.outer(y, y)) @ d_y


def softmax_by_group_backward(y, d_y, groups):
    parts = (np.split(values, np.cumsum(groups)[:-1]) for values in (y, d_y))
    return np.concatenate(list(map(softmax_backward, *parts)))


def by_task(z, groups):
    parts = np.split(z, np.cumsum([size for _, size in groups])[:-1], axis=-1)
    parts = [LINK[loss](part) for (loss, _), part in zip(groups, parts, strict=True)]
    return np.concatenate(parts, axis=-1)


def by_task_backward(y, d_y, groups):
    parts = (np.split(v, np.cumsum([size for _, size in groups])[:-1]) for v in (y, d_y))
    return np.concatenate(
        [LINK_BACKWARD[loss](*part) for (loss, _), *part in zip(groups, *parts, strict=True)]
    )


# What each loss makes of the outputs, and the gradient through that in terms of its result y.
LINK = dict.fromkeys(LOSS, lambda z, groups=(): np.asarray(z)) | {
    "softmax": softmax,
    "logistic": lambda z, groups=(): sigmoid(z),
    "multilabel": lambda z, groups=(): sigmoid(z),
    "multioutput": softmax_by_group,
    "poisson": lambda z, groups=(): np.exp(z),
    "gamma": lambda z, groups=(): np.exp(z),
    "multitask": by_task,
}
LINK_BACKWARD = dict.fromkeys(LOSS, lambda y, d_y, groups=(): d_y) | {
    "softmax": softmax_backward,
    "logistic": lambda y, d_y, groups=(): y * (1 - y) * d_y,
    "multilabel": lambda y, d_y, groups=(): y * (1 - y) * d_y,
    "multioutput": softmax_by_group_backward,
    "poisson": lambda y, d_y, groups=(): y * d_y,
    "gamma": lambda y, d_y, groups=(): y * d_y,
    "multitask": by_task_backward,
}


# ---- Conditional random fields: all sequences of tags, one by one --------------------------------


def tag_scores(z, chain, allowed=None):
    """Return all sequences of tags (n, T), and their scores (n,), for outputs z (T, n_tags).

    `chain` holds transitions (n_tags, n_tags), start and end. `allowed` (n_tags + 1, n_tags + 1):
    whether a tag may follow another; the last row is for the start, the last column for the end.
    """
    n_steps, n_tags = z.shape
    paths = np.array(list(product(range(n_tags), repeat=n_steps)))
    transitions, start, end = chain
    scores = start[paths[:, 0]] + end[paths[:, -1]]
    for t in range(n_steps):
        scores = scores + z[t, paths[:, t]]
        if t > 0:
            scores = scores + transitions[paths[:, t - 1], paths[:, t]]
    if allowed is not None:
        outside = np.full((len(paths), 1), n_tags)
        steps = np.hstack([outside, paths, outside])
        fits = np.asarray(allowed, dtype=bool)[steps[:, :-1], steps[:, 1:]].all(axis=1)
        scores = np.where(fits, scores, -np.inf)
    return paths, scores


def tag_expectations(paths, p, n_tags):
    """Return marginals (T, n_tags), and the expected number of each pair, of start and of end."""
    eye = np.eye(n_tags)
    marginals = np.einsum("n,ntk->tk", p, eye[paths])
    pairs = np.einsum("n,ntj,ntk->jk", p, eye[paths[:, :-1]], eye[paths[:, 1:]])
    return marginals, (pairs, marginals[0], marginals[-1])


def tag_loss(z, chain, y, known, allowed=None):
    """Return -log p of the known tags of y (T,), its d_z, and its gradients of the chain."""
    paths, scores = tag_scores(z, chain, allowed)
    fits = (paths[:, known] == np.asarray(y)[known]).all(axis=1)
    log_z = np.logaddexp.reduce(scores)
    log_known = np.logaddexp.reduce(np.where(fits, scores, -np.inf))
    d_z, d_chain = tag_expectations(paths, np.exp(scores - log_z), z.shape[1])
    q_z, q_chain = tag_expectations(paths, np.exp(scores - log_known) * fits, z.shape[1])
    return log_z - log_known, d_z - q_z, [d - q for d, q in zip(d_chain, q_chain, strict=True)]


def tag_marginals(z, chain, allowed=None):
    paths, scores = tag_scores(z, chain, allowed)
    p = np.exp(scores - np.logaddexp.reduce(scores))
    return tag_expectations(paths, p, z.shape[1])[0]


def best_tags(z, chain, allowed=None):
    paths, scores = tag_scores(z, chain, allowed)
    return paths[np.argmax(scores)]


def chain_of(weights, head):
    return [weights[f"{head.name}.{stem}"] for stem in ("transitions", "start", "end")]


def tag_sequence_loss(weights, head, raw, target, w, total, allowed, backward):
    """Return a sequence's share of the loss, d_raw, and a `backward` for the chain as well."""
    if not np.any(w > 0):
        return 0.0, np.zeros_like(raw), backward
    loss, d_raw, d_chain = tag_loss(raw, chain_of(weights, head), target, w > 0, allowed)
    factor = w.max() / total

    def with_chain(d_raw, d_weights):
        for d, add in zip(chain_of(d_weights, head), d_chain, strict=True):
            d += factor * add
        return backward(d_raw, d_weights)

    return loss * factor, d_raw * factor, with_chain


def predict(weights, X, nodes, *, loss, per_step=False, groups=(), **options):
    """Return `forward` behind the loss's link: probabilities, rates, or the raw outputs."""
    raws = forward(weights, X, nodes, per_step=per_step, link=loss, groups=groups, **options)
    return [LINK[loss](raw, groups) for raw in raws]


def sequence_losses(
    weights,
    X,
    y,
    sample_weight=None,
    *,
    nodes,
    loss,
    huber_delta=1.0,
    quantile=0.5,
    groups=(),
    group_weights=None,
    label_smoothing=0.0,
    per_step=False,
    divisor=None,
    dropping=None,
    initial_state=None,
    taught_from=None,
    allowed=None,
    target=None,
    **options,
):
    """Yield each sequence's share of sum(w l) / divisor, its d_raw, and its network's `backward`.

    The divisor is sum(w) if none is given. `dropping` is (seed, update) of a training with masks.
    `initial_state`: see `each_given`. `taught_from`: of each sequence the first step whose loss
    counts, or None. `options` are those of `run_network`.

    `target`: see `forward`; it has the steps of `y`.

    `y` and `sample_weight` hold one entry per sequence: its own if many-to-one; if per step, its
    steps', (T_i,) or (T_i, n_targets). Targets of weight 0 are never looked at.
    """
    targets = [np.asarray(of_one) if per_step else np.asarray(of_one)[None] for of_one in y]
    ws = [np.ones(len(t)) for t in targets] if sample_weight is None else sample_weight
    ws = [np.atleast_1d(np.asarray(w, dtype=np.float64)) for w in ws]
    for i, n in enumerate(taught_from if taught_from is not None else ()):
        steps = np.arange(len(X[i])) if per_step else [len(X[i]) - 1]
        ws[i] = np.where(np.array(steps) < n, 0.0, ws[i])
    total = sum(w.sum() for w in ws) if divisor is None else divisor
    all_given = each_given(initial_state, len(X))
    options |= {"per_step": per_step, "link": loss, "groups": groups}
    fed = each_fed(target, X)
    for i, (x, taught_y, w, given) in enumerate(zip(X, targets, ws, all_given, strict=True)):
        options |= {
            "given": given,
            "target": fed[i],
            "masks": None if dropping is None else Masks(*dropping, sample=i),
        }
        raw, backward = run_network(weights, x, nodes, **options)
        share, d_raw, taught = 0.0, np.zeros_like(raw), w > 0
        if nodes[-1].kind == "crf":
            yield tag_sequence_loss(weights, nodes[-1], raw, taught_y, w, total, allowed, backward)
            continue
        if taught.any():
            z_taught, y_taught = raw[taught], taught_y[taught].reshape(taught.sum(), -1)
            parameters = {"huber_delta": huber_delta, "quantile": quantile, "groups": groups}
            parameters |= {"group_weights": group_weights, "label_smoothing": label_smoothing}
            losses, d_z = LOSS[loss](z_taught, y_taught, **parameters)
            share = w[taught] @ losses.mean(axis=1) / total
            d_raw[taught] = w[taught, None] * d_z / losses.shape[1] / total
        yield share, d_raw, backward


def loss(weights, X, y, sample_weight=None, **options):
    """Return sum(w l) / divisor, over the sequences or the steps; options of `sequence_losses`."""
    return sum(share for share, *_ in sequence_losses(weights, X, y, sample_weight, **options))


def loss_and_grad(weights, X, y, sample_weight=None, **options):
    """Return the loss, its gradients in a dict like `weights`, and those of X in a list."""
    value, d_weights, d_X = 0.0, {name: np.zeros(w.shape) for name, w in weights.items()}, []
    for share, d_raw, backward in sequence_losses(weights, X, y, sample_weight, **options):
        value += share
        d_X.append(backward(d_raw, d_weights))
    return value, d_weights, d_X


def numerical_gradient(function, x, eps=1e-6):
    """Return the central differences of `function(x)`; `x` is shifted in place, and restored."""
    gradient = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        centre = x[index]
        x[index] = centre + eps
        above = function(x)
        x[index] = centre - eps
        below = function(x)
        x[index] = centre
        gradient[index] = (above - below) / (2 * eps)
    return gradient


# ---- Optimizers: update(w, g, state, ...), flat vectors, w and state (n_vectors, n) in place -----


def flatten(weights):
    return np.concatenate([w.ravel() for w in weights.values()])


def unflatten(params, like):
    """Return views of a flat vector with the names and shapes of `like`."""
    pieces = np.split(params, np.cumsum([w.size for w in like.values()])[:-1])
    return {k: piece.reshape(w.shape) for (k, w), piece in zip(like.items(), pieces, strict=True)}


def decaying(weights):
    """Return which entries of the flat vector `alpha` draws towards zero: only weights."""
    spared = "bias", "initial", "norm"
    return flatten(
        {name: np.full(w.shape, all(s not in name for s in spared)) for name, w in weights.items()}
    )


def touched(weights, X, nodes):
    """Return which entries of the flat vector a minibatch changes: not the rows it never reads."""
    changes = {name: np.ones(w.shape, dtype=bool) for name, w in weights.items()}
    for node in nodes:
        if node.kind == "embed" and not dict(node.options).get("tied"):
            codes = np.concatenate(X)[:, dict(node.options)["column"]].astype(int)
            rows = np.arange(dict(node.options)["rows"])
            changes[f"{node.name}.weight"][np.setdiff1d(rows, codes)] = False
    return flatten(changes)


def clip(g, max_norm=None, max_value=None):
    """Clip a gradient by its norm, then by value."""
    norm = np.linalg.norm(g)
    if max_norm is not None and norm > max_norm:
        g = g * (max_norm / norm)
    return g if max_value is None else np.clip(g, -max_value, max_value)


def sgd_update(w, g, state, *, learning_rate, momentum=0.9, nesterovs_momentum=True, **_):
    velocity = state[0]
    velocity[:] = momentum * velocity - learning_rate * g
    w += momentum * velocity - learning_rate * g if nesterovs_momentum else velocity


def adam_update(w, g, state, *, learning_rate, t, beta_1=0.9, beta_2=0.999, epsilon=1e-8, **_):
    """Kingma and Ba (2015), algorithm 1."""
    m, v = state
    m[:] = beta_1 * m + (1 - beta_1) * g
    v[:] = beta_2 * v + (1 - beta_2) * g**2
    w -= learning_rate * m / (1 - beta_1**t) / (np.sqrt(v / (1 - beta_2**t)) + epsilon)


def adamw_update(w, g, state, *, learning_rate, alpha, l1_ratio, decays, **options):
    """Adam with decoupled weight decay: Loshchilov and Hutter (2019)."""
    w -= learning_rate * penalty_gradient(w, decays, alpha, l1_ratio)
    adam_update(w, g, state, learning_rate=learning_rate, **options)


def rmsprop_update(w, g, state, *, learning_rate, beta_2=0.999, epsilon=1e-8, **_):
    v = state[0]
    v[:] = beta_2 * v + (1 - beta_2) * g**2
    w -= learning_rate * g / (np.sqrt(v) + epsilon)


def adagrad_update(w, g, state, *, learning_rate, epsilon=1e-8, **_):
    v = state[0]
    v += g**2
    w -= learning_rate * g / (np.sqrt(v) + epsilon)


UPDATE = named("_update")


def penalty_gradient(params, decays, alpha, l1_ratio):
    """Of alpha * (l1_ratio * sum |w| + (1 - l1_ratio) / 2 * sum w^2): Zou and Hastie (2005)."""
    return alpha * decays * (l1_ratio * np.sign(params) + (1 - l1_ratio) * params)


def optimize(
    solver,
    params,
    d_params,
    state,
    *,
    decays,
    changes=None,
    alpha=0.0,
    l1_ratio=0.0,
    clipping=(),
    **options,
):
    """Change the flat `params` and `state` by one update: penalty, clipping, step.

    `decays` is `decaying(weights)`; `clipping` is (max_grad_norm, max_grad_value), None for none.
    `changes` is `touched(weights, ...)`: all else stays as it is. `options`: learning_rate, t (the
    update's number, from 1), momentum, ...
    """
    if changes is not None and not changes.all():
        options |= {"decays": decays[changes], "alpha": alpha, "l1_ratio": l1_ratio}
        part, state_part = params[changes], state[:, changes]
        optimize(solver, part, d_params[changes], state_part, clipping=clipping, **options)
        params[changes], state[:, changes] = part, state_part
        return
    penalised = {"alpha": alpha, "l1_ratio": l1_ratio, "decays": decays}
    pull = 0.0 if solver == "adamw" else penalty_gradient(params, **penalised)
    g = clip(d_params + pull, *clipping)
    UPDATE[solver](params, g, state, **penalised, **options)
