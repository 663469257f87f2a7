"""Job manifests: what a job made, with digests, and which runs failed."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from remixup.errors import UserError
from remixup.files import write_text


class JobManifest(BaseModel):
    """What one job trained and evaluated."""

    model_config = ConfigDict(extra="forbid")

    attempt: int = Field(1, description="counts the tries of the job; a failed run makes the next call try again")
    runs: dict[str, dict[str, str]] = Field({}, description="run -> seed block -> digest")
    failed: dict[str, str] = Field({}, description="run that failed -> log file")
    unavailable: dict[str, str] = Field({}, description="run without data -> why; the next call tries to get it again")
    checkpoints: dict[str, str] = Field({}, description="checkpoint file -> SHA-256")
    evaluations: dict[str, str] = Field({}, description="file of an evaluated block -> SHA-256")

    def write(self, path: Path) -> None:
        """Write the manifest atomically."""
        write_text(path, self.model_dump_json(indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a manifest; UserError if the file is not one."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            hint = "remove it; the next call writes it again"
            raise UserError(f"not a job manifest: {error.errors()[0]['msg']}", where=str(path), hint=hint) from None
