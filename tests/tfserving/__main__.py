"""`python -m tests.tfserving PORT [MODELS]`: the stand-in for TensorFlow Serving as a process, for `make bench`."""

import sys
import threading
from pathlib import Path

from serving.repository import SHIPPED
from tests.tfserving.standin import StandIn

if __name__ == "__main__":
    server = StandIn(Path(sys.argv[2]) if len(sys.argv) > 2 else SHIPPED)
    server.port, server.address = int(sys.argv[1]), f"127.0.0.1:{sys.argv[1]}"
    server.start()
    threading.Event().wait()
