"""The derived document against Google's, as google-api-python-client ships it."""

import json
import re
from pathlib import Path

import googleapiclient
import pytest
from googleapiclient.discovery import build
from googleapiclient.http import HttpMockSequence

from penfold.spec.comparison import compare_documents, iter_differences
from penfold.spec.descriptions import MEMBERS, PARAMETERS, SCHEMAS, SYSTEM
from penfold.spec.differences import DIFFERENCES
from penfold.spec.directory import make_directory, make_oauth2_document
from penfold.spec.discovery import REVISION, list_schemas, make_document
from penfold.spec.members import list_members
from penfold.spec.registry import REGISTRY

DOCUMENTS = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
ROOT = "http://mail.example:8025/"


def google(name):
    return json.loads((DOCUMENTS / name).read_text())


def as_pattern(path):
    return re.compile(re.escape(path).replace(r"\*\*", ".*"))


def all_differences(ours, theirs):
    """Return the JSON pointer of everything that differs."""
    return ["/" + "/".join(path) for _, path, _, _ in iter_differences(ours, theirs)]


def test_document_equals_googles_but_for_the_listed_differences():
    theirs = google("gmail.v1.json")
    gaps = compare_documents(make_document(ROOT), theirs)
    assert [str(gap) for gap in gaps] == [], (
        f"Google's client in the lock carries revision {theirs['revision']}, ours is {REVISION}: "
        "serve what is new, or list it in spec/differences.py with a reason"
    )
    assert theirs["revision"] >= REVISION


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda d: d.path)
def test_listed_difference_still_exists(difference):
    found = all_differences(make_document(ROOT), google("gmail.v1.json"))
    assert any(as_pattern(difference.path).fullmatch(path) for path in found)
    assert difference.reason.endswith(".")


def test_everything_is_described_and_no_description_is_left_over():
    members = {
        (schema.__name__, member.name)
        for schema in list_schemas()
        for member in list_members(schema)
    }
    own = {tuple(key.split(".")) for key in SCHEMAS if "." in key}
    assert own <= members
    assert {key for key in SCHEMAS if "." not in key} == {s.__name__ for s in list_schemas()}
    assert {name for schema, name in members if (schema, name) not in own} == set(MEMBERS)
    parameters = {member.name for method in REGISTRY for member in list_members(method.params)}
    assert parameters == set(PARAMETERS)
    assert set(make_document(ROOT)["parameters"]) == set(SYSTEM)


def test_googles_client_builds_from_it_and_asks_our_address():
    document = json.dumps(make_document(ROOT))
    http = HttpMockSequence([({"status": "200"}, document), ({"status": "200"}, '{"id": "1"}')])
    gmail = build(
        "gmail",
        "v1",
        http=http,
        discoveryServiceUrl=ROOT + "$discovery/rest?version=v1",
        static_discovery=False,
    )
    asked = gmail.users().messages().get(userId="me", id="1", metadataHeaders=["To", "Cc"])
    assert asked.uri == (
        f"{ROOT}gmail/v1/users/me/messages/1?metadataHeaders=To&metadataHeaders=Cc&alt=json"
    )
    assert asked.execute() == {"id": "1"}
    assert gmail.new_batch_http_request()._batch_uri == ROOT + "batch"


def test_directory_lists_both_apis_at_our_address():
    items = make_directory(ROOT)["items"]
    assert [item["id"] for item in items] == ["gmail:v1", "oauth2:v2"]
    assert items[0]["discoveryRestUrl"] == ROOT + "discovery/v1/apis/gmail/v1/rest"


def test_googles_client_builds_oauth2_from_our_document():
    http = HttpMockSequence([({"status": "200"}, json.dumps(make_oauth2_document(ROOT)))])
    oauth2 = build("oauth2", "v2", http=http, discoveryServiceUrl=ROOT, static_discovery=False)
    assert oauth2.userinfo().get().uri.startswith(ROOT + "oauth2/v2/userinfo")
    assert oauth2.tokeninfo(access_token="t").uri.startswith(ROOT + "oauth2/v2/tokeninfo")


def test_oauth2_document_has_googles_addresses_and_schemas():
    ours, theirs = make_oauth2_document(ROOT), google("oauth2.v2.json")
    ignored = as_pattern("**/description"), as_pattern("/schemas/**/annotations")
    found = [
        path
        for part in ("schemas", "resources", "auth")
        for path in all_differences({part: ours[part]}, {part: theirs[part]})
        if not any(pattern.fullmatch(path) for pattern in ignored)
    ]
    assert found == []
