"""Models of earlier versions still load, and predict what they did."""

import json
import pickle

import make_models
import numpy as np
import pytest
from kept_models import SUFFIXES, train_on
from make_models import MODELS, outputs

import sklearn_rnn

VERSIONS = sorted(make_models.FOLDER.glob("*.*"))
RTOL_STORED = 1e-6  # stored outputs were computed at some SIMD level


def kept_models(pattern="*.*"):
    paths = (path for folder in VERSIONS for path in sorted(folder.glob(pattern)))
    return [path for path in paths if path.suffix in (".pkl", *SUFFIXES)]


def test_this_versions_models_are_kept():
    folder = make_models.FOLDER / sklearn_rnn.__version__
    assert {path.stem for path in kept_models("*.pkl") if path.parent == folder} == set(MODELS)
    for suffix in SUFFIXES:
        assert any(path.parent == folder for path in kept_models(f"*{suffix}"))
    assert sum(path.stat().st_size for path in folder.iterdir()) < 100_000


@pytest.mark.parametrize("path", kept_models(), ids=lambda path: f"{path.parent.name}-{path.name}")
# Of this package and, should it come to stamp our models, of scikit-learn.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_models_of_earlier_versions_predict_what_they_did(path):
    then = json.loads((path.parent / "expected.json").read_text())[path.stem]
    if path.suffix == ".pkl":
        rnn = pickle.loads(path.read_bytes())
    else:
        rnn = getattr(sklearn_rnn, then["estimator"])().load_weights(path)
    X = list(map(np.array, then["X"]))
    X = np.stack(X) if then["form"] in ("2d", "3d") else X
    assert type(rnn).__name__ == then["estimator"]
    np.testing.assert_allclose(outputs(rnn, X), then["outputs"], rtol=RTOL_STORED, atol=RTOL_STORED)
    train_on(rnn, X)
