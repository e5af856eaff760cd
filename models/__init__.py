"""The economics, and the NumPyro model written from it; no sampler lives here."""

if __name__ != "taskroy.models":
    raise ImportError(
        "This folder is the package 'taskroy.models'; import it under that name. "
        "Under a second name JAX would register its classes twice."
    )

# ArviZ makes NumPyro a lazy module. Asked first for a submodule, such a module loads that twice and
# is broken; asked for a name of its own, it loads as it should.
from numpyro import handlers as _  # noqa: F401
