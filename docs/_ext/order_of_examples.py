"""The order of the examples in the gallery: the first to read comes first."""

FIRST = ("quickstart", "sensors", "forecast", "sentiment", "tagging", "spelling", "names")


class Order:
    """A key to sort file names by: those of FIRST, then all others by name."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, file):
        name = file.removesuffix(".py")
        return (FIRST.index(name) if name in FIRST else len(FIRST), name)

    def __repr__(self):
        return "Order()"  # Sphinx compares settings by this
