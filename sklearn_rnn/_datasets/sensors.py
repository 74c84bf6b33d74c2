"""Generated recordings of body-worn sensors, with the faults that real ones have."""

from __future__ import annotations

import numpy as np
from sklearn.utils import Bunch

from .._data.unpacking import as_objects
from .._typing import Integer, Number, RandomState
from .arguments import lengths_of, not_negative, positive, random_numbers

CHANNELS = ("acc_x", "acc_y", "acc_z", "gyro_x", "gyro_y", "gyro_z")
RATE = 50  # steps per second
# Frequency of the movement (1/s), its amplitude in acceleration (g) and in angular velocity (rad/s)
# for each axis, and the relative amplitude of the second harmonic, which makes it asymmetric.
ACTIVITIES = {
    "standing": (0.3, (0.02, 0.02, 0.02), (0.03, 0.03, 0.03), 0.1),
    "walking": (1.8, (0.20, 0.15, 0.35), (0.6, 0.4, 0.3), 0.5),
    "running": (2.7, (0.50, 0.30, 1.10), (1.2, 0.7, 0.5), 0.4),
    "upstairs": (1.5, (0.25, 0.15, 0.35), (0.8, 0.4, 0.3), 0.9),
    "cycling": (1.4, (0.15, 0.20, 0.12), (0.9, 0.3, 0.2), 0.1),
}
FULL_SCALE = (2.0, 2.0, 2.0, 4.0, 4.0, 4.0)  # beyond these the sensor saturates
LONGEST_FAULT = 10  # steps of missing values, or rows of a lost packet


