"""Forecasts of hourly electricity demand: a network, gradient boosting and naive forecasts.

    python benchmarks/forecast.py [--models boosting rnn rnn-5 ...] [--select] [--quick]

The data are the demand of Victoria, as in examples/applications/plot_forecast.py. Once a day, the
quantiles 0.1, 0.5 and 0.9 of the next 24 hours are forecast. The temperature, holidays and the
calendar are known in advance. The last 120 days are the test data. With `--select`, the same days
of the year before are forecast instead, from the data before them; the settings were chosen there.
Gradient boosting has one model per quantile, and all steps in one table. For each step it reads the
step's number, hour, weekday and day of the year; holiday and temperature now, a day before and a
week before; mean temperatures of 6 and 24 hours; demand 1, 2, 6 and 7 days before; and the last
three values and the mean of the day before the origin.
"""

import time
import warnings

import harness
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from sklearn_rnn.datasets import load_vic_elec
from sklearn_rnn.forecasting import RNNForecaster

HORIZON, DAYS = 24, 120
QUANTILE = (0.1, 0.5, 0.9)
KNOWN = ["temperature", "holiday"]


def hourly(select):
    """Frame of hours, up to the end of the test days."""
    frame = load_vic_elec(as_frame=True).frame.set_index("time").resample("h").mean()
    return frame[: -365 * 24] if select else frame


def scores_of(true, values):
    """Scores of quantiles (n_origins, HORIZON, 3)."""
    above, q = true[..., np.newaxis] - values, np.array(QUANTILE)
    return {
        "mae": float(np.abs(above[..., 1]).mean()),
        "pinball": float(np.maximum(q * above, (q - 1) * above).mean()),
        "coverage": float(((above[..., 0] >= 0) & (above[..., 2] <= 0)).mean()),
    }


# ---- rivals ----


def rows_of(frame, origins):
    """What boosting reads (n_origins, HORIZON, n_features), and the demand."""
    y, temperature = frame["demand"].to_numpy(), frame["temperature"].to_numpy()
    holiday, index = frame["holiday"].to_numpy() > 0, frame.index
    t = origins[:, np.newaxis] + np.arange(HORIZON)
    total = np.concatenate([[0], np.cumsum(temperature)])
    calendar = [index.hour, index.day_of_week, index.day_of_year]
    columns = [t - origins[:, np.newaxis], *(each.to_numpy()[t] for each in calendar)]
    columns += [holiday[t], holiday[t - 24], holiday[t - 168]]
    columns += [temperature[t - back] for back in (0, 1, 24, 168)]
    columns += [(total[t + 1] - total[t + 1 - n]) / n for n in (6, 24)]
    columns += [y[t - back] for back in (24, 48, 144, 168)]
    at_origin = [y[origins - back] for back in (1, 2, 3)]
    at_origin.append(np.mean([y[origins - back] for back in range(1, 25)], axis=0))
    columns += [np.broadcast_to(each[:, np.newaxis], t.shape) for each in at_origin]
    return np.stack(columns, axis=2).astype(float), y[t]


def boosting(frame, n_train, **options):
    origins = np.arange(n_train - HORIZON, 168, -HORIZON)
    X, y = rows_of(frame, origins)
    X_test, true = rows_of(frame, np.arange(n_train, len(frame), HORIZON))
    predictions = []
    for q in QUANTILE:
        model = HistGradientBoostingRegressor(
            loss="quantile", quantile=q, random_state=0, **options
        )
        model.fit(X.reshape(-1, X.shape[2]), y.ravel())
        predictions.append(model.predict(X_test.reshape(-1, X.shape[2])).reshape(true.shape))
    return scores_of(true, np.sort(np.stack(predictions, axis=2), axis=2))


def naive(frame, n_train):
    y, t = frame["demand"].to_numpy(), np.arange(n_train, len(frame))
    return {"mae": float(np.abs(y[t] - y[t - 168]).mean()), "pinball": "", "coverage": ""}


# ---- ours ----


def network(frame, n_train, refit=False, **options):
    model = RNNForecaster(
        HORIZON, 48, season=(24, 168), quantile=QUANTILE, random_state=0, **options
    )
    past, test = frame[:n_train], frame[n_train:]
    model.fit(past["demand"], past[KNOWN])
    result = model.backtest(test["demand"], test[KNOWN], refit=refit).forecasts
    values = np.stack([result[f"q{q:g}"] for q in QUANTILE], axis=1)
    return scores_of(result["y"].reshape(-1, HORIZON), values.reshape(-1, HORIZON, 3))


MODELS = {
    "same hour of the week before": (naive, {}),
    "boosting": (boosting, {}),
    "boosting, 300 trees": (boosting, {"max_iter": 300}),
    "rnn": (network, {}),
    "rnn, updated daily": (network, {"refit": "update"}),
    "rnn-5": (network, {"n_estimators": 5}),
    "rnn-5, calibrated": (network, {"n_estimators": 5, "calibrate": True}),
    "rnn-5, calibrated, updated daily": (
        network,
        {"n_estimators": 5, "calibrate": True, "refit": "update"},
    ),
}
COLUMNS = {
    "model": "model",
    "MAE (MW)": "mae",
    "pinball loss": "pinball",
    "80 % covers": "coverage",
    "processor s": "seconds",
}


def notes(rows):
    """What to know about the table."""
    return [
        "Each of the last 120 days of 2014 (24 hours) is forecast from the data before it. The",
        "true temperature of the day replaces a weather forecast. rnn-5 is the mean of five",
        "networks.",
        '"Updated daily" means that the network learns once from each day after it was forecast.',
        "The settings of the networks were chosen on the same days of 2013. Boosting has the",
        "default settings of scikit-learn; the second row of boosting has more trees.",
    ]


def work(job):
    warnings.filterwarnings("ignore")
    frame = hourly(job["select"])
    if job["quick"]:
        frame = frame[-24 * (DAYS + 60) :]
    function, options = MODELS[job["model"]]
    begin = time.process_time()
    scores = function(frame, len(frame) - 24 * DAYS, **options)
    return {"model": job["model"], **scores, "seconds": time.process_time() - begin}


def main():
    parser = harness.arguments(__doc__)
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--select", action="store_true", help="a year earlier, nothing written")
    parser.add_argument("--quick", action="store_true", help="two months, nothing written")
    options = parser.parse_args()
    for model in options.models:
        job = {"model": model, "select": options.select, "quick": options.quick}
        row = harness.run_job(__file__, job, threads=1)
        print(harness.table(COLUMNS, [row]), flush=True)
        if not options.select and not options.quick:
            title = "Forecasts of tomorrow's electricity demand"
            harness.write("forecast", title, COLUMNS, [row], ["model"], summarize=notes, quiet=True)


if __name__ == "__main__":
    harness.worker(work)
    main()
