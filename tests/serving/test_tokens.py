"""Tokens: who brings the right one passes, all others learn what is missing."""

from pathlib import Path

import pytest
from flask import Flask

from serving.api.tokens import checked_token, read_token, require
from serving.errors import BadRequestError, ForbiddenError, UnauthorizedError

TOKEN = "correct-horse-battery"  # noqa: S105  # no secret


def pass_with(authorization: str | None, token: str = TOKEN) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    with Flask("tests").test_request_context(headers=headers):
        require(token, "start it with --admin-token-file")


@pytest.mark.parametrize("authorization", [f"Bearer {TOKEN}", f"bearer  {TOKEN} "])
def test_the_right_token_passes(authorization: str) -> None:
    pass_with(authorization)


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", f"Basic {TOKEN}", TOKEN])
def test_without_a_token_it_is_said_how_to_send_one(authorization: str | None) -> None:
    with pytest.raises(UnauthorizedError, match="'Authorization: Bearer TOKEN'"):
        pass_with(authorization)


@pytest.mark.parametrize("given", [TOKEN[:-1], TOKEN + "x", TOKEN.upper(), "schlüssel-schlüssel", "x"])
def test_another_token_is_refused(given: str) -> None:
    with pytest.raises(UnauthorizedError, match="not the right one"):
        pass_with(f"Bearer {given}")


@pytest.mark.parametrize("authorization", [None, "Bearer ", "Bearer x"])
def test_where_none_is_set_nobody_passes(authorization: str | None) -> None:
    with pytest.raises(ForbiddenError, match="start it with --admin-token-file"):
        pass_with(authorization, token="")


def test_a_file_holds_a_token_in_a_line(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert read_token(file) == TOKEN


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"short\n", b"two words are no token", "schlüssel-schlüssel".encode(), b"\xff" * 20]
)
def test_a_file_without_a_good_token_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(BadRequestError, match=str(file)):
        read_token(file)


def test_a_token_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequestError, match="No such file"):
        read_token(tmp_path / "token")


def test_the_source_of_a_bad_token_is_named() -> None:
    with pytest.raises(BadRequestError, match=r"\$INKLING_ADMIN_TOKEN must hold"):
        checked_token("short", "$INKLING_ADMIN_TOKEN")
