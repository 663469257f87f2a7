"""remixup: a reproducible replication of the mixup papers."""

__version__ = "0.1.0"
