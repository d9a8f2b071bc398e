"""What the command line needs for folders of templates: files, and a process that renders."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from penfold.app.process.renderer import ProcessRenderer
from penfold.base.errors import ParseError
from penfold.net.api_client import HttpApiClient
from penfold.ports.api_client import ApiClient
from penfold.ports.rendering import Renderer
from penfold.store.template_folder import load_template_folder, save_template_folder


class TemplateFiles:
    """Implements front.cli.doors.TemplateTools."""

    def load_folder(self, folder: Path) -> dict[str, bytes]:
        return load_template_folder(folder)

    def save_folder(self, folder: Path, files: Mapping[str, bytes]) -> None:
        save_template_folder(folder, files)

    def open_api(self, url: str) -> ApiClient:
        key = os.environ.get("PENFOLD_API_KEY", "")
        if not key:
            raise ParseError(
                "PENFOLD_API_KEY has to have an API key of the server; --help tells which scopes"
            )
        return HttpApiClient(url, key, wait=time.sleep)

    def load_file(self, path: Path, most: int) -> bytes:
        with path.open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise ParseError("the file is too large", file=str(path), octets=most)
        return data

    @contextmanager
    def open_renderer(self) -> Iterator[Renderer]:
        renderer = ProcessRenderer(1)
        try:
            yield renderer
        finally:
            renderer.close()
