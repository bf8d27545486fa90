"""Why a backup failed."""

from scheduling.errors import TandemError


class BackupFailed(TandemError):
    """The backup could not be made, or is not what it should be; none is kept."""

    code = "backup_failed"
