"""What the simulated cameras see. Knows nothing of recorders."""
