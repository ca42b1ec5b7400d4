"""`graph.py FOLDER`: compile the starter model's UNet, keeping what the compilers make in the folder; tell how it went.

A process of its own, as a worker is one: what is kept in memory must not help the next one. Prints JSON: `seconds`
until the graph is warm, graphs `made` and `found` in the folder, and graphs `made_after` that for other sizes of call.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from imagineerd.worker import keeping

os.environ.update(keeping.for_compilers(Path(sys.argv[1])))  # before torch is imported

from imagineerd.worker.compiling import Compiled, Graphs, Shape, made_up

ROWS = (4, 2, 8)
"""Of calls in turn; above 15 a CPU picks another convolution (NNPACK's own bound), which is a guard of the graph."""
CELLS = (24, 16)


def main() -> None:
    """Make the graph, then call it at each size."""
    import torch
    from shapes import STARTER
    from torch._dynamo.utils import counters

    from imagineerd import link
    from imagineerd.worker.devices import choose, set_up
    from imagineerd.worker.models import Library

    hardware = link.Hardware()
    device = choose(hardware)
    set_up(device, hardware.threads)
    library = Library(device, link.Configure(hardware), lambda _report: None)
    unet = library.get(link.ModelSource("starter", str(STARTER))).unet
    graphs = Graphs(unet)
    began = time.perf_counter()
    _warm(graphs, ROWS[0])
    seconds, first = time.perf_counter() - began, _graphs(counters)
    for rows in ROWS[1:]:
        compiled = _warm(graphs, rows)
        with torch.no_grad():
            compiled(*made_up(unet, Shape(rows, *CELLS)))
    made, found = first
    told = {"seconds": seconds, "made": made, "found": found, "made_after": sum(_graphs(counters)) - sum(first)}
    json.dump(told, sys.stdout)


def _warm(graphs: Graphs, rows: int) -> Compiled:
    shape = Shape(rows, *CELLS)
    graphs.unet_for(shape)
    graphs.wait()
    compiled = graphs.unet_for(shape)
    assert compiled is not None, "Inductor makes no graph here."
    return compiled


def _graphs(counters: Mapping[str, Mapping[str, int]]) -> tuple[int, int]:
    inductor = counters["inductor"]
    return inductor["fxgraph_cache_miss"], inductor["fxgraph_cache_hit"]


if __name__ == "__main__":
    main()
