"""Rules and words without I/O: errors, states, settings, clock, ids. Imports nothing of the other layers."""
