"""What is done with a posterior: store, counterfactuals, checks, figures, report."""

if __name__ != "taskroy.posteriors":
    raise ImportError(
        "This folder is the package 'taskroy.posteriors'; import it under that name. "
        "Under a second name JAX would register its classes twice."
    )
