"""What a person sees, and a program reads, where something did not work: what, why, and what to do."""

from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException

from haulage.api import problems
from haulage.model.errors import HaulageError
from haulage.operations.runlog import log_of
from haulage.web.access import ForgedForm, SecondFirst, SignInFirst
from haulage.web.rendering import render


def for_program(request: Request) -> bool:
    """Whether a program asked."""
    return request.url.path.startswith("/api/")


def install(app: FastAPI) -> None:  # noqa: C901 - one short function for each kind of error
    """Have every error answered by a page, or for programs by problem+json."""

    async def signed_out(request: Request, error: SignInFirst) -> Response:
        where = f"/sign-in?{_next(error.next)}{'&unsent=true' if error.unsent else ''}"
        if request.headers.get("hx-request"):
            return Response(status_code=401, headers={"HX-Redirect": where})
        return RedirectResponse(where, 303)

    async def without_second(request: Request, _error: SecondFirst) -> Response:
        where = "/account?second_first=true"
        if request.headers.get("hx-request"):
            return Response(status_code=401, headers={"HX-Redirect": where})
        return RedirectResponse(where, 303)

    async def forged(request: Request, _error: ForgedForm) -> Response:
        told = "This form is too old, or did not come from here", "Go back, load the page again and send it again."
        return _page(request, 403, *told)

    async def known(request: Request, error: HaulageError) -> Response:
        if for_program(request):
            return problems.answer(request, error)
        return _page(request, problems.status_of(error), error.message, error.fix)

    async def http(request: Request, error: HTTPException) -> Response:
        if for_program(request):
            return problems.plain(request, error.status_code, str(error.detail), error.headers)
        told = {404: "There is no such page", 405: "That cannot be done here"}.get(error.status_code, error.detail)
        return _page(request, error.status_code, str(told), "Go back, or begin at the first page.")

    async def wrong(request: Request, error: RequestValidationError) -> Response:
        if for_program(request):
            return problems.invalid(request, error.errors())
        fields = ", ".join(str(one["loc"][-1]) for one in error.errors())
        return _page(request, 422, f"Something in the form cannot be read: {fields}", "Go back and correct it.")

    handlers: dict[Any, Any] = {
        SignInFirst: signed_out,
        SecondFirst: without_second,
        ForgedForm: forged,
        HaulageError: known,
        HTTPException: http,
        RequestValidationError: wrong,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def unexpected(request: Request, error: Exception) -> Response:
    """What nobody expected: the log has it under a number, which is all that is told (S44)."""
    number = request.state.request_id
    log_of(request.app.state.ledger).bug(error, request=number, path=request.url.path)
    if for_program(request):
        return problems.plain(request, 500, f"an unexpected error, request {number}")
    return _page(request, 500, "Something unexpected went wrong", f"The server's log tells more: request {number}.")


def _next(path: str) -> str:
    return urlencode({"next": path})


def _page(request: Request, status: int, message: str, fix: str) -> HTMLResponse:
    template = "_told.html" if request.headers.get("hx-request") else "message.html"
    # htmx shows what comes with an answer that it takes for a good one
    shown = 200 if request.headers.get("hx-request") else status
    facts = {"visit": None, "form_key": "", "path": request.url.path, "heading": message}
    return HTMLResponse(render(template, **facts, message=message, fix=fix), shown)
