"""examples/forecast.py runs, on a small table like that of its data."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "forecast.py"


@pytest.mark.skipif(not EXAMPLE.exists(), reason="the examples do not lie beside these tests")
def test_the_forecast_beats_the_naive_one(capsys):
    spec = spec_from_file_location("forecast", EXAMPLE)
    example = module_from_spec(spec)
    spec.loader.exec_module(example)
    rng = np.random.default_rng(0)
    time = pd.date_range("2024-01-01", periods=48 * 60, freq="30min", tz="Australia/Melbourne")
    hour, day = np.arange(len(time)) / 2, np.repeat(rng.normal(size=60), 48)
    demand = 4000 + 500 * np.sin(hour * 2 * np.pi / 24) + 300 * day
    frame = pd.DataFrame({"time": time, "demand": demand, "temperature": day, "holiday": 0.0})
    result = example.main(frame, n_days=5, n_estimators=2, stride=24)
    assert result.summary["mae"] < 0.3 * result.summary["naive_mae"]
    assert "pinball" in capsys.readouterr().out
