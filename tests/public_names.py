"""The public names of the package, and the methods and properties of its classes."""

import inspect
import pkgutil
from importlib import import_module

import sklearn_rnn

PACKAGE = "sklearn_rnn"


def public_names():
    """Yield (name, object) of the public functions and classes, each once."""
    modules = [f"{PACKAGE}.{module.name}" for module in pkgutil.iter_modules(sklearn_rnn.__path__)]
    seen = set()
    for module in [PACKAGE, *(name for name in modules if "._" not in name)]:
        module = import_module(module)
        for name in module.__all__:
            thing = getattr(module, name)
            if callable(thing) and thing not in seen:
                seen.add(thing)
                yield f"{module.__name__}.{name}", thing


def members_of(cls):
    """Yield (name, method or property) of a class, without those that scikit-learn documents."""
    for name in dir(cls):
        thing = inspect.getattr_static(cls, name)
        thing = thing if isinstance(thing, property) else getattr(cls, name)
        is_ours = callable(code_of(thing)) and module_of(thing).startswith(PACKAGE)
        if is_ours and not name.startswith("_"):
            yield name, thing


def code_of(thing):
    """Return the function of a property, or the thing itself."""
    return thing.fget if isinstance(thing, property) else thing


def module_of(thing):
    """Return the name of the module in which something is defined."""
    return getattr(inspect.unwrap(code_of(thing)), "__module__", None) or ""


def own_members(classes):
    """Return a dict of the members of classes, those that classes inherit from others once."""
    members = {}
    for name, cls in classes.items():
        for member, thing in members_of(cls):
            key = id(inspect.unwrap(code_of(thing))), thing.__doc__
            members.setdefault(key, (f"{name}.{member}", thing))
    return dict(members.values())


PUBLIC = dict(public_names())
MEMBERS = own_members({name: cls for name, cls in PUBLIC.items() if isinstance(cls, type)})
