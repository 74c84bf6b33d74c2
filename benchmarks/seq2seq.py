"""Encoder-decoder with additive attention: a training step and greedy decoding against PyTorch.

    python benchmarks/seq2seq.py [--quick] [--task train decode] [--batch 1 32 1000]

The model (Bahdanau et al., 2015): an embedding and a GRU in both directions read the source; the
decoder's first state is a linear map with a tanh of the last states; at each step the state before
asks for the context, and a GRU reads the context and the embedding of the label before; the head
reads the new state and the context. PyTorch has no module for that: rivals are the loop over the
steps that one writes with GRUCell and bmm.

A training step is forward, loss and back-propagation, no optimizer: 32 sequences of 30 and 25
steps.
Greedy decoding answers 1,000 words of 3 to 14 letters, which the model has learned to write
backwards, by minibatches of one to all of them; the padding of PyTorch's minibatches is masked.
Both libraries must agree, in loss and gradients and in every answer, before anything is timed. All
runs have one thread; processor time is counted, so that other work on the machine disturbs little.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path

import harness
import numpy as np

BATCH, N_SOURCE_STEPS, N_TARGET_STEPS = 32, 30, 25
HIDDEN, EMBEDDING, N_LABELS = 128, 64, 60
STOP, START = N_LABELS - 1, N_LABELS  # a label that is never a letter; fed at the first step
N_WORDS, SHORTEST, LONGEST = 1000, 3, 14
N_UPDATES, LEARNING_RATE = 1500, 0.002
TOLERANCE = 1e-4  # of the norm of a gradient
KEY = ("task", "batch")


# ---- the task ----


def parameters(path=None):
    """Name -> array: drawn as PyTorch draws them, or those of a file."""
    if path:
        with np.load(path) as arrays:
            return dict(arrays)
    rng, both = np.random.default_rng(1), 2 * HIDDEN
    shapes = {"x.weight": (N_LABELS, EMBEDDING)}
    shapes |= gru_shapes("l0", EMBEDDING) | gru_shapes("l0_reverse", EMBEDDING)
    shapes |= {"start.weight": (HIDDEN, both), "start.bias": (HIDDEN,)}
    shapes |= {"keys.weight": (HIDDEN, both), "y.weight": (N_LABELS + 1, EMBEDDING)}
    shapes |= {"context.weight": (HIDDEN, HIDDEN), "context.bias": (HIDDEN,)}
    shapes |= {"context.score": (HIDDEN,)} | gru_shapes("decoder", EMBEDDING + both)
    shapes |= {"head.weight": (N_LABELS, HIDDEN + both), "head.bias": (N_LABELS,)}
    bound = HIDDEN**-0.5
    return {
        name: rng.uniform(-bound, bound, shape).astype(np.float32) for name, shape in shapes.items()
    }


def gru_shapes(name, n_inputs):
    rows = 3 * HIDDEN
    shapes = {"weight_ih": (rows, n_inputs), "weight_hh": (rows, HIDDEN)}
    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
    return {f"{stem}_{name}": shape for stem, shape in shapes.items()}


def minibatch():
    """Codes (BATCH, N_SOURCE_STEPS), what is fed and the labels (BATCH, N_TARGET_STEPS)."""
    rng = np.random.default_rng(0)
    shapes = (BATCH, N_SOURCE_STEPS), (BATCH, N_TARGET_STEPS), (BATCH, N_TARGET_STEPS)
    return [rng.integers(N_LABELS, size=shape) for shape in shapes]


def draw_words(n, seed):
    """Words of letters 0 to 25; their lengths are distributed like those of English words."""
    rng = np.random.default_rng(seed)
    lengths = np.clip(rng.normal(8, 2.3, n).round(), SHORTEST, LONGEST).astype(int)
    return [rng.integers(26, size=length) for length in lengths]


def answer_of(word):
    return [*word[::-1], STOP]


# ---- ours ----


def our_network():
    from sklearn_rnn._model.network import Network, Node, Source

    def table(name, rows, axis):
        return Node(
            "embed", name, (), EMBEDDING, options=(("column", 0), ("rows", rows)), axis=axis
        )

    identity, tanh = (("activation", "identity"), ("bias", False)), (("activation", "tanh"),)
    read = Source(5), Source(6), Source(3, weight="initial")
    nodes = (
        table("x", N_LABELS, 0),
        Node("recurrent", "l0", (Source(0),), HIDDEN, "gru", directions="both"),
        Node("last", "last", (Source(1),)),
        Node("dense", "start", (Source(2),), HIDDEN, options=tanh),
        Node("dense", "keys", (Source(1),), HIDDEN, options=identity),
        table("y", N_LABELS + 1, 1),
        Node("context", "context", (Source(7, -1), Source(4), Source(1)), axis=1),
        Node("recurrent", "decoder", read, HIDDEN, "gru", (("initial_state", "source"),), axis=1),
        Node("head", "head", (Source(7), Source(6)), N_LABELS, axis=1),
    )
    return Network(1, nodes, "softmax", 1.0, True, "float32", n_target_features=1)


def flat(network, given):
    params = np.empty(network.n_params, dtype=np.float32)
    for name, view in network.views(params).items():
        view[:] = given[name]
    return params


def packed(sequences):
    """Codes (n_steps, 1) and offsets of sequences."""
    offsets = np.concatenate([[0], np.cumsum(list(map(len, sequences)))]).astype(np.intp)
    return np.concatenate(sequences).astype(np.float32)[:, None], offsets


def paired(sources, fed, labels):
    from sklearn_rnn import _core

    target = _core.Dataset(*packed(fed), np.concatenate(labels).astype(np.int32))
    return _core.PairedDataset(_core.Dataset(*packed(sources)), target)


def our_step(job):
    network = our_network()
    params, data = flat(network, parameters()), paired(*minibatch())
    lengths, target_lengths = np.full(BATCH, N_SOURCE_STEPS), np.full(BATCH, N_TARGET_STEPS)
    engine = network.engine(
        lengths, BATCH, job["threads"], training=True, target_lengths=target_lengths
    )
    indices = np.arange(BATCH, dtype=np.intp)

    def step():
        engine.load(params)  # an update has changed them
        return engine.loss_and_grad(data, indices)

    def read(result):
        return {"loss": result[0], **network.views(result[1])}

    return step, read


def our_answers(job):
    """Greedy decoding; rows whose answer is complete leave the decoder."""
    from sklearn_rnn import _core

    network = our_network()
    sources = _core.Dataset(*packed(draw_words(N_WORDS, 1)))
    lengths = np.diff(sources.offsets)
    size = min(job["batch"], N_WORDS)
    decoder = network.decoder(np.sort(lengths)[::-1][:size], size)
    decoder.load(flat(network, parameters(job["weights"])))

    def answer(first):
        indices = np.arange(first, min(first + size, N_WORDS), dtype=np.intp)
        decoder.begin(sources, indices)
        answers, going = [[] for _ in indices], np.arange(len(indices))
        fed = np.full((len(indices), 1), START, dtype=np.float32)
        for _ in range(LONGEST + 1):
            labels = decoder.step(fed, raw=True).argmax(axis=1)
            for row, label in zip(going.tolist(), labels.tolist(), strict=True):
                answers[row].append(label)
            on = np.flatnonzero(labels != STOP)
            if len(on) == 0:
                break
            if len(on) < len(going):
                going, labels = going[on], labels[on]
                decoder.reorder(on)
            fed = labels[:, None].astype(np.float32)
        return answers

    return lambda: [word for first in range(0, N_WORDS, size) for word in answer(first)]


def train(path):
    """Learn to write words backwards, and keep the weights in a file."""
    from sklearn_rnn import _core

    network, words = our_network(), draw_words(32 * 400, 2)
    labels = list(map(answer_of, words))
    data = paired(words, [[START, *row[:-1]] for row in labels], labels)
    lengths, target_lengths = np.full(BATCH, LONGEST), np.full(BATCH, LONGEST + 1)
    engine = network.engine(
        lengths, BATCH, harness.cpu_count(), training=True, target_lengths=target_lengths
    )
    engine.set_optimizer(
        "adam",
        momentum=0.0,
        nesterovs_momentum=False,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        alpha=0.0,
        max_grad_norm=1.0,
        max_grad_value=None,
        seed=0,
    )
    params = flat(network, parameters())
    engine.load(params)
    moments = np.zeros((_core.OPTIMIZERS["adam"], network.n_params), dtype=np.float32)
    rng = np.random.default_rng(3)
    for update in range(1, N_UPDATES + 1):
        indices = rng.choice(len(words), BATCH, replace=False).astype(np.intp)
        rate = LEARNING_RATE * min(1.0, 2 * (1 - update / (N_UPDATES + 1)))
        engine.train_minibatch(data, indices, params, moments, rate, update)
    np.savez(path, **network.views(params))


# ---- PyTorch ----


def torch_network(given, threads):
    import torch

    torch.set_num_threads(threads)

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            linear, table = torch.nn.Linear, torch.nn.Embedding
            self.x, self.y = table(N_LABELS, EMBEDDING), table(N_LABELS + 1, EMBEDDING)
            self.encoder = torch.nn.GRU(EMBEDDING, HIDDEN, bidirectional=True, batch_first=True)
            self.start = linear(2 * HIDDEN, HIDDEN)
            self.keys = linear(2 * HIDDEN, HIDDEN, bias=False)
            self.context = linear(HIDDEN, HIDDEN)
            self.score = linear(HIDDEN, 1, bias=False)
            self.decoder = torch.nn.GRUCell(EMBEDDING + 2 * HIDDEN, HIDDEN)
            self.head = linear(3 * HIDDEN, N_LABELS)

        def encode(self, x, lengths=None):
            """Memory, keys and first state; ragged minibatches are packed for the encoder."""
            from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

            read = self.x(x)
            if lengths is not None:
                read = pack_padded_sequence(read, lengths, batch_first=True, enforce_sorted=False)
            memory, last = self.encoder(read)
            if lengths is not None:
                memory, _ = pad_packed_sequence(memory, batch_first=True)
            h = torch.tanh(self.start(torch.cat((last[0], last[1]), dim=1)))
            return memory, self.keys(memory), h

        def step(self, fed, h, memory, keys, padding=None):
            scores = self.score(torch.tanh(self.context(h)[:, None] + keys))[:, :, 0]
            if padding is not None:
                scores = scores.masked_fill(padding, -torch.inf)
            weights = torch.softmax(scores, dim=1)
            context = torch.bmm(weights[:, None], memory)[:, 0]
            h = self.decoder(torch.cat((fed, context), dim=1), h)
            return h, torch.cat((h, context), dim=1)

        def loss(self, x, fed, labels):
            memory, keys, h = self.encode(x)
            fed, read = self.y(fed), []
            for t in range(fed.shape[1]):
                h, features = self.step(fed[:, t], h, memory, keys)
                read.append(features)
            raw = self.head(torch.stack(read, dim=1))
            return torch.nn.functional.cross_entropy(raw.flatten(0, 1), labels.flatten())

        def answer(self, x, lengths):
            """Greedy answers (batch, most steps); what follows a stop is nothing."""
            memory, keys, h = self.encode(x, lengths)
            padding = torch.arange(x.shape[1]) >= lengths[:, None]
            label = torch.full((len(x),), START)
            ended, answers = torch.zeros(len(x), dtype=torch.bool), []
            for _ in range(LONGEST + 1):
                h, features = self.step(self.y(label), h, memory, keys, padding)
                label = self.head(features).argmax(dim=1)
                answers.append(label)
                ended |= label == STOP
                if ended.all():
                    break
            return torch.stack(answers, dim=1)

    network = Network()
    named = torch_names(network)
    with torch.no_grad():
        for name, parameter in named.items():
            parameter.copy_(torch.from_numpy(given[name]).reshape(parameter.shape))
    return network, named


def torch_names(network):
    """Parameters under the names of our arrays."""
    named = {}
    for name, parameter in network.named_parameters():
        module, stem = name.split(".")
        if module == "encoder":
            name = stem
        elif module == "decoder":
            name = f"{stem}_decoder"
        elif module == "score":
            name = "context.score"
        named[name] = parameter
    return named


def torch_step(job):
    import torch

    network, named = torch_network(parameters(), job["threads"])
    tensors = [torch.from_numpy(array) for array in minibatch()]

    def step():
        network.zero_grad(set_to_none=True)
        loss = network.loss(*tensors)
        loss.backward()
        return float(loss.detach())

    def read(loss):
        gradients = {name: value.grad.numpy().copy() for name, value in named.items()}
        gradients["context.score"] = gradients["context.score"].ravel()
        return {"loss": loss, **gradients}

    return step, read


def torch_answers(job):
    import torch

    network, _ = torch_network(parameters(job["weights"]), job["threads"])
    words = [torch.from_numpy(word) for word in draw_words(N_WORDS, 1)]

    def answer(part):
        lengths = torch.tensor(list(map(len, part)))
        padded = torch.nn.utils.rnn.pad_sequence(part, batch_first=True)
        rows = network.answer(padded, lengths).tolist()
        return [row[: row.index(STOP) + 1] if STOP in row else row for row in rows]

    @torch.inference_mode()
    def answers():
        size = job["batch"]
        return [
            word
            for first in range(0, N_WORDS, size)
            for word in answer(words[first : first + size])
        ]

    return answers


# ---- in a worker process ----


def check_step(job):
    """Largest relative difference of our loss and gradients from PyTorch's.

    Where the terms of a gradient cancel, it is compared with the larger ones of other arrays.
    """
    (step, read), (their_step, their_read) = our_step(job), torch_step(job)
    ours, theirs = read(step()), their_read(their_step())
    norms = {key: np.linalg.norm(value) for key, value in theirs.items()}
    least = 1e-3 * max(norm for key, norm in norms.items() if key != "loss")
    return max(
        float(np.linalg.norm(ours[key] - value) / max(norms[key], least))
        for key, value in theirs.items()
    )


def check_answers(job):
    """Share of words that are answered differently, and of those that are answered right."""
    ours, theirs = our_answers(job)(), torch_answers(job)()
    right = [answer_of(word) for word in draw_words(N_WORDS, 1)]
    differ = np.mean([a != b for a, b in zip(ours, theirs, strict=True)])
    return float(differ), float(np.mean([a == b for a, b in zip(ours, right, strict=True)]))


def run(job):
    if job["task"] == "learn":
        return train(job["weights"])
    if job.get("check"):
        return check_step(job) if job["task"] == "train" else check_answers(job)
    ours = job["library"] == "sklearn_rnn"
    if job["task"] == "train":
        step, _ = our_step(job) if ours else torch_step(job)
    else:
        step = our_answers(job) if ours else torch_answers(job)
    return 1e3 * processor_seconds_of(step, job["seconds"])


def processor_seconds_of(function, budget, slow=1.0):
    """Median seconds of a call: two to warm up, then three or more until `budget` is used.

    What takes more than `slow` seconds is called once to warm up, and timed once.
    """
    times = []
    while len(times) < 5 or sum(times[2:]) < budget:
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
        if len(times) == 2 and times[0] > slow:
            return times[1]
    return statistics.median(times[2:])


# ---- the comparison ----


def compare(job, runs):
    found = harness.run_job(__file__, {**job, "check": True}, job["threads"])
    right = None
    if job["task"] == "train" and not found < TOLERANCE:
        raise SystemExit(f"Relative difference {found:.1e}: nothing is timed.")
    if job["task"] == "decode":
        differ, right = found
        if differ > 0:
            raise SystemExit(f"{differ:.1%} of the answers differ: nothing is timed.")
    jobs = {name: {**job, "library": name} for name in ("sklearn_rnn", "torch")}
    times = harness.in_turn(__file__, jobs, runs, job["threads"])
    ours, theirs = (harness.summary(times[name]) for name in jobs)
    row = {key: job[key] for key in KEY} | {"sklearn_rnn_ms": ours, "torch_ms": theirs}
    row["ratio"] = statistics.median(
        b / a for a, b in zip(times["sklearn_rnn"], times["torch"], strict=True)
    )
    return row | ({} if right is None else {"right": right})


EXPLANATION = [
    "Processor time of one thread: median (least to greatest) of 5 runs. A training step takes",
    f"{BATCH} sequences of {N_SOURCE_STEPS} and {N_TARGET_STEPS} steps, with {HIDDEN} units and",
    f"{N_LABELS} labels. Decoding answers {N_WORDS:,} words, in minibatches of the given size.",
]
COLUMNS = {
    "task": "task",
    "minibatch": "batch",
    "ours, ms": lambda row: spread(row["sklearn_rnn_ms"]),
    "PyTorch, ms": lambda row: spread(row["torch_ms"]),
    "PyTorch / ours": lambda row: f"{row['ratio']:.2f}",
    "words right": lambda row: f"{row['right']:.1%}" if "right" in row else "",
}


def spread(times):
    return f"{times['median']:.1f} ({times['min']:.1f} to {times['max']:.1f})"


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--quick", action="store_true", help="two short runs")
    parser.add_argument("--task", nargs="+", default=["train", "decode"])
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 32, 250, 1000])
    options = parser.parse_args()
    runs, seconds = (2, 1.0) if options.quick else (5, 2.0)
    common = {"threads": 1, "seconds": seconds}
    if "train" in options.task:
        store({"task": "train", "batch": BATCH, **common}, runs, options.quick)
    if "decode" in options.task:
        with tempfile.TemporaryDirectory() as directory:
            weights = str(Path(directory) / "weights.npz")
            harness.run_job(__file__, {"task": "learn", "weights": weights}, harness.cpu_count())
            for batch in options.batch:
                job = {"task": "decode", "batch": batch, "weights": weights, **common}
                store(job, runs, options.quick)


def store(job, runs, quick):
    """Measure one row of the table, and write it as soon as it is known."""
    row = compare(job, runs)
    if quick:
        print(json.dumps(row))
        return
    harness.write(
        "seq2seq",
        "Encoder-decoder with attention against PyTorch",
        COLUMNS,
        [row],
        KEY,
        packages=("torch",),
        summarize=lambda rows: EXPLANATION,
        quiet=True,
    )


if __name__ == "__main__":
    harness.worker(run)
    main()
