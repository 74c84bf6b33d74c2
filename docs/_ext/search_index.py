"""Keep the links to downloads at the end of each example out of the search index.

Otherwise a search for "notebook" finds every example.
"""

from docutils import nodes

FOOTER = "sphx-glr-footer"


def skip_footers(app, doctree):
    for container in doctree.findall(nodes.container):
        if FOOTER in container["classes"]:
            container["classes"].append("no-search")


def setup(app):
    app.connect("doctree-read", skip_footers)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
