"""Cells of the matrix of scikit-learn's tools and carriers, one of each kind.

`python tests/slow/sklearn_matrix.py` runs all of them.
"""

import pytest
from matrix.case import Case
from matrix.tools import TOOLS, register, run_cell

register()

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize(
    ("tool", "carrier", "mode", "plain", "way"),
    [
        ("cross_val_score", "list2d", "tag", "works", "as it is"),
        ("GridSearchCV", "nested pandas", "seqreg", "works", "as it is"),
        ("BaggingClassifier", "nested polars", "clf", "works", "as it is"),
        ("AdaBoostRegressor", "list2d", "reg", "fails", "table"),
        (
            "ColumnTransformer (one feature scaled, others as they are)",
            "object",
            "reg",
            "fails",
            "table",
        ),
        ("FeatureUnion of SequenceScalers", "2d", "tag", "fails inside", "table"),
        ("permutation_importance", "3d", "clf", "fails", "table"),
        ("RFE", "frames", "clf", "fails", "table"),
        ("OneVsOneClassifier", "list1d", "clf", "fails", "table"),
        ("Pipeline(StandardScaler, RNN)", "list2d", "seqreg", "fails", "per_step"),
        ("StratifiedKFold(3)", "list1d", "tag", "fails", "splitter"),
        ("permutation_test_score", "object", "seqreg", "fails inside", "groups"),
        ("cross_val_predict(predict_proba)", "3d", "tag", "fails", "folds"),
        ("VotingClassifier(soft)", "list2d", "tag", "fails", "loop"),
        ("cross_val_score(scoring=name)", "list1d", "tag", "fails inside", "scorer"),
        ("cross_val_score(scoring=name)", "2d", "seqreg", "wrong, but warned", "scorer"),
        (
            "cross_val_score(scoring=accuracy), y: 0/1 in arrays",
            "3d",
            "tag",
            "wrong, but warned",
            "scorer",
        ),
        (
            "cross_val_score(scoring=roc_auc), y: 0/1 in arrays",
            "3d",
            "tag",
            "fails inside",
            "scorer",
        ),
        ("classification_report, confusion_matrix of predict", "pandas", "tag", "fails", "report"),
        (
            "BaggingClassifier(max_features=0.5) keeps the order of steps",
            "2d",
            "clf",
            "wrong, but warned",
            "table",
        ),
        # What docs/carriers.md has no remedy for is refused, not misread.
        ("CalibratedClassifierCV", "2d", "tag", "fails", "none"),
    ],
)
def test_a_tool_works_as_it_is_or_as_documented(tool, carrier, mode, plain, way):
    if carrier in ("polars", "nested polars"):
        pytest.importorskip("polars")
    if carrier in ("frames", "pandas", "nested pandas") or way == "table":
        pytest.importorskip("pandas")
    cell = run_cell(TOOLS[tool], Case(carrier, mode))
    assert (cell["plain"], cell["way"]) == (plain, way), cell["message"]
