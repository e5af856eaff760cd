"""Which variants of the model a route does not know."""

from __future__ import annotations

from taskroy.errors import FitError
from taskroy.models.settings import ModelSettings


def require_known(model: ModelSettings, method: str) -> None:
    """Make sure that a route knows a variant of the model.

    Parameters
    ----------
    model
        The variant.
    method
        The route.

    Raises
    ------
    FitError
        If it does not.
    """
    if method == "simulated-mle" and model.state_dependence != "none":
        raise FitError(
            "Simulated maximum likelihood knows no returns to experience.",
            where="method = 'simulated-mle'",
            expected=f"state_dependence = 'none', not '{model.state_dependence}'",
            remedy="fit the model with state dependence by another method",
        )
    # Laplace's method needs second derivatives, which the value of years to come does not have.
    if method != "nuts" and model.discount > 0:
        raise FitError(
            "Workers who look ahead are known to one route only.",
            where=f"method = '{method}', with discount = {model.discount:g} in [model]",
            expected="method = 'nuts', or discount = 0",
            remedy="fit by method = 'nuts', or let choices be of one year, with discount = 0",
        )
