"""`/explain`: what speaks for a reading."""

from serving.explain import NEAREST, WINDOW
from serving.ink import SIDE
from serving.openapi.parts import Paths, content, either, having, number, operation, query, ref, several, text, whole
from serving.openapi.predict import OPTIONS, only

_WINDOW = several(whole(minimum=0, maximum=SIDE), "Left, top, width, height in its pixels", minItems=4, maxItems=4)
_CONFIDENCE = number(minimum=0, maximum=1)
_LIKENESS = number("Cosine of the angle", minimum=-1, maximum=1)
_PIXELS = f"Base64 of {SIDE}x{SIDE} bytes"
_MOST = 9999
_DIGITS = text(pattern="^[0-9]{1,4}$")

SCHEMAS = {
    "Explanation": having(
        {
            "model": text(),
            "version": whole(minimum=1),
            "symbol": whole("Which symbol this is about, from 0", minimum=0),
            "label": text("The likeliest"),
            "confidence": _CONFIDENCE,
            "unsure": {"type": "boolean"},
            "box": several(number(), "As in a reading", minItems=4, maxItems=4),
            "rival": {**ref("Guess"), "description": "The next likeliest"},
            "margin": number("ln(confidence / the rival's), in nats"),
            "importance": several(
                several(number(), minItems=SIDE, maxItems=SIDE),
                f"{SIDE} rows of {SIDE}: how much of the margin is lost where that pixel's ink is taken away, negative "
                "where it speaks for another label",
                minItems=SIDE,
                maxItems=SIDE,
            ),
            "without": having(
                {"window": _WINDOW, "label": text(), "confidence": _CONFIDENCE},
                about="The window whose ink the answer needs most, and what is read without it",
            ),
            "nearest": several(
                having({"label": text(), "likeness": _LIKENESS, "picture": text(_PIXELS)}),
                "What the model has learnt that is most like it, by the angle between their embeddings: means of its "
                "training pictures, or those themselves where they were few; none where the model carries none",
                maxItems=NEAREST,
            ),
            "seen": text(f"{_PIXELS}, which the network saw"),
        }
    )
}


def paths() -> Paths:
    """The one operation."""
    file = text(format="binary")
    symbol = having({}, {"symbol": either(whole(minimum=0, maximum=_MOST), _DIGITS)})
    choices = [{"allOf": [*schema["allOf"], symbol]} for name, schema in only().items() if name != "images"]
    return {
        "/explain": {
            "post": operation(
                "Reading",
                "Why a symbol was read as it was",
                content(ref("Explanation")),
                about=f"Reads one image as `/predict` does, then again and again with the ink of {WINDOW}x{WINDOW} "
                "pixels taken away, and tells where that costs the answer most.",
                fails=(400, 404, 413, 415, 422, 503, 504),
                parameters=[
                    query("symbol", whole("Which symbol, from 0", minimum=0, maximum=_MOST, default=0)),
                    *(query(name, schema) for name, (schema, _) in OPTIONS.items() if name not in ("top", "seen")),
                ],
                body={
                    **content({"anyOf": choices}, example={"strokes": [[[10, 10], [60, 10], [30, 90]]]}),
                    **content(file, "image/*"),
                    **content(having({"image": several(file, minItems=1, maxItems=1)}), "multipart/form-data"),
                },
                curl="curl -s {base}/explain -d '{\"strokes\": [[[10, 10], [60, 10], [30, 90]]]}' \\\n"
                "     -H 'Content-Type: application/json'",
            )
        }
    }
