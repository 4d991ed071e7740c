"""The tables of the file, and how files of older versions are brought to the newest."""

import sqlite3

from serving.errors import NotReadyError

APPLICATION = int.from_bytes(b"Inkl", "big")
"""SQLite's `application_id`: tells our files from others."""

_MIGRATIONS = (
    """
    CREATE TABLE corrections (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        model TEXT NOT NULL,
        version INTEGER NOT NULL,
        answer TEXT NOT NULL,
        truth TEXT NOT NULL,
        one INTEGER NOT NULL,
        box TEXT,
        kind TEXT NOT NULL,
        drawing BLOB NOT NULL
    );
    CREATE TABLE kept (corrections INTEGER NOT NULL, bytes INTEGER NOT NULL);
    INSERT INTO kept VALUES (0, 0);
    CREATE TRIGGER added AFTER INSERT ON corrections BEGIN
        UPDATE kept SET corrections = corrections + 1, bytes = bytes + length(new.drawing);
    END;
    CREATE TRIGGER removed AFTER DELETE ON corrections BEGIN
        UPDATE kept SET corrections = corrections - 1, bytes = bytes - length(old.drawing);
    END;
    """,
)
"""What brings a file from each version to the next: never changed once released, only added to."""
NEWEST = len(_MIGRATIONS)


def migrate(connection: sqlite3.Connection, name: str) -> None:
    """Bring the file called `name` to the newest version, whole or not at all.

    Raises NotReadyError where it is another program's, or of a newer Inkling.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application != APPLICATION and (application or version or tables):
            raise NotReadyError(f"{name} is a file of another program; give another one for corrections")
        if version > NEWEST:
            raise NotReadyError(
                f"{name} was written by a newer Inkling (version {version} of the file); update this one"
            )
        for number in range(version, NEWEST):
            for statement in _statements(_MIGRATIONS[number]):
                connection.execute(statement)
        if version < NEWEST:
            # Numbers of ours; a PRAGMA takes no parameters.
            connection.execute(f"PRAGMA user_version = {NEWEST}")
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _statements(script: str) -> list[str]:
    """One by one: `executescript` would end the transaction."""
    found, begun = [], ""
    for line in script.splitlines(keepends=True):
        begun += line
        if sqlite3.complete_statement(begun):
            found.append(begun)
            begun = ""
    return found
