"""Draw the pictures of docs/inspection.md, light and dark: `python docs/pictures/inspection.py`.

The code of the page is run as it stands there.
"""

from functools import partial

import numpy as np
import readme

from sklearn_rnn.inspection import AttributionDisplay, HiddenStatesDisplay, LossCurveDisplay


def show_loss_curve(of_page, ax):
    LossCurveDisplay.from_estimator(of_page["rnn"], ax=ax, log=True)


def show_importances(of_page, ax):
    left, right = two_axes(ax, sharey=True)
    for axes, name in ((left, "by_feature"), (right, "by_step")):
        result = of_page[name]
        steps = np.arange(len(result.importances_mean))
        axes.bar(steps, result.importances_mean, yerr=result.importances_std, ecolor="grey")
        axes.set(xticks=steps, xlabel=name.removeprefix("by_").capitalize())
    left.set_ylabel("Decrease of accuracy")


def show_attributions(of_page, ax):
    left, right = two_axes(ax)
    left.imshow(of_page["X_test"][6].T, cmap="gray")
    left.set(xlabel="Step", ylabel="Feature", xticks=np.arange(8), yticks=np.arange(8))
    AttributionDisplay.from_estimator(of_page["rnn"], of_page["X_test"], sequence=6, ax=right)


def show_states(of_page, ax):
    HiddenStatesDisplay.from_estimator(of_page["rnn"], of_page["X_test"][:100], ax=two_axes(ax))


def two_axes(ax, **kwargs):
    """Put two axes in the place of one."""
    fig = ax.figure
    ax.remove()
    return fig.subplots(1, 2, **kwargs)


PICTURES = {
    "loss_curve": (show_loss_curve, 2.4),
    "importances": (show_importances, 2.2),
    "attributions": (show_attributions, 2.6),
    "states": (show_states, 2.8),
}

draw = partial(readme.draw, pictures=PICTURES)

if __name__ == "__main__":
    draw(readme.names_of(readme.HERE.parent / "inspection.md"), readme.HERE)
