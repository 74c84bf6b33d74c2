"""Parts of other Markdown files in a page, so that nothing is written twice.

A comment <!-- part: FILE: HEADING --> stands for the text below this heading of another file of the
repository, for example a table of results. A code host shows nothing there.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PART = re.compile(r"^<!-- part: (\S+): (.+) -->$", flags=re.MULTILINE)
HEADING = re.compile(r"^(#+) (.+)$", flags=re.MULTILINE)
CODE = re.compile(r"```.*?```", flags=re.DOTALL)
PICTURE = re.compile(
    r'<p><picture><source[^>]*\ssrcset="([^"]+)"[^>]*>'
    r'<img[^>]*\ssrc="([^"]+)"[^>]*\salt="([^"]+)"[^>]*></picture></p>'
)
TWO_PICTURES = """```{{image}} /{2}
:class: only-light
:alt: {0}
```

```{{image}} /{1}
:class: only-dark
:alt: {0}
```"""


def part_of(text, heading):
    """Return what stands below a heading, up to the next heading of its level or above."""
    without_code = CODE.sub(lambda code: " " * len(code[0]), text)  # its comments are no headings
    headings = list(HEADING.finditer(without_code))
    place = [each[2] for each in headings].index(heading)
    ends = [
        each.start() for each in headings[place + 1 :] if len(each[1]) <= len(headings[place][1])
    ]
    return text[headings[place].end() : min([*ends, len(text)])].strip()


def with_parts(text, change):
    """Return a text with the parts that it names; `change(part, file)` makes their links fit."""
    return PART.sub(
        lambda match: change(part_of((ROOT / match[1]).read_text(), match[2]), match[1]), text
    )


def with_pictures_of_theme(text, folder):
    """Return a text whose pictures, light and dark, follow the theme of the site.

    Sphinx finds the pictures from `folder`, the one of the pages.
    """

    def both(match):
        dark, light, alt = match.groups()
        return TWO_PICTURES.format(alt, *(p.removeprefix(f"{folder}/") for p in (dark, light)))

    return PICTURE.sub(both, text)
