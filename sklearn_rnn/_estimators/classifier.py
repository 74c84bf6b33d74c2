"""RNNClassifier: a target is one of a set of classes."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from .. import _core
from .._data import arguments
from .._data.arguments import naming
from .._data.carriers import as_labels
from .._data.steps import pack_steps
from .._data.unpacking import as_carried
from .._data.values import family, settled_labels
from .._floating_point import floating_point_ignored
from .._rules import number
from .._training.losses import classification_loss
from .base import _RNNBase
from .callbacks import with_callbacks
from .docstrings import documented
from .parameters import CLASSIFIER
from .validation import one_per_sequence


@documented(CLASSIFIER)
class RNNClassifier(ClassifierMixin, _RNNBase):
    """Recurrent neural network that classifies sequences, or each of their steps.

    Training minimises the cross-entropy by gradient descent on minibatches, with back-propagation
    through time. Parameters and attributes that `sklearn.neural_network.MLPClassifier` also has
    keep their names and meanings.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    RNNRegressor : The same networks for numeric targets.
    sklearn_rnn.preprocessing.SequenceScaler : Scales features of sequences of any form.
    sklearn_rnn.metrics : Scores per step, for `make_scorer`.

    Notes
    -----
    {notes}

    References
    ----------
    {references}

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_rnn import RNNClassifier
    >>> rng = np.random.RandomState(0)
    >>> X = [rng.normal(size=(rng.randint(3, 9), 2)) for _ in range(100)]
    >>> y = ["up" if x[:, 0].sum() > 0 else "down" for x in X]
    >>> rnn = RNNClassifier(hidden_layer_sizes=8, max_iter=500, random_state=0).fit(X, y)
    >>> rnn.predict(X[:3]).shape
    (3,)
    >>> rnn.score(X, y) > 0.9
    True
    """

    def __init__(
        self,
        hidden_layer_sizes=(64,),
        *,
        cell="gru",
        bidirectional=False,
        mode="many_to_one",
        dropout=0.0,
        max_grad_norm=1.0,
        max_grad_value=None,
        solver="adam",
        alpha=0.0,
        batch_size="auto",
        learning_rate="constant",
        learning_rate_init=0.005,
        power_t=0.5,
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        max_iter=200,
        shuffle=True,
        tol=1e-4,
        n_iter_no_change=10,
        early_stopping=False,
        validation_fraction=0.1,
        scoring=None,
        warm_start=False,
        random_state=None,
        verbose=0,
        class_weight=None,
        normalize_X=True,
        dtype="float32",
        memory_budget=None,
        n_threads=None,
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.cell = cell
        self.bidirectional = bidirectional
        self.mode = mode
        self.dropout = dropout
        self.max_grad_norm = max_grad_norm
        self.max_grad_value = max_grad_value
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.scoring = scoring
        self.warm_start = warm_start
        self.random_state = random_state
        self.verbose = verbose
        self.class_weight = class_weight
        self.normalize_X = normalize_X
        self.dtype = dtype
        self.memory_budget = memory_budget
        self.n_threads = n_threads

    @with_callbacks
    @floating_point_ignored
    def fit(
        self,
        X,
        y,
        sample_weight=None,
        *,
        X_val=None,
        y_val=None,
        sample_weight_val=None,
        callbacks=None,
    ):
        """Fit the network to sequences and their targets.

        {ctrl_c}

        Parameters
        ----------
        {X_of_fit}
        y : array-like of labels
            ``(n_samples,)``. With ``mode="many_to_many"`` ``(n_samples, n_timesteps)``, or a list
            or object array of ``(n_timesteps_i,)``. A last axis of length 1 is flattened with a
            warning. Labels must be of one type, for example strings or numbers, and not missing.
        sample_weight : array-like, default=None
            One weight per sequence; with ``mode="many_to_many"`` also one per step, in any form
            that y may have. Only their ratios count. Sequences or steps of weight 0 are ignored,
            and their y may be anything: None, NaN, an unknown label.
        {validation_and_callbacks}

        Returns
        -------
        {self}

        Raises
        ------
        {errors_of_fit}

        Warns
        -----
        {warnings_of_fit}
        """
        return self._fit(
            X,
            y,
            sample_weight,
            validation=(X_val, y_val, sample_weight_val),
            callbacks=callbacks,
        )

    @floating_point_ignored
    def partial_fit(self, X, y, sample_weight=None, classes=None):
        """Learn from each sequence once, in minibatches of `batch_size`.

        {continuing}

        Mean and scale of X accumulate over all calls. Those in use are updated when one of them has
        moved by more than 1 % of the scale. If the scale of a feature changes by a factor below 2,
        the weights are changed with it so that predictions stay the same.

        Parameters
        ----------
        {parameters_of_partial_fit}
        classes : array-like of shape (n_classes,), default=None
            All classes that y can have in any call; required in the first call, unless `fit` was
            called before.

        Returns
        -------
        {self}

        Raises
        ------
        ValueError
            If a parameter or the data are not as described, if they do not match the previous fit,
            if y has other classes, or with `early_stopping`. Also if the training diverges; what
            was learned before that minibatch is kept.
        """
        return self._fit(X, y, sample_weight, incremental=True, classes=classes)

    @floating_point_ignored
    def predict(self, X):
        """Predict the class of each sequence, or of each step.

        Parameters
        ----------
        {X}

        Returns
        -------
        y : ndarray or object array of ndarray
            With ``mode="many_to_one"`` labels ``(n_samples,)``. With ``mode="many_to_many"``
            ``(n_samples, n_timesteps)``, or for a list of sequences an object array of
            ``(n_timesteps_i,)``.

        Raises
        ------
        {errors_of_predict}
        """
        twin = self._now()
        network, sequences, outputs = twin._outputs(X)
        labels = twin.classes_[twin._codes(outputs).astype(np.intp)]
        return as_carried(labels, sequences, network.per_step)

    @floating_point_ignored
    def predict_proba(self, X):
        """Predict the probability of each class, for each sequence or each step.

        Parameters
        ----------
        {X}

        Returns
        -------
        probabilities : ndarray or object array of ndarray
            With ``mode="many_to_one"`` ``(n_samples, n_classes)``, columns in the order of
            `classes_`. With ``mode="many_to_many"`` ``(n_samples, n_timesteps, n_classes)``, or for
            a list of sequences an object array of ``(n_timesteps_i, n_classes)``. They have the
            dtype of the network.

        Raises
        ------
        {errors_of_predict}
        """
        twin = self._now()
        logistic = twin._fitted_network().loss == "logistic"
        network, sequences, outputs = twin._outputs(X, raw=logistic)
        if logistic:
            p = _core.vector_math("sigmoid", outputs)
            # 1 - p is exact from 1/2 on; where it is small it would lose its digits.
            rest = np.where(p > 0.75, _core.vector_math("sigmoid", -outputs), 1 - p)
            outputs = np.concatenate([rest, p], axis=1)
        return as_carried(outputs, sequences, network.per_step)

    @floating_point_ignored
    def predict_log_proba(self, X):
        """Predict the logarithm of the probability of each class.

        It is computed from the network's outputs, so it stays finite where a probability is too
        small for its dtype.

        Parameters
        ----------
        {X}

        Returns
        -------
        log_probabilities : ndarray or object array of ndarray
            In the shape that `predict_proba` returns.

        Raises
        ------
        {errors_of_predict}
        """
        network, sequences, z = self._now()._outputs(X, raw=True)
        if network.loss == "logistic":
            z = np.concatenate([-np.logaddexp(0, z), -np.logaddexp(0, -z)], axis=1)
        else:
            with np.errstate(over="ignore"):
                z = z - z.max(axis=1, keepdims=True)
            z -= np.log(np.exp(z).sum(axis=1, keepdims=True))
            z = z.clip(min=np.finfo(z.dtype).min)  # -inf becomes the least float
        return as_carried(z, sequences, network.per_step)

    @floating_point_ignored
    def score(self, X, y, sample_weight=None):
        """Return the accuracy of the predictions.

        Parameters
        ----------
        {parameters_of_score}

        Returns
        -------
        score : float
            Accuracy over all sequences, or with ``mode="many_to_many"`` over all steps.

        Raises
        ------
        {errors_of_score}
        """
        return self._score(X, y, sample_weight)

    # ---- the meaning of y ----

    def _read_y(self, y, sequences, per_step, name, taught=None):
        """Return labels (n_rows,); rows outside the mask `taught` (n_rows,) may hold anything."""
        if per_step:
            labels = pack_steps(y, sequences, name, numeric=False, taught=taught)
            if labels.ndim == 2 and labels.shape[1] != 1:
                raise ValueError(
                    f"`{name}` must have one label per step, got {labels.shape[1]}; convert "
                    f"one-hot labels with [labels.argmax(axis=1) for labels in {name}]."
                )
            with naming(name):
                return column_or_1d(labels, warn=True)
        given, y = y, one_per_sequence(y, sequences, name, as_labels)
        if y.ndim > 2 or (y.ndim == 2 and y.shape[1] != 1):
            raise ValueError(
                f"`{name}` must have one label per sequence with mode='many_to_one', got shape "
                f"{y.shape}. Convert one-hot rows with argmax(axis=1); for several labels per "
                "sequence use sklearn.multioutput.MultiOutputClassifier, for one label per step "
                "mode='many_to_many'."
            )
        with naming(name):
            labels = column_or_1d(y, warn=True)
            natural = isinstance(given, (list, tuple))
            return settled_labels(labels, name, taught, natural=natural)

    def _learn_y(self, labels, weights, taught, going_on, incremental, classes=None):
        """Return codes (n_rows,), the loss and its number of outputs; sets `classes_`.

        Rows that are not taught may have any label, which does not become a class.
        """
        with naming("y"):
            check_classification_targets(labels[taught])
            seen = None if incremental or going_on else np.unique(labels[taught])
        if incremental:
            self._choose_classes(classes, going_on)
        elif not going_on:
            self.classes_ = seen
        codes = self._encode_y(labels)
        unseen = labels[taught][codes[taught] < 0]
        if len(unseen) > 0:
            raise ValueError(
                f"`y` has classes not in `self.classes_`: {np.unique(unseen)} are not "
                f"among {self.classes_}."
            )
        return codes.clip(min=0), *classification_loss(len(self.classes_))

    def _choose_classes(self, classes, going_on):
        """Read the argument `classes` of `partial_fit`."""
        if classes is None:
            if not going_on:
                raise ValueError("classes must be passed on the first call to partial_fit.")
            return
        given, classes = classes, as_labels(classes, arguments.CLASSES)
        if classes.ndim != 1 or len(classes) == 0:
            raise ValueError(f"`classes` must be a list or 1-D array of labels, got {given!r}.")
        with naming(arguments.CLASSES):
            natural = isinstance(given, (list, tuple))
            classes = np.unique(settled_labels(classes, arguments.CLASSES, natural=natural))
        if going_on and not np.array_equal(classes, self.classes_):
            raise ValueError(
                f"`classes` must be those of the first call to partial_fit, {self.classes_}; "
                f"got {classes}."
            )
        self.classes_ = classes

    def _encode_y(self, labels, name="y"):
        """Return the number of each label's class, -1 for a label of no class."""
        classes = self.classes_
        ours, theirs = family(classes.dtype), family(labels.dtype)
        try:
            # NumPy would compare numbers with strings as strings; for objects it raises TypeError.
            if ours != theirs and "objects" not in (ours, theirs):
                raise TypeError(f"got {theirs}")
            if {classes.dtype.kind, labels.dtype.kind} == {"i", "u"}:
                # NumPy would compare both as floats, in which large ones may become equal.
                classes, labels = classes.astype(object), labels.astype(object)
            codes = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
        except TypeError as error:
            raise ValueError(
                f"`{name}` must have labels of the type of `classes_`, {ours} ({classes.dtype}): "
                f"{error}."
            ) from error
        return np.where(classes[codes] == labels, codes, -1).astype(np.int32)

    def _class_factors(self, examples, incremental):
        """Return the weight of each class, and last 1 for unknown labels; None without weights.

        "balanced" counts all taught examples, held out or not. In `fit` only the ratios of the
        class weights count, in `partial_fit` the weights themselves.
        """
        if self.class_weight is None:
            return None
        codes, n_classes = examples.targets, len(self.classes_)
        factors = np.ones(n_classes + 1)
        if isinstance(self.class_weight, str):
            if incremental:
                raise ValueError(
                    "class_weight='balanced' is not supported for partial_fit, which never sees "
                    "all of `y`. Use sklearn.utils.class_weight.compute_class_weight('balanced', "
                    "classes=classes, y=y) on enough of it, and pass the result as a dict."
                )
            weights = np.ones(len(codes)) if examples.weights is None else examples.weights
            per_class = np.bincount(codes, weights, minlength=n_classes)
            seen = np.flatnonzero(per_class > 0)
            factors[seen] = weights.sum() / n_classes / per_class[seen]
        else:
            factors[:-1] = self._read_class_weight()
        if not incremental:  # scale the greatest one to about 1, see `relative`
            _, exponent = np.frexp(factors[:-1].max())
            with np.errstate(over="ignore"):
                factors = np.ldexp(factors, -exponent).clip(max=1e300)
        return factors

    def _read_class_weight(self):
        """Return a factor per class; a class that the dict does not name has 1."""
        given = dict(self.class_weight)
        if not all(map(number(0).test, given.values())):
            raise ValueError(
                f"`class_weight` must have finite weights of at least 0, got {self.class_weight}."
            )
        factors = np.array([given.pop(c, 1.0) for c in self.classes_.tolist()], dtype=np.float64)
        if given and len(self.class_weight) - len(given) < len(self.classes_):
            raise ValueError(
                f"`class_weight` names {sorted(given, key=str)}, which are not among the classes "
                f"{self.classes_}."
            )
        return factors

    def _codes(self, outputs):
        """Return the number of the most probable class for each row of the network's outputs."""
        return outputs[:, 0] > 0.5 if len(self.classes_) == 2 else outputs.argmax(axis=1)

    def _score_rows(self, codes, outputs, weights):
        """Return the accuracy."""
        return float(np.average(self._codes(outputs) == codes, weights=weights))

    def _loss_unit(self, loss):
        return 1.0
