"""Import of optional libraries, only when the caller asks for one of their objects."""

import importlib


def library(name, must_have=None):
    """Import a library, or raise an ImportError that says what to install.

    must_have: an attribute that tells the library from another module of its name.
    """
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{name} is needed for this conversion and is not installed: pip install {name}."
        ) from error
    if must_have is not None and not hasattr(module, must_have):
        raise ImportError(
            f"{name} is needed for this conversion, but another module of this name is imported "
            f"instead ({getattr(module, '__file__', None)}): rename that one."
        )
    return module
