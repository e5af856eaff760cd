"""Worker panels, task weights and exposure labels: what is read before a model exists."""

if __name__ != "taskroy.data":
    raise ImportError(
        "This folder is the package 'taskroy.data'; import it under that name. "
        "Under a second name JAX would register its classes twice."
    )
