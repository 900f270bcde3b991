"""Every command, a file a noun. The one place to add a command: nothing else has to be edited."""
