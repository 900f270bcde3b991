"""CloudStack's API on the wire: parse, authenticate, find the command, check its parameters, render its answer."""
