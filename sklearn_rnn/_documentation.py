"""Links from the HTML representation of an estimator to its page of the documentation."""

import os
import pkgutil
from functools import cache
from importlib import import_module

from sklearn.base import BaseEstimator

from ._parameter_names import SuggestsParameters

PACKAGE = __name__.partition(".")[0]
# Where the pages are published. Empty: nowhere, and there are no links. Those who publish the
# pages themselves, for example within a company, set the environment variable.
URL = os.environ.get("SKLEARN_RNN_DOCUMENTATION", "")


@cache
def public_module_of(name):
    """Return the name of the public module that users import the class of this name from."""
    package = import_module(PACKAGE)
    names = [module.name for module in pkgutil.iter_modules(package.__path__)]
    for module in [PACKAGE, *(f"{PACKAGE}.{n}" for n in names if not n.startswith("_"))]:
        if name in import_module(module).__all__:
            return module
    return None


class Documented(SuggestsParameters, BaseEstimator):
    """A base of the public estimators: their HTML representation links to their pages."""

    @property
    def _doc_link_module(self):
        """The root module whose classes have links; scikit-learn compares it with their own."""
        is_public = URL and public_module_of(type(self).__name__)
        return PACKAGE if is_public else ""

    @property
    def _doc_link_template(self):
        return f"{URL.rstrip('/')}/api/generated/{{module}}.{{name}}.html"

    def _doc_link_url_param_generator(self, _=None):
        name = type(self).__name__
        return {"module": public_module_of(name), "name": name}
