"""Where a request ends: in any pieces the same, and what lies about its length is refused."""

import pytest

from serving.gate.framing import MAX_HEAD, Incoming, RefusedError, Whole

HEAD = b"POST /predict HTTP/1.1\r\nHost: here\r\n"
PLAIN = HEAD + b"Content-Length: 11\r\n\r\nhello world"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nSum: 1\r\n\r\n"


def incoming(*pieces: bytes, most: int = 1000) -> Incoming:
    found = Incoming(most)
    for piece in pieces:
        found.feed(piece)
    return found


@pytest.mark.parametrize("sent", [PLAIN, CHUNKED], ids=["length", "chunks"])
def test_a_request_in_pieces_of_any_size_is_the_same_request(sent: bytes) -> None:
    for size in (1, 2, 7, len(sent)):
        waiting = Incoming(1000)
        found = []
        for start in range(0, len(sent), size):
            waiting.feed(sent[start : start + size])
            found.append(waiting.take())
        assert found[:-1] == [None] * (len(found) - 1), "it was taken before it was whole"
        assert found[-1] == Whole(sent[: sent.index(b"\r\n\r\n") + 4], b"hello world")
        assert len(waiting) == 0


def test_requests_one_behind_the_other_are_told_apart() -> None:
    waiting = incoming(PLAIN + CHUNKED + PLAIN[:-1])
    assert [request and request.body for request in (waiting.take(), waiting.take())] == [b"hello world"] * 2
    assert waiting.take() is None
    waiting.feed(b"d")
    last = waiting.take()
    assert last
    assert last.body == b"hello world"


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        (b"Content-Length: -1", 400),
        (b"Content-Length: +1", 400),
        (b"Content-Length: 1, 1", 400),
        (b"Content-Length: 1\r\nContent-Length: 1", 400),
        (b"Content-Length: 1\r\nTransfer-Encoding: chunked", 400),
        (b"Transfer-Encoding: gzip, chunked", 400),
        (b"Content-Length: 1001", 413),
        (b"Content-Length: " + b"9" * 5000, 413),
        (b"Big: " + b"x" * MAX_HEAD, 431),
    ],
)
def test_an_unclear_or_large_length_is_refused_before_any_body(lines: bytes, status: int) -> None:
    with pytest.raises(RefusedError) as refused:
        incoming(HEAD + lines + b"\r\n\r\n").take()
    assert refused.value.status == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"five\r\nhello\r\n", 400),
        (b"3\r\nhello\r\n", 400),
        (b"-1\r\n", 400),
        (b"5" * 300, 400),
        (b"ffffffff\r\n", 413),
        (b"0\r\n" + b"Trailer: x\r\n" * 4000, 431),
        (b"1\r\nx\r\n" * 1100, 400),
    ],
)
def test_faulty_large_or_tiny_chunks_are_refused(body: bytes, status: int) -> None:
    with pytest.raises(RefusedError) as refused:
        incoming(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + body, most=10_000).take()
    assert refused.value.status == status


def test_a_client_that_waits_to_be_told_is_told_once_and_only_where_its_body_is_welcome() -> None:
    head = HEAD + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    waiting = incoming(head)
    assert waiting.take() is None
    assert waiting.awaits_continue
    waiting.feed(b"he")
    assert not waiting.awaits_continue
    with pytest.raises(RefusedError):
        incoming(head, most=4).take()
