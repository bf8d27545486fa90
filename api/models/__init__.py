"""The tables of the API's own."""

from api.models.kept_answer import KeptAnswer

__all__ = ["KeptAnswer"]
