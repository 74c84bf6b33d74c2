"""Sequences in every carrier that an estimator takes."""

import numpy as np


def object_array(items):
    result = np.empty(len(items), dtype=object)
    for i, item in enumerate(items):
        result[i] = item
    return result


CARRIERS = {"list": list, "tuple": tuple, "object array": object_array}
