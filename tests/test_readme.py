"""The examples of the README and of the pages in docs run and print what these say."""

import doctest
import importlib.util
import re
from pathlib import Path

import pytest
from pictures import difference
from printed import ScoresMayDiffer

ROOT = Path(__file__).parents[1]
# Share of pixels. At another SIMD level, 0.6 % of a picture differ; other data make 5 % or more.
PICTURE_TOLERANCE = 0.02


def names_of(page, least):
    """Run the examples of a page, of which there are more than `least`; return what they define."""
    if not (ROOT / page).exists():
        pytest.skip(f"{page} lies beside the tests in the source tree only")
    names = {}
    examples = doctest.DocTestParser().get_doctest((ROOT / page).read_text(), {}, page, page, 0)
    examples.globs = names
    assert len(examples.examples) > least
    runner = doctest.DocTestRunner(checker=ScoresMayDiffer())
    runner.run(examples, clear_globs=False)
    assert runner.summarize().failed == 0
    return names


@pytest.mark.parametrize(
    ("page", "least"),
    [
        ("docs/architectures.md", 60),
        ("docs/carriers.md", 60),
        ("docs/coming_from/aeon.md", 10),
        ("docs/coming_from/keras.md", 10),
        ("docs/coming_from/pytorch.md", 10),
        ("docs/coming_from/sklearn_crfsuite.md", 10),
        ("docs/coming_from/skorch.md", 10),
        ("docs/training.md", 45),
        ("docs/long_series.md", 20),
        ("docs/data.md", 50),
        ("docs/forecasting.md", 25),
        ("docs/concepts.md", 20),
        ("docs/concepts/backpropagation.md", 20),
        ("docs/concepts/directions.md", 20),
        ("docs/concepts/gates.md", 20),
        ("docs/concepts/writing.md", 25),
        ("docs/getting_started.md", 30),
        ("docs/reproducibility.md", 12),
        ("docs/seq2seq.md", 40),
        ("docs/troubleshooting.md", 8),
        ("docs/when_not.md", 10),
        ("docs/words.md", 30),
    ],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_page_prints_what_it_says(page, least):
    names_of(page, least)


def drawn_by(script, names, folder, monkeypatch):
    """Let a script in docs/pictures draw; return pictures (height, width, 4) by file name."""
    image = pytest.importorskip("matplotlib.image")
    monkeypatch.syspath_prepend(script.parent)
    spec = importlib.util.spec_from_file_location(script.stem, script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.draw(names, folder, themes=("light",))
    return {path.name: image.imread(path) for path in folder.glob("*.png")}


def on_white(picture):
    """Return the colours of a picture (height, width, 4) on a white page, at half the size."""
    picture = picture[::2, ::2]
    return 1 - picture[:, :, 3:] * (1 - picture[:, :, :3])


@pytest.mark.parametrize(
    ("page", "least", "script"),
    [("README.md", 20, "readme.py"), ("docs/inspection.md", 20, "inspection.py")],
)
def test_a_page_prints_what_it_says_and_shows_what_its_code_draws(
    page, least, script, tmp_path, monkeypatch
):
    names = names_of(page, least)
    folder = ROOT / "docs" / "pictures"
    pictures = drawn_by(folder / script, names, tmp_path, monkeypatch)
    from matplotlib.image import imread

    shown = re.findall(r' src="(?:docs/)?pictures/(\w+\.png)"', (ROOT / page).read_text())
    assert sorted(shown) == sorted(pictures)
    for name, picture in pictures.items():
        stored = imread(folder / name)
        assert picture.shape == stored.shape, name
        picture, stored = on_white(picture), on_white(stored)
        share = difference(picture, stored) / picture[:, :, 0].size
        assert share < PICTURE_TOLERANCE, f"{name} differs in {share:.1%} of its pixels"
