"""From what runs measured to what it means: statistics, verdicts, claims, provenance and records."""
