"""Write fitted models to tests/data/models/VERSION/, for later versions to read.

Run by hand before a release: ``python tests/make_models.py``, or with the names of the models that
are new. A folder that was released is never written again, nor deleted while its models can still
be read. In a folder:

    NAME.pkl, NAME.safetensors, NAME.npz     the model NAME of MODELS, by pickle and `save_weights`
                                             (.npz of some only: it is large for small arrays)
    expected.json                            for each NAME
        estimator                            its class
        form, X                              one of FORMS, and the sequences
        outputs                              `predict_proba`, or `predict` of a regressor, flat
"""

import json
import pickle
import sys
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone

import sklearn_rnn
from sklearn_rnn import RNNClassifier, RNNRegressor
from sklearn_rnn.cells import GRU, LSTM, Elman
from sklearn_rnn.layers import Attention, Conv1D

FOLDER = Path(__file__).parent / "data" / "models"
PICKLE_PROTOCOL = 4  # the default of Python 3.8 to 3.13
IN_NPZ = ("lstm_names", "elman_poisson")
LENGTHS = (3, 5, 1, 4, 2, 5, 3, 4, 5, 1, 2, 4)
LABELS = ("down", "level", "up")
FORMS = {
    "list": list,
    "3d": np.stack,
    "2d": lambda X: np.stack(X)[:, :, 0],
    "codes": lambda X: [np.column_stack([x[:, 0], np.digitize(x[:, 1], (-0.5, 0.5))]) for x in X],
}


def draw(form, per_step):
    """Return X in its form, and numbers per sequence or per step."""
    rng = np.random.RandomState(0)
    lengths = [4] * len(LENGTHS) if form in ("2d", "3d") else LENGTHS
    X = [rng.normal(size=(length, 2)).round(2) for length in lengths]
    numbers = [x[:, 0].cumsum() for x in X]
    return FORMS[form](X), numbers if per_step else np.array([n[-1] for n in numbers])


def classes(numbers):
    return np.digitize(numbers, (-0.5, 0.5)) - 1


def names(numbers):
    return np.array(LABELS)[classes(numbers) + 1]


def signs(numbers):
    """Return labels of 0 and 1, at least one of them 1."""
    return np.stack([numbers > -0.5, numbers > 0.5], axis=1).astype(int)


# name -> estimator, form of X, numbers -> targets
MODELS = {
    "lstm_names": (RNNClassifier(3, cell="lstm"), "list", lambda n: np.where(n > 0, "up", "down")),
    "gru_steps": (
        RNNRegressor((2, 1), cell="gru", bidirectional=True, mode="many_to_many", dtype="float64"),
        "list",
        lambda n: [np.stack([steps, -steps], axis=1) for steps in n],
    ),
    "elman_integers": (
        RNNClassifier(3, cell=Elman(activation="relu"), early_stopping=True),
        "2d",
        classes,
    ),
    "elman_poisson": (
        RNNRegressor(3, cell="elman", loss="poisson", solver="sgd"),
        "3d",
        lambda n: np.round(np.exp(n)),
    ),
    "lstm_objects": (
        RNNClassifier(2, cell="lstm", mode="many_to_many", dtype="float64", solver="adamw"),
        "3d",
        lambda n: np.stack([names(steps) for steps in n]).astype(object),
    ),
    "attention_codes": (
        RNNClassifier(
            2,
            categorical_features=[1],
            embedding_dim=2,
            bidirectional=True,
            merge_mode="sum",
            pooling=Attention(2),
            output_layer_sizes=(2,),
        ),
        "codes",
        names,
    ),
    "multilabel": (RNNClassifier(2, cell=LSTM(projection_size=1)), "list", signs),
    "multioutput": (
        RNNClassifier(2, cell=GRU(normalization="layer", initial_state="learned")),
        "3d",
        lambda n: np.stack([names(n), np.where(n > 0, "up", "down")], axis=1),
    ),
    "quantiles": (
        RNNRegressor(
            2, cell=Elman(transition_layer_sizes=(2,)), loss="quantile", quantile=[0.2, 0.5, 0.8]
        ),
        "list",
        lambda n: n,
    ),
    "convolution_norm": (
        RNNRegressor(
            (2, 2),
            cell=["mgu", "minlstm"],
            input_layers=[Conv1D(2, 2, stride=2)],
            connections="residual",
            layer_normalization="layer",
        ),
        "list",
        lambda n: n,
    ),
}


def fit(name, **changes):
    """Return a model, fitted with a few parameters changed, and its X."""
    rnn, form, targets = MODELS[name]
    X, numbers = draw(form, rnn.mode == "many_to_many")
    short = {"max_iter": 3, "validation_fraction": 0.3, "random_state": 0}
    rnn = clone(rnn).set_params(**short | changes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # three epochs are few
        return rnn.fit(X, targets(numbers)), X


def outputs(rnn, X):
    """Return all numbers that a model predicts, in one row."""
    predict = getattr(rnn, "predict_proba", rnn.predict)
    return np.concatenate([np.ravel(rows) for rows in predict(X)])


def main(names):
    folder = FOLDER / sklearn_rnn.__version__
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "expected.json"
    expected = json.loads(file.read_text()) if file.exists() else {}
    for name in names or MODELS:
        form = MODELS[name][1]
        rnn, X = fit(name)
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(rnn, protocol=PICKLE_PROTOCOL))
        rnn.save_weights(folder / f"{name}.safetensors")
        if name in IN_NPZ:
            rnn.save_weights(folder / f"{name}.npz")
        expected[name] = {
            "estimator": type(rnn).__name__,
            "form": form,
            "X": [x.tolist() for x in X],
            "outputs": [float(f"{value:.9g}") for value in outputs(rnn, X)],
        }
    file.write_text(json.dumps(expected) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
