"""`POST /predict`: every form of body to ink, readings to JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

from flask import Blueprint, request

from serving import ink
from serving.api.asked import asked
from serving.api.body import aside, json, whole
from serving.api.respond import Answer, base64_text, config, json_answer, recognizer, told
from serving.drawing import base64_bytes, listed
from serving.errors import (
    BadRequestError,
    InklingError,
    OverloadedError,
    TooLargeError,
    TooSlowError,
    UnknownTypeError,
)
from serving.ink import Ink, Stroke
from serving.model import Which
from serving.recognizer import Reading, Recognizer, Symbol
from serving.repository import is_name
from serving.telling import Told
from serving.together import elsewhere, pause

blueprint = Blueprint("predict", __name__)

Maker = Callable[[bool], Ink]
"""Makes ink of one image; told whether to look for many symbols."""

MOST = 999_999_999
"""The largest number that an option may be: what nine digits can say."""
_AT_ONCE = 4
"""Images of a request up to which all are looked at in one turn."""
_SOURCES = ("image", "images", "strokes", "pixels")


@dataclass(frozen=True)
class Options:
    """What a client may choose, as query parameters or JSON members."""

    model: str | None = None
    version: Which = None
    top: int = 3
    symbols: str = "auto"
    seen: bool = False

    def many(self, recognizer: Recognizer) -> bool:
        """Whether that one is to look for many symbols."""
        return self.symbols == "many" or (self.symbols == "auto" and recognizer.bundle.metadata.symbols == "many")


@blueprint.post("/predict")
def predict() -> Answer:
    """Read one image, or many, as DESIGN says under HTTP."""
    of = told()
    body, makers, several = parse()
    options = chosen({**asked().options(), **body})
    reader = recognizer(options.model, options.version)
    many = options.many(reader)
    inks = list(_inks(makers, many)) if several else [make(many) for make in makers]
    with of.stage("engine"):
        readings = reader.read([found for found in inks if isinstance(found, Ink)], options.top)
    of.read(readings)
    left = iter(readings)
    answers = [
        _answer(reader, next(left), options) if isinstance(found, Ink) else {"error": str(found)} for found in inks
    ]
    return json_answer({"results": answers} if several else answers[0])


def parse() -> tuple[Mapping[str, Any], Sequence[Maker], bool]:
    """The JSON body's members (or none), one maker of ink an image, and whether many were meant.

    Raises BadRequestError, TooLargeError, UnknownTypeError.
    """
    kind = asked().mimetype
    if kind == "application/json":
        return _parse_json()
    if kind.startswith("image/"):
        return {}, [partial(_from_bytes, asked().data())], False
    if kind == "multipart/form-data":
        files = request.files.getlist("image")
        if not files:
            raise BadRequestError("the form has no file named 'image'; send one or more, each under that name")
        _check_count(len(files))
        return {}, [partial(_from_bytes, file.read()) for file in files], len(files) > 1
    raise UnknownTypeError(
        f"Content-Type {kind or 'is missing and'} is not understood; "
        "send image/* (the file as it is), multipart/form-data or application/json"
    )


def _parse_json() -> tuple[Mapping[str, Any], Sequence[Maker], bool]:
    with told().stage("decode"):
        body = json()
    sources = [name for name in _SOURCES if name in body] if isinstance(body, dict) else []
    if len(sources) != 1:
        raise BadRequestError(f"the body must be a JSON object with one of {', '.join(map(repr, _SOURCES))}")
    source = sources[0]
    value = body[source]
    if source == "strokes":
        return body, [partial(_from_strokes, listed(value))], False
    if source == "pixels":
        return body, [partial(_from_pixels, value)], False
    if source == "image":
        return body, [partial(_from_base64, value)], False
    if not isinstance(value, list) or not value:
        raise BadRequestError("'images' must be a list of base64 strings, at least one")
    _check_count(len(value))
    return body, [partial(_from_base64, text) for text in value], True


def _check_count(count: int) -> None:
    most = config().max_images
    if count > most:
        raise TooLargeError(f"{count} images are too many for one request; at most {most} are accepted")


def _from_strokes(strokes: Sequence[Stroke], many: bool) -> Ink:
    with told().stage("ink"):
        return aside(partial(ink.from_strokes, strokes, many))


def _from_pixels(rows: object, _many: bool) -> Ink:
    with told().stage("ink"):
        return aside(partial(ink.from_pixels, rows))


def _from_bytes(data: bytes, many: bool) -> Ink:
    look = partial(_looked_at, told(), data, many)
    return elsewhere(look) if ink.is_large(data) else look()


def _looked_at(of: Told, data: bytes, many: bool) -> Ink:
    with of.stage("decode"):
        decoded = ink.decode(data)
    with of.stage("ink"):
        return ink.from_decoded(decoded, many)


def _from_base64(text: object, many: bool) -> Ink:
    with told().stage("decode"):
        data = base64_bytes(text)
    return _from_bytes(data, many)


def _inks(makers: Sequence[Maker], many: bool) -> Iterator[Ink | InklingError]:
    end = perf_counter() + config().max_seconds
    for done, make in enumerate(makers):
        if perf_counter() > end:
            raise TooSlowError(
                f"only {done} of the {len(makers)} images could be looked at within {config().max_seconds:g} s; "
                "send fewer of them at once, or smaller ones"
            )
        if len(makers) > _AT_ONCE:
            pause()
        yield _ink_or_error(make, many)


def _ink_or_error(make: Maker, many: bool) -> Ink | InklingError:
    try:
        return make(many)
    except OverloadedError:
        raise
    except InklingError as error:
        return error


def chosen(given: Mapping[str, Any]) -> Options:
    """The options among what was given; raises BadRequestError where one has no meaning."""
    symbols = given.get("symbols", "auto")
    if symbols not in ("auto", "one", "many"):
        raise BadRequestError("'symbols' must be 'auto', 'one' or 'many'")
    model = given.get("model")
    if model is not None and not isinstance(model, str):
        raise BadRequestError("'model' must be a model's name")
    version = given.get("version")
    return Options(
        model=model,
        version=None if version is None else _version(version),
        top=_whole_number("top", given.get("top", 3)),
        symbols=symbols,
        seen=_truth("seen", given.get("seen", False)),
    )


def _version(value: object) -> Which:
    if isinstance(value, str) and is_name(value) and not value.isdecimal():
        return value
    return _whole_number("version", value, ", or a label such as 'stable'")


def _whole_number(name: str, value: object, otherwise: str = "") -> int:
    number = whole(value, digits=9)
    if number is None or not 1 <= number <= MOST:
        raise BadRequestError(f"{name!r} must be a whole number from 1 to {MOST:,}{otherwise}")
    return number


def _truth(name: str, value: object) -> bool:
    if value in (True, "true", "1", ""):
        return True
    if value in (False, "false", "0"):
        return False
    raise BadRequestError(f"{name!r} must be true or false")


def _answer(recognizer: Recognizer, reading: Reading, options: Options) -> dict[str, object]:
    return {
        "model": recognizer.bundle.name,
        "version": recognizer.bundle.version,
        "text": reading.text,
        "symbols": [_symbol(symbol, options) for symbol in reading.symbols],
    }


def _symbol(symbol: Symbol, options: Options) -> dict[str, object]:
    answer: dict[str, object] = {
        "label": symbol.label,
        "confidence": round(symbol.confidence, 4),
        "unsure": symbol.unsure,
        "box": symbol.box,
        "top": [{"label": g.label, "confidence": round(g.confidence, 4)} for g in symbol.top],
    }
    if options.seen:
        answer["seen"] = base64_text(symbol.picture)
    return answer
