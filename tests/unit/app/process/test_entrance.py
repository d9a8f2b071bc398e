"""An application that is made by its first request."""

import asyncio

from penfold.app.process.entrance import LateApp


def test_it_is_made_once_however_many_ask_at_first():
    made = []

    def make():
        async def app(scope, receive, send):
            await send(scope)

        made.append(app)
        return app

    async def live():
        late, sent = LateApp(make), []

        async def send(message):
            sent.append(message)

        assert made == []
        await asyncio.gather(*(late({"n": n}, None, send) for n in range(5)))
        await late({"n": 5}, None, send)
        return sent

    assert len(asyncio.run(live())) == 6
    assert len(made) == 1
