"""The exponential average of the weights over the updates."""

import numpy as np


class Average:
    """An exponential average of the weights, without bias towards the initial weights.

    After t updates it is

        sum over i of d^(t - i) w_i (1 - d) / (1 - d^t)

    where d is the decay and w_i are the weights after update i; the division is the bias
    correction of Adam (Kingma and Ba, 2015). The average of weights that never change has the same
    bits as they.
    """

    def __init__(self, values, decay, n=0):
        self.values = values  # (n_params,)
        self.decay = decay
        self.n = n  # number of updates
        self.frozen = None  # (n_params,) which weights do not change, or None

    def add(self, params):
        """Add the weights after an update."""
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
