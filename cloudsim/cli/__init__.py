"""The command line: ``cloudsim serve | env | config``."""
