"""Import of optional libraries, only when the caller asks for one of their objects."""

import importlib


def library(name):
    """Import a library, or raise an ImportError that says what to install."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{name} is needed for this conversion and is not installed: pip install {name}."
        ) from error
