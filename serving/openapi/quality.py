"""How well the models do."""

from serving.openapi.parts import Paths, content, having, number, operation, ref, several, text, whole

_SHARE = number(minimum=0, maximum=1)

SCHEMAS = {
    "Quality": having(
        {
            "model": text(),
            "version": whole(minimum=0),
            "symbols": whole("Read", minimum=0),
            "unsure": whole("Of those", minimum=0),
            "classes": several(having({"label": text(), "symbols": whole(minimum=0), "share": _SHARE})),
            "corrections": whole(minimum=0),
            "confusion": several(
                having({"answer": text(), "truth": text(), "corrections": whole(minimum=1)}),
                "The most frequent first",
            ),
            "drift": {
                **having(
                    {
                        "unsure": _SHARE,
                        "interval": several(_SHARE, "95 % Wilson", minItems=2, maxItems=2),
                        "expected": number("Of the pictures that the model was checked with", minimum=0, maximum=1),
                        "points": number("Percentage points more than expected"),
                        "verdict": text(enum=["too few", "as expected", "more than expected", "fewer than expected"]),
                    }
                ),
                "type": ["object", "null"],
                "description": "Whether drawings look to the model like those that it was checked with: how many more "
                "are unsure",
            },
        }
    )
}


def paths() -> Paths:
    """For machines and for people."""
    return {
        "/quality.json": {
            "get": operation(
                "Machines",
                "What each version read since the server's start, and what was corrected",
                content(having({"models": several(ref("Quality"))})),
                fails=(503, 507),
                curl="curl -s {base}/quality.json",
            )
        },
        "/quality": {"get": operation("Pages", "The same for people", content(text(), "text/html"), fails=(503, 507))},
    }
