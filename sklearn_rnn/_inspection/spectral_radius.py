"""The spectral radius of the weights with which a state reads the previous one."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator

from .. import _core
from .._estimators.transfer import model_of
from .._model.network import SUFFIXES, WEIGHTED
from .displays.reading import last_step


def spectral_radius(estimator: BaseEstimator) -> dict[str, dict[str, float]]:
    """Return the spectral radius of the recurrent weights, by layer and gate.

    It is the largest absolute eigenvalue of the matrix that takes a state to the next
    pre-activation. In a simple cell, it tells how fast gradients can shrink or grow over many
    steps: with tanh, they vanish if it is below 1, and may explode if it is above (Pascanu et al.,
    2013). In cells with gates, values above 1 let gates saturate; `gradient_flow` measures the
    gradients themselves.

    Parameters
    ----------
    estimator : fitted estimator of this package
        Or a Pipeline or search that ends with one.

    Returns
    -------
    radii : dict of str to dict of str to float
        By layer and direction ("l0", "l0_reverse", ...), then by gate: "h" for cells without gates,
        i f g o for "lstm", r z n for "gru". The matrix includes whatever lies between a state and
        the next one, without activation functions: a projection, transition layers, or the output
        layer of "jordan". The radius is NaN if a cell with gates lies between. "mingru" and
        "minlstm" have no recurrent weights and are left out.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    ValueError
        If `estimator` is not of this package.

    See Also
    --------
    gradient_flow : Measures how gradients shrink or grow with given data.

    References
    ----------
    R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks",
    ICML 2013.

    Examples
    --------
    Recurrent weights begin as orthogonal matrices, gate by gate:

    >>> import numpy as np
    >>> from sklearn_rnn import RNNRegressor
    >>> from sklearn_rnn.inspection import spectral_radius
    >>> X = np.random.RandomState(0).normal(size=(30, 5, 2))
    >>> rnn = RNNRegressor(8, cell="gru", max_iter=1, random_state=0)
    >>> radii = spectral_radius(rnn.partial_fit(X, X.sum(axis=(1, 2))))
    >>> {gate: round(radius, 1) for gate, radius in radii["l0"].items()}
    {'r': 1.0, 'z': 1.0, 'n': 1.0}
    """
    model = model_of(last_step(estimator), "estimator")
    network = model.network
    views, radii = network.views(model.params.astype(np.float64)), {}
    for i, node in enumerate(network.nodes):
        for suffix in SUFFIXES[node.directions] if node.kind == "recurrent" else ():
            if blocks := _blocks(network, views, i, suffix):
                radii[f"{node.name}{suffix}"] = blocks
    return radii


def _blocks(network, views, i, suffix):
    """Return the radius for each gate of a recurrent node in one direction."""
    node = network.nodes[i]
    gates = _core.CELLS[node.cell].gates
    if dict(node.options).get("coupled_gates"):
        gates = gates[1:]
    end = f"{node.name}{suffix}"
    weights = views.get(f"weight_hh_{end}", views.get(f"weight_oh_{end}"))
    if weights is None:
        return {}
    if weights.ndim == 1:
        return {gates[0]: float(np.abs(weights).max())}
    loops = [source.node for source in node.sources if source.weight in ("weight_hh", "weight_oh")]
    for loop in loops:
        weights = weights @ _map(network, views, i, loop)
    blocks = np.split(weights, len(gates))
    return {gate: _radius(block) for gate, block in zip(gates, blocks, strict=True)}


def _radius(matrix):
    if not np.isfinite(matrix).all():
        return float("nan")
    return float(np.abs(np.linalg.eigvals(matrix)).max())


def _map(network, views, i, of):
    """Return the map (width of a stream, units of node i) from the state of node i, made linear."""
    units, node = network.nodes[i].units, network.nodes[of]
    if of == i:
        return np.eye(units)
    if of < i:
        return np.zeros((network.width(of), units))
    parts = [
        _map(network, views, i, source.node)
        for source in node.sources
        if source.shift == 0 and source.weight in ("weight_ih", "weight")
    ]
    if node.kind not in WEIGHTED:
        return np.sum(parts, axis=0)
    below, name = np.concatenate(parts), f"{node.name}{SUFFIXES[node.directions][0]}"
    if node.kind == "recurrent":
        weights = views[f"weight_ih_{name}"]
        is_simple = len(_core.CELLS[node.cell].gates) == 1
        return weights @ below if is_simple else np.full((network.width(of), units), np.nan)
    return views[f"{name}.weight"] @ below
