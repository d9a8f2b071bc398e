"""A bare ASGI app on the same server: answers every request with the octets of one file."""

import asyncio
import socket
import sys
from pathlib import Path

import uvicorn


def main(body_file: str, descriptor: str) -> None:
    body = Path(body_file).read_bytes()
    headers = [
        (b"content-type", b"application/json; charset=UTF-8"),
        (b"content-length", str(len(body)).encode()),
    ]
    start = {"type": "http.response.start", "status": 200, "headers": headers}
    end = {"type": "http.response.body", "body": body}

    async def app(_scope, _receive, send) -> None:
        await send(start)
        await send(end)

    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", lifespan="off", access_log=False, log_level="error"
    )
    listener = socket.socket(fileno=int(descriptor))
    asyncio.set_event_loop_policy(None)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
