"""Shapes that many cases have."""

from cache_exchange import Case

__all__ = ["fresh", "stale", "status"]


def fresh(section: str, name: str, fields: str, later: float = 30, **settings: object) -> Case:
    """Return the case of an answer with these fields that is given again `later`."""
    return Case(section, name, f'> GET /a\n< 200 | {fields}\n= 200\n+ {later}\n> GET /a\n= 200 | "answer 1"', settings)


def stale(section: str, name: str, fields: str, later: float = 30, **settings: object) -> Case:
    """Return the case of an answer with these fields that is asked for again `later`."""
    text = f'> GET /a\n< 200 | {fields}\n= 200\n+ {later}\n> GET /a\n< 200\n= 200 | "answer 2"'
    return Case(section, name, text, settings)


def status(code: int, kept: bool, fields: str = "Cache-Control: max-age=60", **settings: object) -> Case:
    """Return the case of a status that is given again, or not."""
    section = "9111 3"
    said = "nothing said" if fields == "X: y" else fields.partition(":")[0].lower()
    given = "".join(f" and {key} {value}" for key, value in settings.items())
    name = f"{code} {'is' if kept else 'is not'} kept with {said}{given}"
    text = f"> GET /a\n< {code} | {fields}\n= {code}\n+ 5\n> GET /a\n"
    text += f'= {code} | "answer 1"' if kept else '< 200\n= 200 | "answer 2"'
    return Case(section, name, text.replace(' | "answer 1"', "") if code == 204 else text, settings)
