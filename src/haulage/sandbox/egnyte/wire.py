"""Egnyte's errors, in the several shapes that it has for them, and the headers of its gateway."""

from typing import Any

from haulage.sandbox.frame.wire import Answer, Refusal, html_answer, json_answer

CODE_HEADER = "X-Mashery-Error-Code"
OVER_QPS, OVER_RATE = "ERR_403_DEVELOPER_OVER_QPS", "ERR_403_DEVELOPER_OVER_RATE"
INACTIVE = "ERR_403_DEVELOPER_INACTIVE"


def failure(status: int, text: str, headers: dict[str, str] | None = None) -> Answer:
    """An error of the file system: `errorMessage`."""
    return json_answer({"errorMessage": text}, status, headers)


def refuse(status: int, text: str) -> Refusal:
    """The same, to be raised."""
    return Refusal(failure(status, text))


def said(status: int, text: str) -> Refusal:
    """An error of content: `message`; to be raised."""
    return Refusal(json_answer({"message": text}, status))


def scim(status: int, text: str) -> Refusal:
    """An error of users and groups; to be raised."""
    return Refusal(json_answer({"Errors": [{"description": text, "code": str(status)}]}, status))


def gateway(code: str, heading: str, retry_after: str | None = None, status: int = 403) -> Answer:
    """What the gateway answers by itself: a heading in HTML, and its code in a header."""
    made = html_answer(f"<h1>{heading}</h1>", status)
    made.headers[CODE_HEADER] = code
    if retry_after is not None:
        made.headers["Retry-After"] = retry_after
    return made


def apigee(text: str, code: str, retry_after: str | None) -> Answer:
    """What the newer gateway answers to a caller that is too fast."""
    document: dict[str, Any] = {"fault": {"faultstring": text, "detail": {"errorcode": code}}}
    return json_answer(document, 429, {} if retry_after is None else {"Retry-After": retry_after})
