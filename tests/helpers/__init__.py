"""What several tests need: threads on a barrier, real files, second processes."""
