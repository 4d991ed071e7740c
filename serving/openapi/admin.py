"""`/admin`: what changes the server's state, for those who bring the token."""

from serving.openapi.parts import LABEL, Part, Paths, content, having, in_path, operation, text, whole

SCHEMAS: dict[str, Part] = {}

_FAILS = (400, 401, 403, 404, 503, 504, 507)


def paths() -> Paths:
    """Labels of versions, set and removed."""
    which = [in_path("name", text()), in_path("label", LABEL)]
    label = {"model": text(), "label": text()}
    about = "Needs the header `Authorization: Bearer TOKEN`, with the token that the server was started with."
    curl = (
        "curl -s -X PUT {base}/admin/models/digits/labels/stable "
        """-H "Authorization: Bearer $INKLING_ADMIN_TOKEN" -d '{"version": 1}'"""
    )
    made: Paths = {
        "/admin/models/{name}/labels/{label}": {
            "put": operation(
                "Administration",
                "Let a label stand for a version, which is loaded before",
                content(having({**label, "version": whole(minimum=1)})),
                about=about,
                fails=_FAILS,
                parameters=which,
                body=content(having({"version": whole(minimum=1)})),
                curl=curl,
            ),
            "delete": operation(
                "Administration",
                "Remove a label; its version goes too, unless something else wants it",
                content(having({**label, "version": {"type": "null"}})),
                about=about,
                fails=_FAILS,
                parameters=which,
            ),
        }
    }
    for methods in made.values():
        for each in methods.values():
            each["security"] = [{"token": []}]
    return made
