"""What may go wrong, as types: each is a status, a name for programs and a sentence for people (RFC 9457)."""

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

__all__ = ["AllowanceUsed", "CoachAway", "CoachError", "HandleTaken", "NotSignedIn", "Problem", "TooFast", "Unknown"]


class Problem(BaseModel):
    """An error as the client reads it."""

    type: str = Field(examples=["too-fast"])
    title: str = Field(examples=["One moment, please: that was too fast."])
    status: int = Field(examples=[429])


class CoachError(Exception):
    """The root of all; a subclass says its status, type and title.

    Args:
        retry_after: seconds, where trying again then makes sense.
    """

    status = 500
    type = "internal"
    title = "Something went wrong on our side."

    def __init__(self, retry_after: str | None = None) -> None:
        super().__init__(self.title)
        self.retry_after = retry_after

    @property
    def problem(self) -> Problem:
        """The body."""
        return Problem(type=self.type, title=self.title, status=self.status)

    @property
    def headers(self) -> dict[str, str]:
        """What goes with the body."""
        return {} if self.retry_after is None else {"Retry-After": self.retry_after}


class NotSignedIn(CoachError):
    """No token, or one that nobody has."""

    status, type = 401, "not-signed-in"
    title = "Please sign in: send your token as Authorization: Bearer."

    @property
    def headers(self) -> dict[str, str]:
        """Say how, as RFC 9110 section 15.5.2 wants it."""
        return {"WWW-Authenticate": "Bearer"}


class Unknown(CoachError):
    """No such conversation, or another user's, which is the same."""

    status, type = 404, "unknown-conversation"
    title = "You have no such conversation."


class HandleTaken(CoachError):
    """Two users want one name."""

    status, type = 409, "handle-taken"
    title = "Somebody has this name already, please choose another one."


class TooFast(CoachError):
    """The user's rate is used up, or its money held by calls under way."""

    status, type = 429, "too-fast"
    title = "One moment, please: that was too fast."


class AllowanceUsed(CoachError):
    """The user's money of the day is spent."""

    status, type = 429, "allowance-used"
    title = "You have used up today's time with the coach. See you tomorrow!"


class CoachAway(CoachError):
    """No model answered, or the answer broke off."""

    status, type = 503, "coach-away"
    title = "The coach is away for a moment, please try again."


async def answer(request: Request, error: Exception) -> JSONResponse:
    """Return an error as its client reads it; what is none of ours is told to the log, and not to the client."""
    told = error if isinstance(error, CoachError) else CoachError()
    return JSONResponse(told.problem.model_dump(), told.status, told.headers, media_type="application/problem+json")
