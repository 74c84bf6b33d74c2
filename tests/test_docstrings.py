"""Every public docstring passes the validation of numpydoc and says the defaults of the signature.

Needs numpydoc, which comes with the extra `docs`.
"""

import ast
import builtins
import inspect
import re
import warnings

import pytest
from public_names import MEMBERS, PUBLIC

from sklearn_rnn._estimators.groups import HEADING

docscrape = pytest.importorskip("numpydoc.docscrape")
numpydoc = pytest.importorskip("numpydoc.validate")

NOT_CHECKED = {
    "ES01",  # no extended summary: that of many functions would repeat the first line
    "RT02",  # a single returned value has a name: ours have one, as in scikit-learn
}
# Examples and siblings are on the page of the class, not in each of its methods.
NOT_CHECKED_IN_MEMBERS = {*NOT_CHECKED, "EX01", "SA01"}
GROUP = re.compile(rf"^ *{HEADING.pattern}\n(\.\.\n)?", flags=re.MULTILINE)
DEFAULT = re.compile(r"default=(.+)$")
LITERAL = re.compile("``.*?``", flags=re.DOTALL)
NAME = re.compile(r"[A-Za-z][\w.]*")


class Validator(numpydoc.Validator):
    """The validator of numpydoc, for grouped parameters, results and methods of classes."""

    def __init__(self, obj_name):
        thing = PUBLIC.get(obj_name) or MEMBERS[obj_name]
        doc, self.is_grouped = inspect.getdoc(thing) or "", False
        if isinstance(thing, type):
            doc, n_groups = GROUP.subn("", doc)
            self.is_grouped = n_groups > 0
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what numpydoc cannot read
            super().__init__(docscrape.get_doc_object(thing, doc=doc))

    @property
    def is_function_or_method(self):
        return inspect.isroutine(self.obj)

    @property
    def doc_all_parameters(self):
        """The parameters; of a class that only our functions make, its attributes."""
        return super().doc_all_parameters or self._doc_parameters(["Attributes"])

    @property
    def parameter_mismatches(self):
        """Grouped parameters are not in the order of the signature."""
        errors = super().parameter_mismatches
        return [each for each in errors if not (self.is_grouped and each[0] == "PR03")]


def errors_of(name):
    """Return what is wrong with a docstring, as a list of texts."""
    left_out = NOT_CHECKED if name in PUBLIC else NOT_CHECKED_IN_MEMBERS
    errors = numpydoc.validate(name, Validator)["errors"]
    return [f"{name}: {code} {text}" for code, text in errors if code not in left_out]


def is_attribute(name):
    """Whether a property has no docstring, but is documented with the attributes of its class."""
    cls, _, member = name.rpartition(".")
    if not isinstance(MEMBERS.get(name), property) or MEMBERS[name].__doc__:
        return False
    doc = Validator(cls)._doc_parameters(["Attributes", "Parameters"])
    return member in doc


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_are_valid(name):
    members = [each for each in MEMBERS if each.startswith(f"{name}.") and not is_attribute(each)]
    errors = [error for each in (name, *members) for error in errors_of(each)]
    assert not errors, "\n".join(errors)


@pytest.mark.parametrize("name", PUBLIC)
def test_single_backquotes_are_around_names(name):
    for each in (name, *(member for member in MEMBERS if member.startswith(f"{name}."))):
        doc = LITERAL.sub("", (PUBLIC.get(each) or MEMBERS[each]).__doc__ or "")
        assert all(map(NAME.fullmatch, re.findall("`([^`]+)`", doc))), each


def says_default(text, default):
    """Whether the type of a parameter ends with its default; "None" alone is one, too."""
    match = DEFAULT.search(text)
    if match is None:
        return text == "None" and default is None
    try:
        return ast.literal_eval(match[1]) == default
    except (SyntaxError, ValueError):
        return match[1] == repr(default)


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_say_the_defaults(name):
    methods = [each for each in MEMBERS if each.startswith(f"{name}.") and callable(MEMBERS[each])]
    for each in (name, *methods):
        documented = Validator(each).doc_parameters
        for p in inspect.signature(PUBLIC.get(each) or MEMBERS[each]).parameters.values():
            if p.default is not p.empty and documented:
                text = documented[p.name][0]
                assert says_default(text, p.default), f"{each}: {p.name} : {text} ({p.default!r})"


def test_tools_that_read_docstrings_see_every_parameter():
    for cls in (each for each in PUBLIC.values() if isinstance(each, type)):
        names = {n for p in docscrape.ClassDoc(cls)["Parameters"] for n in p.name.split(", ")}
        assert not names or {*inspect.signature(cls).parameters} <= names, cls


def raised_in(function):
    """Return the names of the classes that the body of a function itself raises."""
    source = inspect.getsource(function)
    tree = ast.parse(f"class Any:\n{source}" if source[0] == " " else source)
    raised = [each.exc for each in ast.walk(tree) if isinstance(each, ast.Raise)]
    return {each.func.id for each in raised if isinstance(each, ast.Call)} & {*dir(builtins)}


@pytest.mark.parametrize("name", PUBLIC)
def test_docstrings_say_what_is_raised(name):
    for each in (name, *(member for member in MEMBERS if member.startswith(f"{name}."))):
        thing = inspect.unwrap(PUBLIC.get(each) or MEMBERS[each])
        if inspect.isfunction(thing):
            entries = Validator(each).doc["Raises"]
            documented = {error for entry in entries for error in entry.type.split(", ")}
            assert raised_in(thing) <= documented, each
