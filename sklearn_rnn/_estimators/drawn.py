"""The HTML representation of an estimator with a network: scikit-learn's, and a drawing."""

from .._documentation import Documented
from .._model import architecture, pair_architecture
from .._model.diagram import diagram_of
from .._model.drawing import MARK, described, drawn
from .._model.network import Network
from .._model.pair_words import PairWords
from .._model.summary import rows_of
from .._rules import integer

CODES = 3  # stands for the number of codes that only the data tell


class Drawn(Documented):
    """A base of the estimators with a network, which their HTML representation draws.

    The drawing is in the box of the estimator, above its parameters, also if this is a step of a
    Pipeline. Releases of scikit-learn without a table of parameters have it below their diagram.
    """

    def _drawn_rnn(self):
        """Return the estimator whose network is drawn."""
        return self

    @property
    def _repr_html_(self):
        show = super()._repr_html_  # AttributeError if diagrams are switched off
        return lambda: self._with_drawing(show())

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        if "text/html" in bundle:
            bundle["text/html"] = self._with_drawing(bundle["text/html"])
        return bundle

    def _get_params_html(self, *args, **kwargs):
        """Return scikit-learn's table of parameters, which here begins with the drawing."""
        table = super()._get_params_html(*args, **kwargs)
        show = table._repr_html_inner
        table._repr_html_inner = lambda: self._drawing() + show()
        return table

    def _with_drawing(self, html):
        return html if MARK in html else html + self._drawing()

    def _drawing(self):
        """Return the network as HTML, or nothing for parameters from which there is none."""
        try:
            return _drawing_of(self._drawn_rnn(), type(self).__name__)
        except Exception:  # an estimator is shown whatever its parameters are
            return ""


def _drawing_of(rnn, owner):
    if hasattr(rnn, "params_"):
        network = rnn._fitted_model().network
        diagram = diagram_of(network, rows_of(network), holds=rnn._HOLDS)
    else:
        diagram = diagram_of(planned_network(rnn), holds=rnn._HOLDS)
    title = f"The network of {owner}. {'. '.join(map(described, diagram.boxes))}."
    return f'<div style="padding:0.5em;overflow-x:auto">{drawn(diagram, title)}</div>'


def planned_network(rnn):
    """Return the network of an unfitted estimator, with stand-ins for numbers that data tell.

    These are the numbers of features, codes and outputs, and "auto" dimensions, which are 0.
    """
    words = rnn._check_parameters(rnn._params())
    n_numbers, tables = _read_at_steps_of_X(rnn)
    if isinstance(words, PairWords):
        fed = _read_at_steps_of_y(rnn, n_numbers, tables)
        nodes, layers = pair_architecture.list_nodes(words, 1, n_numbers, tables, *fed)
        facts = {"per_step": True, "n_target_features": 1}
    else:
        nodes, layers = architecture.list_nodes(words, 1, n_numbers, tables)
        facts = {"per_step": words.per_step, "stride": words.stride, "window": words.window}
    return Network(
        n_features=n_numbers + len(tables),
        nodes=nodes,
        loss=getattr(rnn, "loss", ""),
        huber_delta=1.0,
        dtype=words.dtype,
        words=words,
        layers=layers,
        **facts,
    )


def _read_at_steps_of_X(rnn):
    """Return how many features are numbers, 0 or 1, and the tables of codes, one or none."""
    if rnn.categorical_features is None:
        return 1, ()
    is_all = isinstance(rnn.categorical_features, str) and rnn.categorical_features == "all"
    return int(not is_all), ((0, CODES, _known(rnn.embedding_dim)),)


def _read_at_steps_of_y(rnn, n_numbers, tables):
    """Return the same of what a decoder reads: classes, numbers, or the steps of X again."""
    if rnn._HOLDS == "sequences of classes":
        return 0, ((0, CODES, _known(rnn.decoder_embedding_dim)),)
    if rnn._HOLDS == "steps":
        return n_numbers, tables
    return 1, ()


def _known(dimension):
    return int(dimension) if integer(1).test(dimension) else 0
