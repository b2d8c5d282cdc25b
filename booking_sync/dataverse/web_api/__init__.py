"""The Web API (v9.2) itself: transport, throttling, batches, translated refusals."""
