"""Ways from a model and a panel to a posterior: NUTS and variational inference."""

if __name__ != "taskroy.inference":
    raise ImportError(
        "This folder is the package 'taskroy.inference'; import it under that name. "
        "Under a second name JAX would register its classes twice."
    )
