"""What routes of the API share: what is sent, what is answered, and numbers in paths."""

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Path
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from haulage.api.access import AllowedFirst

PROBLEM = {"description": "What, why, and what to do.", "content": {"application/problem+json": {}}}
Number = Annotated[int, Path(ge=1, le=2**53)]


def api_router() -> APIRouter:
    """For routes of the API: whoever calls is asked first, and errors are problem details."""
    responses: dict[int | str, dict[str, Any]] = {
        code: PROBLEM for code in (401, 403, 404, 409, 413, 422, 429, 502, 503)
    }
    return APIRouter(prefix="/api/v1", route_class=AllowedFirst, responses=responses)


class Body(BaseModel):
    """What is sent; anything unknown in it is refused."""

    model_config = ConfigDict(extra="forbid", str_max_length=100_000)


class Document(Response):
    """JSON of plain documents."""

    def __init__(self, facts: Any, status: int = 200) -> None:
        super().__init__(msgspec.json.encode(facts, enc_hook=str), status, media_type="application/json")
