"""Why a backup failed."""

from scheduling.errors import TandemError


class BackupFailed(TandemError):
    """The backup could not be made, or did not pass its check. No file of it is kept."""

    code = "backup_failed"
