"""Public names in the code of Markdown pages and in docstrings link to their pages.

In docstrings, Sphinx itself links names of the same module, and those with the name of theirs.
"""

import importlib
import pkgutil
import re

from docutils import nodes
from sphinx import addnodes
from sphinx.transforms import SphinxTransform

import sklearn_rnn

# Pages mean scikit-learn's by these names, unless they name the module, too.
OF_SCIKIT_LEARN = ("permutation_importance",)
NO_LINKS = (nodes.reference, addnodes.pending_xref, nodes.title)
CALL = re.compile(r"\(.*\)$", flags=re.DOTALL)  # a call links as the name alone does


def public_names():
    """Return a dict from public names, with and without their modules, to full names."""
    modules = [f"sklearn_rnn.{m.name}" for m in pkgutil.iter_modules(sklearn_rnn.__path__)]
    modules = ["sklearn_rnn", *(name for name in modules if "._" not in name)]
    full = {module: module for module in modules}
    for module in modules:
        for name in importlib.import_module(module).__all__:
            full[f"{module}.{name}"] = f"{module}.{name}"
            full.setdefault(name, f"{module}.{name}")
    return {name: target for name, target in full.items() if name not in OF_SCIKIT_LEARN}


def parents_of(node):
    """Return all nodes around a node, from the nearest on."""
    parents = []
    while node.parent is not None:
        node = node.parent
        parents.append(node)
    return parents


class LinkNames(SphinxTransform):
    """Link the first occurrence of each public name in each section."""

    default_priority = 700
    names = public_names()

    def apply(self, **kwargs):
        if not str(self.document["source"]).endswith(".md"):
            return
        seen = set()
        for literal in list(self.document.findall(nodes.literal)):
            full, parents = self.names.get(CALL.sub("", literal.astext())), parents_of(literal)
            if full is None or any(isinstance(parent, NO_LINKS) for parent in parents):
                continue
            section = next((id(p) for p in parents if isinstance(p, nodes.section)), None)
            if (section, full) not in seen:
                seen.add((section, full))
                link = addnodes.pending_xref(
                    "", refdomain="py", reftype="obj", reftarget=full, refwarn=False
                )
                literal.replace_self(link)
                link += literal


def link_to_other_module(app, env, node, contnode):
    """Link a name that Sphinx has not found, alone or before a method, to its module."""
    name, dot, method = node["reftarget"].partition(".")
    full = LinkNames.names.get(name)
    if node["refdomain"] != "py" or node["reftype"] != "obj" or full is None or full == name:
        return None
    target = f"{full}{dot}{method}"
    python = env.domains["py"]
    return python.resolve_xref(env, node["refdoc"], app.builder, "obj", target, node, contnode)


def setup(app):
    app.add_transform(LinkNames)
    app.connect("missing-reference", link_to_other_module)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
