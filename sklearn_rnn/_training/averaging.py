"""The exponential average of the weights over the updates."""

import numpy as np


class Average:
    """An exponential average without bias towards where it began.

    After t updates, with the weights w_i after update i and the decay d, it is

        sum over i of d^(t - i) w_i (1 - d) / (1 - d^t)

    The correction is that of Adam (Kingma and Ba, 2015). Weights that never change are their own
    average, to the last bit.
    """

    def __init__(self, values, decay, n=0):
        self.values = values  # (n_params,)
        self.decay = decay
        self.n = n  # number of updates
        self.frozen = None  # (n_params,) what does not move, or None

    def add(self, params):
        """Add the weights after one more update."""
        n = self.n + 1
        if n == 1:
            np.copyto(self.values, params, where=True if self.frozen is None else ~self.frozen)
        else:
            # average += (w - average) (1 - d) / (1 - d^t)
            change = params - self.values
            change *= (1.0 - self.decay) / (1.0 - self.decay**n)
            if self.frozen is not None:
                change[self.frozen] = 0.0
            self.values += change
        self.n = n
