"""What all tests share: one thread per worker, and reproducible property tests.

`HYPOTHESIS_PROFILE=nightly` draws other and more examples than the default, which is the same
on every machine.
"""

from __future__ import annotations

import os
from pathlib import Path

# Before torch or numba are imported: two workers with all threads each are slower than one each.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

# Kernels that tests compile are kept from run to run, and out of the user's folder.
os.environ.setdefault("NEURALC_CACHE", str(Path(__file__).parent.parent / ".pytest_cache/kernels"))

from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    derandomize=True,
    deadline=None,  # the first call of torch or numba takes seconds
    max_examples=50,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "nightly", settings.get_profile("ci"), derandomize=False, max_examples=2000
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
