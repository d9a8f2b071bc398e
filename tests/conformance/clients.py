"""The clients people have, each behind one way to call a method.

`call(method, params, body, media, token)` returns (HTTP status, parsed body or None). Google's
client for Python is pointed at the server in both ways it knows, Node's by rootUrl.
"""

import base64
import json
import subprocess
from pathlib import Path

import httplib2
from google.oauth2.credentials import Credentials
from google_auth_httplib2 import AuthorizedHttp
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from googleapiclient.http import HttpRequest, MediaInMemoryUpload
from googleapiclient.model import JsonModel

NODE = Path(__file__).parent / "node"


class PythonClient:
    """google-api-python-client; options: how it is told where the server is."""

    def __init__(self, server, **options):
        self._root = server.http
        self._ca = str(server.data / "tls" / "ca.pem")
        self._options = options
        self._built = {}

    def _build(self, token):
        if token not in self._built:
            # Uploads go to https on the same port when only the endpoint is given.
            http = AuthorizedHttp(Credentials(token), http=httplib2.Http(ca_certs=self._ca))
            self._built[token] = build("gmail", "v1", http=http, **self._options)
        return self._built[token]

    def call(self, method, params, body, media, token):
        *resources, name = method.split(".")
        owner = self._build(token).users()
        for resource in resources:
            owner = getattr(owner, resource)()
        extra = {} if body is None else {"body": body}
        if media is not None:
            extra["media_body"] = MediaInMemoryUpload(media, mimetype="message/rfc822")
        verb = getattr(owner, f"{name}_" if name == "import" else name)
        try:
            request = verb(**params, **extra)
            answer = request.execute()
        except HttpError as error:
            return error.resp.status, json.loads(error.content)
        return (204, None) if answer == "" else (200, answer)

    def batch(self, calls, token):
        """Send (verb, path, body) of each as one batch; return status and [(status, body)]."""
        client = self._build(token)
        found = {}

        def note(number, answer, error):
            found[int(number)] = (
                (error.resp.status, json.loads(error.content))
                if error
                else ((200, answer) if answer else (204, None))
            )

        batch = client.new_batch_http_request(callback=note)
        # With only the endpoint given the library's own document names Google's host for batches.
        batch._batch_uri = f"{self._root}/batch/gmail/v1"
        for number, (verb, path, body) in enumerate(calls):
            batch.add(
                HttpRequest(
                    client._http,
                    JsonModel().response,
                    self._root + path,
                    method=verb,
                    body=None if body is None else json.dumps(body),
                    headers={"content-type": "application/json"},
                ),
                request_id=str(number),
            )
        try:
            batch.execute()
        except HttpError as error:
            return error.resp.status, json.loads(error.content)
        return 200, [found[number] for number in range(len(calls))]

    def close(self):
        for client in self._built.values():
            client.close()


class NodeClient:
    """@googleapis/gmail in a process of its own."""

    def __init__(self, server, node):
        self._process = subprocess.Popen(
            [node, str(NODE / "client.js"), server.http],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def call(self, method, params, body, media, token):
        octets = None if media is None else base64.b64encode(media).decode()
        call = {"method": method, "params": params, "body": body, "media": octets, "token": token}
        return self._ask(call)

    def batch(self, calls, token):
        """Send (verb, path, body) of each as one batch; return status and [(status, body)]."""
        status, answer = self._ask({"batch": calls, "token": token})
        if status != 200:
            return status, answer
        assert [part["number"] for part in answer] == list(range(len(calls)))
        return status, [(part["status"], part["data"]) for part in answer]

    def _ask(self, call):
        self._process.stdin.write(json.dumps(call) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "failed" not in answer, answer["failed"]
        return answer["status"], answer["data"]

    def close(self):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(15)
