"""`/predict`: every body that it takes, its options and its answer."""

from serving.api.predict import MOST, Options
from serving.config import Config
from serving.ink import FARTHEST, MAX_POINTS, SIDE
from serving.openapi.parts import (
    LABEL,
    Part,
    Paths,
    content,
    either,
    having,
    number,
    operation,
    query,
    ref,
    several,
    text,
    truth,
    whole,
)
from serving.picture import FORMATS

_DEFAULT = Options()
_SYMBOLS = ("auto", "one", "many")

_DIGITS = text(pattern="^0*[1-9][0-9]*$", maxLength=len(str(MOST)))
OPTIONS: dict[str, tuple[Part, Part]] = {
    "model": (
        text("A model's name; by default `digits`, or the first by name where there is none of that name"),
        {"type": ["string", "null"]},
    ),
    "version": (
        either(
            whole(minimum=1, maximum=MOST),
            LABEL,
            about="A version of it, or a label such as `stable`; by default the newest",
        ),
        either({"type": ["integer", "null"], "minimum": 1, "maximum": MOST}, _DIGITS, LABEL),
    ),
    "top": (
        whole("How many of the likeliest labels to give", minimum=1, maximum=MOST, default=_DEFAULT.top),
        either(whole(minimum=1, maximum=MOST), _DIGITS),
    ),
    "symbols": (
        text(
            "Look for one symbol or many; `auto`: as the model's metadata says, for digits many",
            enum=list(_SYMBOLS),
            default=_DEFAULT.symbols,
        ),
        text(enum=list(_SYMBOLS)),
    ),
    "seen": (
        truth("Add the picture that the network saw", default=_DEFAULT.seen),
        either(truth(), {"enum": ["true", "1", "", "false", "0", 0, 1]}),
    ),
}
"""Each option as a query's parameter, and as what JSON may carry."""

_IMAGE = text("Base64 of an image file, or a `data:` URL of it", format="image-base64")
_POINT = several(number(minimum=-FARTHEST, maximum=FARTHEST), "x and y", minItems=2, maxItems=2)
_STROKE = several(_POINT, "What a pen drew between two lifts")
_FORMS: dict[str, Part] = {
    "image": _IMAGE,
    "images": several(_IMAGE, minItems=1, maxItems=Config().max_images),
    "strokes": several(_STROKE, f"Pen strokes, y downwards, any unit; at most {MAX_POINTS:,} points"),
    "pixels": several(
        several(number(minimum=0, maximum=255), minItems=SIDE, maxItems=SIDE),
        f"{SIDE} rows of {SIDE} numbers from 0 to 255, or from 0 to 1 if none is larger",
        minItems=SIDE,
        maxItems=SIDE,
    ),
}
_STROKES_EXAMPLE = {"strokes": [[[10, 10], [60, 10], [30, 90]]]}

SCHEMAS = {
    "Guess": having({"label": text(), "confidence": number(minimum=0, maximum=1)}),
    "Symbol": having(
        {
            "label": text("The likeliest"),
            "confidence": number("Its probability, calibrated", minimum=0, maximum=1),
            "unsure": truth("Whether the confidence is below the model's threshold: better ask again"),
            "box": several(number(), "Left, top, width, height, in the units of what was sent", minItems=4, maxItems=4),
            "top": several(ref("Guess"), "The likeliest labels, beginning with the answer", minItems=1),
        },
        {"seen": text(f"With `seen`: base64 of the {SIDE}x{SIDE} bytes that the network saw")},
    ),
    "Reading": having(
        {
            "model": text(),
            "version": whole(minimum=1),
            "text": text("The labels, left to right, line by line; empty where there is no ink"),
            "symbols": several(ref("Symbol")),
        }
    ),
    "Results": having({"results": several(either(ref("Reading"), ref("Error")), "One for each image, in order")}),
    **{
        f"By{name.capitalize()}": having({name: schema}, {key: form for key, (_, form) in OPTIONS.items()})
        for name, schema in _FORMS.items()
    },
}


def only() -> dict[str, Part]:
    """What JSON may carry -> a body with that and with none of the others."""
    return {
        name: {"allOf": [ref(f"By{name.capitalize()}"), *({"not": {"required": [n]}} for n in _FORMS if n != name)]}
        for name in _FORMS
    }


def paths() -> Paths:
    """The one operation."""
    file = text(format="binary")
    return {
        "/predict": {
            "post": operation(
                "Reading",
                "Read one image, or many",
                content(
                    either(ref("Reading"), ref("Results")),
                    example={
                        "model": "digits",
                        "version": 1,
                        "text": "7",
                        "symbols": [
                            {
                                "label": "7",
                                "confidence": 0.9999,
                                "unsure": False,
                                "box": [10, 10, 50, 80],
                                "top": [{"label": "7", "confidence": 0.9999}, {"label": "1", "confidence": 0.0001}],
                            }
                        ],
                    },
                ),
                about=f"An image is {', '.join(FORMATS[:-1])} or {FORMATS[-1]} of any size, colour, polarity or "
                "transparency; strokes are the fastest. Many images, as `images` or as several files of a form, are "
                "answered as `results`, each with its own error. Options may be in the query or in the JSON, which "
                "comes first.",
                fails=(400, 404, 413, 415, 422, 503, 504),
                parameters=[query(name, schema) for name, (schema, _) in OPTIONS.items()],
                body={
                    **content({"anyOf": [*only().values()]}, example=_STROKES_EXAMPLE),
                    **content(file, "image/*"),
                    **content(having({"image": several(file, minItems=1)}), "multipart/form-data"),
                },
                curl="curl -s {base}/predict -H 'Content-Type: application/json' \\\n"
                "     -d '{\"strokes\": [[[10, 10], [60, 10], [30, 90]]]}'\n\n"
                "curl -s {base}/predict -H 'Content-Type: image/png' --data-binary @seven.png\n\n"
                "curl -s '{base}/predict?top=10' -F image=@seven.png -F image=@eight.jpg",
            )
        }
    }
