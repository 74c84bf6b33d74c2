"""Write what PyTorch computes for small ragged networks to tests/data/, for the tests to compare.

Needs PyTorch, which the tests do not; run it by hand: ``python tests/make_fixtures.py``, with names
of files to write only those. CELLS are the cells that PyTorch has; the tests ask for the files of
these and of no other.

One file per network, of layers of HIDDEN units, float64 throughout:

    NAME_1.npz, NAME_2.npz              NAME of CELLS: one layer in one direction, and two
                                        bidirectional layers
    NAME_residual_1.npz, ..._2.npz      NAME of STACKED: three layers in one direction, and two
    NAME_skip_1.npz, ..._2.npz          bidirectional layers, with these connections; PyTorch has no
                                        such stacks, so each layer is a network of its own

In a file:

    torch_version                       str
    cell, activation                    str, as the package names them
    n_layers, bidirectional             int, bool
    connections                         str, of the stacks
    X, offsets                          (n_steps, 3), (6,): sequence i is X[offsets[i]:offsets[i+1]]
    weights/NAME                        the recurrent weights under PyTorch's names
    outputs                             (n_steps, D*H): the top layer's states, rows as in X; with
                                        residual connections before they are added
    last                                (5, D*H): its last states; the reverse direction's at step 0
    many_to_one/...                     softmax cross entropy on `last`, or the last rows of what
                                        the connections make of the states, 3 classes
    many_to_many/...                    squared error, mean over 2 outputs, on the same at each step
    trajectory/loss                     (20,): many_to_one by gradient descent on all of X, learning
                                        rate 0.1; the loss before each step. Not of the stacks
    trajectory/weights/NAME             the weights after the last step, with those of the head
    adam/loss, adam/weights/NAME        the same by Adam with learning rate 0.01

A task, many_to_one or many_to_many, with one row per sequence or per step, holds

    TASK/targets                        (5,) classes, or (n_steps, 2)
    TASK/sample_weight                  (5,), or (n_steps,), with some zeros
    TASK/weights/head.weight, .bias     its head
    TASK/raw                            (rows, n_outputs): the head's outputs, before any link
    TASK/loss                           sum(w l) / sum(w)
    TASK/gradients/NAME                 of every weight, with those of the head
    TASK/d_X                            (n_steps, 3)

NAME_SCORE.npz of ENCODERS: an encoder and a decoder with attention, softmax cross entropy per step
of the decoder, see pytorch_seq2seq.py:

    torch_version, cell, score          str
    X, offsets                          (n_steps, 3), (6,): what the encoder reads
    fed, target_offsets                 (n_target_steps, 2), (6,): what the decoder reads
    targets                             (n_target_steps,) classes
    weights/NAME, gradients/NAME        under the package's names; d_X (n_steps, 3)
    raw, loss                           (n_target_steps, 4): the head's outputs; their mean loss
    attention                           the weights of all pairs of steps, by sequence and target
                                        step
"""

import sys
from itertools import product
from pathlib import Path

import numpy as np

# name -> cell and activation as the package names them, PyTorch's class in torch.nn, its options
CELLS = {
    "elman_tanh": ("elman", "tanh", "RNN", {"nonlinearity": "tanh"}),
    "elman_relu": ("elman", "relu", "RNN", {"nonlinearity": "relu"}),
    "lstm": ("lstm", "tanh", "LSTM", {}),
    "gru": ("gru", "tanh", "GRU", {}),
}
STACKED, CONNECTIONS = ("lstm", "gru"), ("residual", "skip")
DATA = Path(__file__).parent / "data"
# path -> name of CELLS, connections, number of layers, whether there are two directions
FILES = {
    **{DATA / f"{name}_{n}.npz": (name, None, n, n == 2) for name, n in product(CELLS, (1, 2))},
    **{
        DATA / f"{name}_{connections}_{n}.npz": (name, connections, 4 - n, n == 2)
        for name, connections, n in product(STACKED, CONNECTIONS, (1, 2))
    },
}
# path -> cell and score
ENCODERS = {
    DATA / f"{cell}_{score}.npz": (cell, score)
    for cell, score in (("gru", "additive"), ("lstm", "dot"))
}


def main(names):
    import pytorch_results
    import pytorch_seq2seq

    DATA.mkdir(exist_ok=True)
    computing = {path: (pytorch_results.compute, network) for path, network in FILES.items()}
    computing |= {path: (pytorch_seq2seq.compute, network) for path, network in ENCODERS.items()}
    for path, (compute, network) in computing.items():
        if not names or path.name in names:
            np.savez_compressed(path, **compute(*network))


if __name__ == "__main__":
    main(sys.argv[1:])
