"""Puts measured figures into a section of a document, so that nobody copies them by hand."""


def replace_section(path, heading, text):
    """What stands between the line `heading` and the next heading of that level becomes `text`."""
    with open(path) as file:
        before, found, rest = file.read().partition(f"\n{heading}\n")
    if not found:
        raise ValueError(f"{path} has no line {heading!r}")
    level = heading.split()[0]
    _, next_heading, after = rest.partition(f"\n{level} ")
    with open(path, "w") as file:
        file.write(f"{before}\n{heading}\n{text.strip()}\n{next_heading}{after}")
