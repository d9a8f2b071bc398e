"""Names of topics and subscriptions, and the two ways to name a project.

A project has a number and an id made from it (base.ids.project_id); both are taken, and
the id is what records and answers have. Google: documented, the form of names.
"""

import re
from typing import Final

from penfold.base.ids import project_id
from penfold.base.limits import PUBSUB_LABEL_MAX, PUBSUB_LABELS_MAX, PUBSUB_NAME_MAX
from penfold.spec.problems import ProblemError
from penfold.spec.pubsub import INVALID_ARGUMENT

TOPICS: Final = "topics"
SUBSCRIPTIONS: Final = "subscriptions"

_NAME: Final = re.compile(r"projects/([^/]+)/(topics|subscriptions)/([^/]+)")
_PROJECT: Final = re.compile(r"[a-z][a-z0-9-]{1,61}[a-z0-9]|[0-9]{1,20}")
_ID: Final = re.compile(r"(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,}")


def check_name(text: str, kind: str) -> str:
    """Return a full name of this kind in its one spelling, or raise 400."""
    match = _NAME.fullmatch(text)
    if not match or match[2] != kind:
        raise _invalid(text, kind)
    return make_name(match[1], kind, match[3])


def make_name(project: str, kind: str, name_id: str) -> str:
    """Return the full name; 400 when a part of it is not allowed."""
    if len(name_id) > PUBSUB_NAME_MAX or not _ID.fullmatch(name_id):
        raise _invalid(f"projects/{project}/{kind}/{name_id}", kind)
    return f"projects/{check_project(project)}/{kind}/{name_id}"


def check_project(text: str) -> str:
    """Return the id of a project named by id or number."""
    if not _PROJECT.fullmatch(text):
        raise ProblemError(INVALID_ARGUMENT, what=f"Invalid project name: {text[:80]}")
    return project_id(text) if text.isdigit() else text


def check_labels(labels: dict[str, str]) -> dict[str, str]:
    """Return labels that are few and short enough."""
    if len(labels) > PUBSUB_LABELS_MAX or any(
        max(len(key), len(value)) > PUBSUB_LABEL_MAX for key, value in labels.items()
    ):
        raise ProblemError(INVALID_ARGUMENT, what="The labels are too many or too long.")
    return labels


def short_name(name: str) -> str:
    """Return the last part of a name, which error texts show."""
    return name.rpartition("/")[2]


def _invalid(text: str, kind: str) -> ProblemError:
    what = f"Invalid [{kind}] name: (name={text[: PUBSUB_NAME_MAX + 100]})"
    return ProblemError(INVALID_ARGUMENT, what=what)
