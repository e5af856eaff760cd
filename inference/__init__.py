"""Ways from a model and a panel to a posterior: NUTS and variational inference."""

if __name__ != "taskroy.inference":
    raise ImportError(
        "This folder is the package 'taskroy.inference'; import it under that name. "
        "Under a second name JAX would register its classes twice."
    )

# ArviZ makes NumPyro a lazy module. Asked first for a submodule, such a module loads that twice and
# is broken; asked for a name of its own, it loads as it should.
from numpyro import handlers as _  # noqa: F401
