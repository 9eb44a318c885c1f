"""What asv finds here: times beside their rivals, the latency target, and instructions a call."""