def make_sensor_recordings(
    n_recordings: Integer = 100,
    n_timesteps: Integer | tuple[Integer, Integer] = (80, 160),
    *,
    n_persons: Integer = 8,
    missing: Number = 0.02,
    lost: Number = 0.02,
    noise: Number = 0.05,
    as_frame: bool = False,
    random_state: RandomState = None,
) -> Bunch:
    """Generate recordings of an accelerometer and a gyroscope, to be classified by activity.

    Each person has a pace, a strength and an orientation of the sensor. A model does better on
    persons that it has seen, so split the data by `groups`, for example with `GroupKFold`. Values
    are missing in bursts, packets of rows are lost, and some movements saturate the sensor.

    Parameters
    ----------
    n_recordings : int, default=100
        Number of recordings. All activities have the same number of recordings, up to one.
    n_timesteps : int or tuple of two int, default=(80, 160)
        Number of steps of all recordings, or the minimum and the maximum, before rows are lost;
        at least 20. There are 50 steps per second.
    n_persons : int, default=8
        Number of persons.
    missing : float, default=0.02
        Approximate share of the values of each feature that are NaN, below 0.5.
    lost : float, default=0.02
        Approximate share of the rows that are lost, below 0.5.
    noise : float, default=0.05
        Standard deviation of the noise, in g and rad/s.
    as_frame : bool, default=False
        Whether to return the long table `frame` as well, which requires pandas.
    random_state : int, RandomState instance or None, default=None
        Seed. An integer gives the same data at each call, up to rounding on other platforms.

    Returns
    -------
    data : Bunch
        Dictionary-like, with these entries.

        data : object array of shape (n_recordings,) of ndarray (n_timesteps_i, 6)
            Acceleration in g and angular velocity in rad/s, with NaN where values are missing, and
            without the lost rows.
        target : ndarray of str of shape (n_recordings,)
            "standing", "walking", "running", "upstairs" or "cycling".
        groups : ndarray of str of shape (n_recordings,)
            The person.
        times : object array of shape (n_recordings,) of ndarray (n_timesteps_i,)
            Seconds since the beginning of the recording, with gaps where rows are lost.
        feature_names : list of str
            Names of the features.
        frame : DataFrame
            Only with `as_frame`: the same data as a long table, with one row per step and the
            columns recording, person, activity, time and the features.
        DESCR : str
            Description of the data.

    Raises
    ------
    ValueError, TypeError
        If an argument is invalid.
    ImportError
        If `as_frame` is True and pandas is not installed.

    See Also
    --------
    sklearn_rnn.preprocessing.from_frame : Cuts a long table into sequences.
    sklearn_rnn.preprocessing.SequenceImputer : Fills missing values.

    Examples
    --------
    >>> from sklearn_rnn.datasets import make_sensor_recordings
    >>> recordings = make_sensor_recordings(n_recordings=10, random_state=0)
    >>> recordings.data.shape, recordings.data[0].shape[1]
    ((10,), 6)
    >>> recordings.target[:3].tolist()
    ['standing', 'walking', 'running']
    """
    positive(n_recordings=n_recordings, n_persons=n_persons)
    not_negative(missing=missing, lost=lost, noise=noise)
    for name, share in (("missing", missing), ("lost", lost)):
        if share >= 0.5:
            raise ValueError(f"`{name}` must be a share below 0.5, got {share!r}.")
    rng = random_numbers(random_state)
    lengths = lengths_of(n_timesteps, n_recordings, rng, least=2 * LONGEST_FAULT)
    names, numbers = list(ACTIVITIES), np.arange(n_recordings)
    target = np.array(names)[numbers % len(names)]
    persons = (numbers // len(names)) % n_persons
    traits = _traits(n_persons, rng)
    data, times = [], []
    for activity, person, length in zip(target, persons, lengths, strict=True):
        values = _movement(ACTIVITIES[activity], traits[person], length, noise, rng)
        for channel in values.T:
            channel[_faults(length, missing, rng)] = np.nan
        kept = ~_faults(length, lost, rng)
        kept[[0, -1]] = True
        data.append(values[kept])
        times.append(np.flatnonzero(kept) / RATE)
    recordings = Bunch(
        data=as_objects(data),
        target=target,
        groups=np.array([f"person {person}" for person in persons]),
        times=as_objects(times),
        feature_names=list(CHANNELS),
        DESCR=f"{n_recordings} recordings of {n_persons} persons in {len(names)} activities, "
        f"{RATE} steps a second of an accelerometer (g) and a gyroscope (rad/s); generated.",
    )
    if as_frame:
        recordings.frame = _frame_of(recordings)
    return recordings


def _traits(n_persons, rng):
    """Draw pace, strength and the direction of the sensor (3, 3) of each person."""
    directions = [
        np.linalg.qr(np.eye(3) + 0.25 * rng.normal(size=(3, 3)))[0] for _ in range(n_persons)
    ]
    # The sign of a column of Q is arbitrary: make the diagonal positive.
    directions = [q * np.sign(np.diag(q)) for q in directions]
    paces, strengths = rng.uniform(0.8, 1.25, n_persons), rng.uniform(0.7, 1.4, n_persons)
    return list(zip(paces, strengths, directions, strict=True))


def _movement(activity, traits, length, noise, rng):
    """Return the values (length, 6) of a recording, without faults."""
    pace, *sizes, harmonic = activity
    own_pace, strength, direction = traits
    # The pace follows a random walk within a recording.
    wander = 1 + 0.02 * rng.normal(size=length).cumsum() / np.sqrt(RATE)
    phase = 2 * np.pi * (rng.uniform() + (pace * own_pace * wander).cumsum() / RATE)
    values = np.empty((length, 6))
    for first, size in zip((0, 3), sizes, strict=True):
        shifts = rng.uniform(0, 0.5, size=3) + np.array([0, np.pi / 2, np.pi / 4])
        waves = np.sin(phase[:, np.newaxis] + shifts)
        waves += harmonic * np.sin(2 * (phase[:, np.newaxis] + shifts))
        values[:, first : first + 3] = strength * np.array(size) * waves
    values[:, 2] += 1.0  # gravity
    for first in (0, 3):
        values[:, first : first + 3] = values[:, first : first + 3] @ direction
    values += noise * rng.normal(size=values.shape)
    return np.clip(values, -np.array(FULL_SCALE), FULL_SCALE)


def _faults(length, share, rng):
    """Draw a mask (length,) of bursts of steps, which cover about this share of all steps."""
    result = np.zeros(length, dtype=bool)
    mean = (1 + LONGEST_FAULT) / 2
    for begin in np.flatnonzero(rng.uniform(size=length) < share / mean):
        result[begin : begin + rng.randint(1, LONGEST_FAULT + 1, dtype=np.int64)] = True
    return result


def _frame_of(recordings):
    """Return recordings as a table of pandas with one row per step."""
    import pandas

    lengths = list(map(len, recordings.data))
    columns = {
        "recording": np.repeat(np.arange(len(lengths)), lengths),
        "person": np.repeat(recordings.groups, lengths),
        "activity": np.repeat(recordings.target, lengths),
        "time": np.concatenate(recordings.times),
    }
    values = np.concatenate(recordings.data)
    columns.update(zip(recordings.feature_names, values.T, strict=True))
    return pandas.DataFrame(columns)
