"""The economics, and the NumPyro model written from it; no sampler lives here."""

if __name__ != "taskroy.models":
    raise ImportError(
        "This folder is the package 'taskroy.models'; import it under that name. "
        "Under a second name JAX would register its classes twice."
    )
