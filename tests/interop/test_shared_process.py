"""Packages with threads of their own share a process, in whichever order they come."""

from itertools import permutations

import pytest
from cases import run_python

IMPORT = {
    "torch": "import torch",
    "sklearn": "from sklearn.ensemble import HistGradientBoostingRegressor",
    "sklearn_rnn": "from sklearn_rnn import RNNRegressor",
}
TRAIN = {
    "torch": """
torch.set_num_threads(2)
lstm = torch.nn.LSTM(8, 64, batch_first=True)
lstm(torch.tensor(X, dtype=torch.float32))[0].sum().backward()
assert all(torch.isfinite(p.grad).all() for p in lstm.parameters())
""",
    "sklearn": """
trees = HistGradientBoostingRegressor(max_iter=5).fit(X[:, 0], y)
assert np.isfinite(trees.predict(X[:, 0])).all()
""",
    "sklearn_rnn": """
rnn = RNNRegressor(64, max_iter=2, random_state=0, n_threads=2).fit(X, y)
assert rnn.loss_curve_[1] < rnn.loss_curve_[0]
bits.add(rnn.params_.tobytes())
""",
}


@pytest.mark.parametrize("order", list(permutations(IMPORT)), ids="-".join)
def test_packages_with_threads_of_their_own_share_a_process(order):
    lines = [
        *[IMPORT[name] for name in order],
        "import numpy as np",
        "X = np.random.RandomState(0).normal(size=(64, 50, 8))",
        "y, bits = X[:, 0, 0], set()",
        *[TRAIN[name] for name in (*order, *order)],
        "print(len(bits))",
    ]
    assert run_python("\n".join(lines), OMP_NUM_THREADS="2").stdout.strip() == "1"
