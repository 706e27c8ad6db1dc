"""The HTTP status of each kind of refusal, for pages and API alike."""

from .problems import Kind

STATUS_OF_KIND = {
    Kind.INVALID: 422,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.TOO_MANY: 429,
}
