"""Why an archive cannot be read or written; each message is one sentence with the remedy."""


class ArchiveUnusable(RuntimeError):
    """Something is wrong with an archive."""


class ArchiveAway(ArchiveUnusable):
    """Its place cannot be reached, or takes nothing more; it is safe to try again."""


class ArchiveDamaged(ArchiveUnusable):
    """What lies there is not what was put there."""


class NoArchive(ArchiveUnusable):
    """What was named is no place for an archive, or holds something else."""


class PartDamaged(ArchiveDamaged):
    """A part does not hold what was sealed."""
