"""The tables of the API itself. What is scheduled and run is in `scheduling.models`."""

from api.models.binding import Binding
from api.models.counted_attempt import CountedAttempt
from api.models.kept_answer import KeptAnswer
from api.models.token import ApiToken

__all__ = ["ApiToken", "Binding", "CountedAttempt", "KeptAnswer"]
