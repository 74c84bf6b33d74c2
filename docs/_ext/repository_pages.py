"""Pages of the site that are Markdown files elsewhere in the repository, and links to them.

Links between Markdown files are relative, so that they work on a code host. On the site, files
outside of docs/ have other places: PAGES names those of single files, and all tables of benchmarks
go to one folder. Before a build, the files are copied to these places, which Git ignores.
"""

import os
import re
from pathlib import Path, PurePosixPath

from parts_of_files import with_parts, with_pictures_of_theme

ROOT = Path(__file__).parents[2]
DOCS = "docs"
PAGES = {
    "CHANGELOG.md": "docs/project/changes.md",
    "CONTRIBUTING.md": "docs/project/contributing.md",
    "SECURITY.md": "docs/project/security.md",
    "README.md": "docs/index.md",
    "benchmarks/README.md": "docs/benchmarks/how.md",
    "benchmarks/results": "docs/benchmarks/index.md",
    "docs/": "docs/index.md",
    "examples": "docs/examples/index.rst",
}
NOT_COPIED = ("README.md",)
RESULTS = "benchmarks/results"
COPIES = [page for name, page in PAGES.items() if name.endswith(".md") and name not in NOT_COPIED]
LINK = re.compile(r"(\]\()([^()\s:#]+)((?:#[^()\s]*)?\))")
TABLE = re.compile(r"(?<=\n\n)(?=\|)")
END_OF_CODE = re.compile(r"\n\n```$", flags=re.MULTILINE)  # doctests end with an empty line


def page_of(path):
    """Return the place on the site of a file of the repository, or None; both from the root."""
    if path in PAGES:
        return PAGES[path]
    if path.startswith(f"{RESULTS}/"):
        return f"docs/{path}"
    if path.startswith("examples/") and path.endswith(".py"):
        return f"docs/{path.removesuffix('.py')}.rst"
    return path if path.startswith(f"{DOCS}/") else None


def with_links_of_site(text, source, page=None):
    """Return the text of the file `source` of the repository with links for a page of the site.

    None means its own page.
    """
    folder = PurePosixPath(page or page_of(source)).parent

    def link(match):
        target = os.path.normpath(PurePosixPath(source).parent / match[2])
        place = page_of(target)
        if place is None or not (ROOT / target).exists():
            return match[0]  # Sphinx warns
        return f"{match[1]}{os.path.relpath(place, folder)}{match[3]}"

    return LINK.sub(link, text)


def copy_pages(app, config):
    """Copy pages of the repository, and pictures, to their places; write what has changed."""
    sources = [name for name, page in PAGES.items() if page in COPIES]
    results = sorted((ROOT / RESULTS).glob("*.md")) + sorted((ROOT / RESULTS).glob("*.png"))
    sources += [str(path.relative_to(ROOT)) for path in results]
    for source in sources:
        content = (ROOT / source).read_bytes()
        if source.endswith(".md"):
            text = with_links_of_site(content.decode(), source)
            if source.startswith(f"{RESULTS}/"):
                text = TABLE.sub("{.figures}\n", text)  # a class for pages.css
            content = text.encode()
        page = ROOT / page_of(source)
        if not page.exists() or page.read_bytes() != content:
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_bytes(content)


def change_links(app, docname, source):
    """Change the links of a page that lies in docs/, and insert the parts that it names."""
    path = f"{DOCS}/{docname}.md"
    if not (ROOT / path).exists() or path in COPIES or f"/{RESULTS}/" in path:
        return

    def part(text, file):
        return with_links_of_site(text, file, path)

    text = with_parts(with_links_of_site(source[0], path), part)
    text = with_pictures_of_theme(text, DOCS)
    source[0] = END_OF_CODE.sub("\n```", text)


def setup(app):
    app.connect("config-inited", copy_pages)
    app.connect("source-read", change_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
