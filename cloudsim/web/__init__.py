"""What is served beside the API: health, readiness, metrics."""
