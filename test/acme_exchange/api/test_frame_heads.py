import asyncio

import pytest
from aiohttp._websocket.reader import WebSocketDataQueue, WebSocketReader
from aiohttp.base_protocol import BaseProtocol

from acme_exchange.api.frame_heads import text_frames


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
async def test_a_reader_finds_each_text_again(length: int):
    loop = asyncio.get_running_loop()
    queue = WebSocketDataQueue(BaseProtocol(loop), 1 << 20, loop=loop)
    reader = WebSocketReader(queue, max_msg_size=1 << 20)
    texts = [b"a" * length, b"{}", b"b" * length]
    reader.feed_data(text_frames(texts))
    assert [(await queue.read()).data for _ in texts] == [text.decode() for text in texts]
