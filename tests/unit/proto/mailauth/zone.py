"""A DNS of a few names, which notes what it was asked."""

from penfold.proto.dns import Answer, Exchange, Status

#: Longer chains of aliases are loops.
ALIASES_MAX = 10


class Zone:
    """names: by name and kind the records; MX as [preference, host], TXT as text of octets.

    "TIMEOUT" among the kinds: nobody can say what other kinds there are.
    """

    def __init__(self, names):
        self.names = {name.lower(): kinds for name, kinds in names.items()}
        self.asked = []

    def __call__(self, question):
        self.asked.append(question)
        return self.answer(question.name, question.kind, ALIASES_MAX)

    def answer(self, name, kind, aliases):
        kinds = self.names.get(name.lower())
        if kinds is None:
            return Answer(Status.ABSENT)
        if kind in kinds:
            return Answer(Status.FOUND, tuple(read(kind, record) for record in kinds[kind]))
        if "CNAME" in kinds and aliases:
            return self.answer(kinds["CNAME"][0], kind, aliases - 1)
        failed = "TIMEOUT" in kinds or "CNAME" in kinds
        return Answer(Status.FAILED if failed else Status.NOTHING)


def read(kind, record):
    if kind == "MX":
        preference, host = record
        return Exchange(preference, host)
    return record.encode("latin-1") if kind == "TXT" else record
