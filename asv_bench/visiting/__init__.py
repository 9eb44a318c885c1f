"""What the dashboard costs: a server, visitors of it, and the figures, as rows of `across_processes.report`."""
