"""Errors of a fetch. Their messages show a URL only as `Target.shown` writes it: without credentials."""

from scheduling.errors import TandemError


class FetchFailed(TandemError):
    """The URL could not be fetched."""

    code = "fetch_failed"


class AddressRefused(FetchFailed):
    """The host has an address that is neither on the public internet nor let in by the settings."""

    code = "address_refused"


class HostRefused(FetchFailed):
    """The setting TANDEM_HTTP_ALLOWED_HOSTS does not allow the host."""

    code = "host_refused"


class RedirectRefused(FetchFailed):
    """The server redirects too often, or to a URL that this job does not fetch."""

    code = "redirect_refused"


class ErrorStatus(FetchFailed):
    """The server answered with an error status."""

    code = "error_status"


class DeadlinePassed(FetchFailed):
    """The server did not finish its answer in time."""

    code = "deadline_passed"


class TooLarge(FetchFailed):
    """The answer is larger than allowed."""

    code = "too_large"


class UnreadableContent(FetchFailed):
    """The answer is not what its content type says."""

    code = "unreadable_content"
