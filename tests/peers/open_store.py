"""Opens a store that Kitbag wrote with a SQLCipher that is not Kitbag's.

Usage: open_store.py STORE. The store was written by the `saver` of kitbag-tests: 20 reversals under
the key of 32 bytes of 9.
"""

import pathlib
import sys

from sqlcipher3 import dbapi2

KEY = "09" * 32
WRONG_KEY = "0a" * 32


def read(path: str, key: str) -> int:
    connection = dbapi2.connect(path)
    connection.execute(f"PRAGMA key = \"x'{key}'\"")
    rows = connection.execute("SELECT count(*) FROM record").fetchone()[0]
    assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    connection.close()
    return rows


def main() -> None:
    path = sys.argv[1]
    before = pathlib.Path(path).read_bytes()
    assert not before.startswith(b"SQLite format 3"), "the store is not encrypted"
    assert b"riverside" not in before, "a site stands in the file in plain"
    try:
        read(path, WRONG_KEY)
    except dbapi2.DatabaseError:
        pass
    else:
        sys.exit("a wrong key opened the store")
    assert pathlib.Path(path).read_bytes() == before, "a wrong key changed the store"
    rows = read(path, KEY)
    assert rows == 20, f"expected 20 records, found {rows}"
    print(f"SQLCipher {dbapi2.sqlite_version} opened the store: {rows} records")


main()
