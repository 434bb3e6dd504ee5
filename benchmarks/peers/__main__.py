"""What a user would pick instead, measured beside EdgeBERT: see docs/peers.md.

.venv/bin/python benchmarks/peers                    everything
.venv/bin/python benchmarks/peers --quick            a first look
.venv/bin/python benchmarks/peers --render           the documents from benchmarks/peers.json
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parent.parent)

from peers.command import main  # noqa: E402

if __name__ == "__main__":
    main()
