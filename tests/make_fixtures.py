"""Write what PyTorch computes for small ragged networks to tests/data/, for the tests to compare.

Needs PyTorch, which the tests do not; run it by hand: ``python tests/make_fixtures.py``. CELLS are
the cells that PyTorch has; the tests ask for the files of these and of no other.

One file per network: ``NAME_{1,2}.npz``, NAME of CELLS, where 1 is one layer in one
direction and 2 is two bidirectional layers, all of HIDDEN units. float64 throughout. In a file:

    torch_version                       str
    cell, activation                    str, as the package names them
    n_layers, bidirectional             int, bool
    X, offsets                          (n_steps, 3), (6,): sequence i is X[offsets[i]:offsets[i+1]]
    weights/NAME                        the recurrent weights under PyTorch's names
    outputs                             (n_steps, D*H): the top layer's states, rows as in X
    last                                (5, D*H): its last states; the reverse direction's at step 0
    many_to_one/...                     softmax cross entropy on `last`, 3 classes
    many_to_many/...                    squared error, mean over 2 outputs, on `outputs`
    trajectory/loss                     (20,): many_to_one by gradient descent on all of X, learning
                                        rate 0.1; the loss before each step
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
"""

from pathlib import Path

import numpy as np

# name -> cell and activation as the package names them, PyTorch's class in torch.nn, its options
CELLS = {
    "elman_tanh": ("elman", "tanh", "RNN", {"nonlinearity": "tanh"}),
    "elman_relu": ("elman", "relu", "RNN", {"nonlinearity": "relu"}),
    "lstm": ("lstm", "tanh", "LSTM", {}),
    "gru": ("gru", "tanh", "GRU", {}),
}
DATA = Path(__file__).parent / "data"


def path_of(name, n_layers):
    return DATA / f"{name}_{n_layers}.npz"


def main():
    import pytorch_results

    DATA.mkdir(exist_ok=True)
    for name in CELLS:
        for n_layers in (1, 2):
            np.savez_compressed(path_of(name, n_layers), **pytorch_results.compute(name, n_layers))


if __name__ == "__main__":
    main()
