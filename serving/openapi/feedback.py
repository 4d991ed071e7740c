"""`/feedback`: what was read wrongly, and what it was."""

from serving.api.feedback import LONGEST
from serving.openapi.parts import Paths, content, having, in_path, number, operation, ref, several, text, whole
from serving.openapi.predict import SCHEMAS as PREDICTED

_TAG = "Corrections"

SCHEMAS = {
    "Drawing": {
        "oneOf": [
            having({name: PREDICTED[f"By{name.capitalize()}"]["properties"][name]}) for name in ("strokes", "image")
        ]
    },
    "Said": having(
        {
            "model": text("That answered"),
            "version": whole("That answered", minimum=0, maximum=999_999_999),
            "answer": text("The labels as they were read, joined", maxLength=LONGEST),
            "truth": text("What it was: one label, or several joined", minLength=1, maxLength=LONGEST),
        },
        {
            "box": {
                **several(number(), "Of one symbol, as it was answered", minItems=4, maxItems=4),
                "type": ["array", "null"],
            }
        },
    ),
}


def paths() -> Paths:
    """Correct, take back, count."""
    add = operation(
        _TAG,
        "Tell what a drawing was",
        content(having({"id": text("With it, the correction can be removed; nobody can guess it")})),
        status=201,
        about="Only where the server was started with `--feedback FILE`. Nothing is kept but what is sent; beyond a "
        "size, the oldest go.",
        fails=(400, 404, 413, 422, 429, 503, 507),
        body=content(
            {"allOf": [ref("Drawing"), ref("Said")]},
            example={
                "strokes": [[[10, 10], [60, 10], [30, 90]]],
                "model": "digits",
                "version": 4,
                "answer": "1",
                "truth": "7",
            },
        ),
        curl="curl -s {base}/feedback -H 'Content-Type: application/json' \\\n"
        '     -d \'{"strokes": [[[10, 10], [60, 10], [30, 90]]], "model": "digits", "version": 4, '
        '"answer": "1", "truth": "7"}\'',
    )
    count = operation(
        _TAG,
        "How many corrections are kept",
        content(having({"corrections": whole(minimum=0), "bytes": whole(minimum=0), "most_bytes": whole(minimum=0)})),
        about="Needs the header `Authorization: Bearer TOKEN`.",
        fails=(401, 403, 404, 503, 507),
    )
    count["security"] = [{"token": []}]
    remove = operation(
        _TAG, "Remove a correction", None, status=204, fails=(404, 503, 507), parameters=[in_path("id", text())]
    )
    return {"/feedback": {"post": add, "get": count}, "/feedback/{id}": {"delete": remove}}
