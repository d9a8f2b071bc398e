"""The declaration of one API method: everything about it that is data.

Routing, parameter and body checks, scope check, quota charge, metrics, access log, discovery
document, consent text and the coverage table are derived from it. It refuses nothing itself;
tests/meta/test_registry.py holds the rules every declaration must keep.
"""

import re
from dataclasses import dataclass
from enum import Enum, unique
from typing import Annotated, Final

from msgspec import Meta, Struct

from penfold.base.limits import INSERT_MAX_BYTES, SEND_MAX_BYTES
from penfold.spec.problems import Problem
from penfold.spec.schemas import Wire
from penfold.spec.scopes import Scope

USER: Final = "gmail/v1/users/{userId}"

#: Query parameter types beyond str, bool, Literal and tuple[str, ...].
UInt32Param = Annotated[int, Meta(extra_json_schema={"type": "integer", "format": "uint32"})]
Int32Param = Annotated[int, Meta(extra_json_schema={"type": "integer", "format": "int32"})]
#: A decimal string on the wire, as every 64-bit integer of proto3 JSON.
UInt64Param = Annotated[int, Meta(extra_json_schema={"type": "string", "format": "uint64"})]


class Params(Struct, rename="camel", frozen=True, kw_only=True, gc=False):
    """Checked parameters of a call. Members named in the path come from it, others from the query.

    user_id is as the client wrote it; whose mailbox is meant is `call.account`.
    """

    user_id: str = "me"

    def is_steady(self) -> bool:
        """Whether the answer depends on the mailbox alone: not on the time, not on settings."""
        return True


class IdParams(Params, frozen=True, kw_only=True, gc=False):
    """Parameters of a method on one thing; id is not checked for syntax yet."""

    id: str


@unique
class Access(Enum):
    """What a handler gets as its box, and where it runs."""

    READ = "read"  # a reader, inline on the event loop: bounded point reads
    READ_SLOW = "read_slow"  # a reader in a worker thread: unbounded, or stores elsewhere
    WRITE = "write"  # a writer inside the group commit


@dataclass(frozen=True, slots=True)
class Cost:
    """Quota units of one call: in the table in force since 2026-05-01, and in the one before."""

    since_2026: int
    before_2026: int


@dataclass(frozen=True, slots=True)
class Media:
    """The method also takes the message as an upload of up to max_bytes octets."""

    max_bytes: int
    accept: tuple[str, ...] = ("message/*",)


#: Drafts and sending, insert and import.
SEND_MEDIA: Final = Media(SEND_MAX_BYTES)
INSERT_MEDIA: Final = Media(INSERT_MAX_BYTES)


@dataclass(frozen=True, slots=True)
class Limit:
    """What a token with a metadata scope may not do, even when it holds wider scopes.

    allowed empty: the parameter may not be given at all, not even empty. Otherwise its value
    (or default) must be one of allowed. Gmail (observed): the narrower scope wins.
    """

    parameter: str
    problem: Problem
    allowed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Method:
    """One method of the API.

    scopes: any one is enough. request, response: body types; without a response the answer is
    204. requires: members of the request that Google's document marks as required, which is an
    annotation only: what is really needed is the handler's. errors: what its handler may raise,
    beyond what the pipeline answers for every method. sends: the answer waits until outgoing
    mail is handed over. service_account_only: ordinary users get 403. since: the release that
    first served it, None while it answers 501.
    """

    id: str
    verb: str
    path: str
    params: type[Params]
    scopes: frozenset[Scope]
    cost: Cost
    access: Access
    summary: str
    request: type[Wire] | None = None
    response: type[Wire] | None = None
    requires: tuple[str, ...] = ()
    errors: frozenset[Problem] = frozenset()
    media: Media | None = None
    metadata_limit: Limit | None = None
    sends: bool = False
    service_account_only: bool = False
    since: str | None = None

    @property
    def handler(self) -> str:
        """The name the serving function must carry: the last two parts, in snake case."""
        return snake_case("_".join(self.id.split(".")[-2:]))

    @property
    def resource(self) -> tuple[str, ...]:
        """The resources the method hangs under in the discovery document."""
        return tuple(self.id.split(".")[1:-1])

    @property
    def name(self) -> str:
        return self.id.rpartition(".")[2]

    @property
    def rpc(self) -> str:
        """The name of the method behind the address, as it appears in error details.

        Gmail: GetProfile, ListMessages, CreateDraft observed; the others follow the pattern.
        """
        verb = self.name[0].upper() + self.name[1:]
        resource = self.id.split(".")[-2]
        if resource in ("users", "settings"):
            return verb
        many = self.name == "list" or self.name.startswith("batch")
        return verb + (resource[0].upper() + resource[1:] if many else _singular(resource))

    @property
    def serves_delegates(self) -> bool:
        """Whether a delegate may call it for another: mail, never settings or notifications."""
        return "settings" not in self.resource and self.name not in ("watch", "stop")

    @property
    def path_names(self) -> tuple[str, ...]:
        """Wire names of the parameters in the path, in order."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))

    @property
    def pages(self) -> bool:
        """Whether answers come in pages."""
        return "page_token" in self.params.__struct_fields__

    @property
    def upload_path(self) -> str | None:
        return f"upload/{self.path}" if self.media else None

    @property
    def resumable_path(self) -> str | None:
        return f"resumable/upload/{self.path}" if self.media else None


def _singular(resource: str) -> str:
    """Return Message for messages, Identity for identities."""
    noun = resource[0].upper() + resource[1:]
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    if noun.endswith("sses"):
        return noun[:-2]
    return noun[:-1] if noun.endswith("s") and not noun.endswith("As") else noun


def snake_case(name: str) -> str:
    """Return batch_modify for batchModify."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
