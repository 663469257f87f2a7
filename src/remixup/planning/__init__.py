"""Plan the runs, evaluations and jobs of each experiment at a scale."""
