"""What it costs to watch an engine: who looks at it, and the figures, as rows of `across_processes.report`."""
