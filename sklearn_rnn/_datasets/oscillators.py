"""Generated oscillations: solutions of equations of motion, with noise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from sklearn.utils import Bunch

from .._typing import Integer, Number, RandomState, SequenceNotStr
from .arguments import not_negative, positive, random_numbers

STEP = 0.1  # of the solution, in units of time
SUBSTEPS = 4


class Motions(NamedTuple):
    """Parameters (n,) of x'' = -w^2 x - 2 d x' + m (1 - x^2) x' - c x^3 + a cos(v t)."""

    frequency: np.ndarray  # w
    damping: np.ndarray  # d
    pumping: np.ndarray  # m, that of van der Pol
    stiffening: np.ndarray  # c, that of Duffing
    amplitude: np.ndarray  # a of the drive
    drive: np.ndarray  # v, its frequency

    def acceleration(self, t, x, velocity):
        return (
            -(self.frequency**2) * x
            - 2 * self.damping * velocity
            + self.pumping * (1 - x * x) * velocity
            - self.stiffening * x * x * x
            + self.amplitude * np.cos(self.drive * t)
        )


# The parameters that each kind draws besides the frequency, and their bounds.
KINDS = {
    "free": {},
    "damped": {"damping": (0.1, 0.3)},
    "driven": {"damping": (0.1, 0.3), "amplitude": (1.0, 2.0), "drive": (0.5, 2.5)},
    "van_der_pol": {"pumping": (0.5, 2.0)},
    "duffing": {"stiffening": (0.5, 2.0)},
}


def make_oscillators(
    n_samples: Integer = 100,
    n_timesteps: Integer = 100,
    *,
    kinds: SequenceNotStr[str] = tuple(KINDS),
    noise: Number = 0.05,
    random_state: RandomState = None,
) -> Bunch:
    """Generate oscillations of several kinds, for classification or forecasts.

    The positions solve x'' = -w^2 x - 2 d x' + m (1 - x^2) x' - c x^3 + a cos(v t) from random
    positions and velocities. The frequency w is from 0.7 to 1.4. The other parameters are 0, except
    that "damped" has d from 0.1 to 0.3; "driven" has the same d, a from 1 to 2 and v from 0.5 to
    2.5; "van_der_pol" has m from 0.5 to 2; and "duffing" has c from 0.5 to 2. A step takes 0.1
    units of time.

    Parameters
    ----------
    n_samples : int, default=100
        Number of oscillators.
    n_timesteps : int, default=100
        Number of steps of each oscillator.
    kinds : tuple of str, default=("free", "damped", "driven", "van_der_pol", "duffing")
        The kinds of oscillators. Their numbers differ by at most one.
    noise : float, default=0.05
        Standard deviation of the noise that is added to all positions.
    random_state : int, RandomState instance or None, default=None
        Seed. An integer gives the same data at each call, up to rounding on other platforms.

    Returns
    -------
    data : Bunch
        Dictionary-like, with these entries.

        data : ndarray of shape (n_samples, n_timesteps, 1)
            Positions.
        target : ndarray of str of shape (n_samples,)
            The kind of each oscillator.
        parameters : dict of str to ndarray of shape (n_samples,)
            The parameters of each oscillator: frequency (w), damping (d), pumping (m), stiffening
            (c), amplitude (a), drive (v).
        DESCR : str
            Description of the data.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid.

    See Also
    --------
    make_sensor_recordings : Generates recordings with missing values.

    Examples
    --------
    >>> from sklearn_rnn.datasets import make_oscillators
    >>> motions = make_oscillators(n_samples=10, kinds=["free", "damped"], random_state=0)
    >>> motions.data.shape, motions.target[:2].tolist()
    ((10, 100, 1), ['free', 'damped'])
    """
    positive(n_samples=n_samples, n_timesteps=n_timesteps)
    not_negative(noise=noise)
    kinds = list(kinds) if np.ndim(kinds) == 1 else [kinds]
    if not kinds or not all(isinstance(kind, str) and kind in KINDS for kind in kinds):
        raise ValueError(f"`kinds` must be some of {', '.join(map(repr, KINDS))}; got {kinds!r}.")
    rng = random_numbers(random_state)
    target = np.array([kinds[i % len(kinds)] for i in range(n_samples)])
    motions = _draw(target, rng)
    X = _solve(motions, rng.uniform(-2, 2, size=(2, n_samples)), n_timesteps)
    X += noise * rng.normal(size=X.shape)
    return Bunch(
        data=X[:, :, np.newaxis],
        target=target,
        parameters=motions._asdict(),
        DESCR=f"Positions of {n_samples} oscillators of the kinds {', '.join(kinds)}, generated.",
    )


def _draw(target, rng):
    """Draw the parameters of each oscillator; those that a kind does not have are 0."""
    drawn = {name: np.zeros(len(target)) for name in Motions._fields}
    drawn["frequency"] = rng.uniform(0.7, 1.4, size=len(target))
    for kind, bounds in KINDS.items():
        for name, (low, high) in bounds.items():
            values = rng.uniform(low, high, size=len(target))
            drawn[name] = np.where(target == kind, values, drawn[name])
    return Motions(**drawn)


def _solve(motions, start, n_timesteps):
    """Return positions (n, n_timesteps), computed by the Runge-Kutta method of order 4."""
    x, v = start
    result, h = np.empty((len(x), n_timesteps)), STEP / SUBSTEPS
    for step in range(n_timesteps):
        result[:, step] = x
        for i in range(SUBSTEPS):
            t = step * STEP + i * h
            v1, a1 = v, motions.acceleration(t, x, v)
            v2 = v + h / 2 * a1
            a2 = motions.acceleration(t + h / 2, x + h / 2 * v1, v2)
            v3 = v + h / 2 * a2
            a3 = motions.acceleration(t + h / 2, x + h / 2 * v2, v3)
            v4 = v + h * a3
            a4 = motions.acceleration(t + h, x + h * v3, v4)
            x = x + h / 6 * (v1 + 2 * v2 + 2 * v3 + v4)
            v = v + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
    return result
