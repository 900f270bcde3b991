"""Where a virtual machine goes; see `base` for the data and the parts, `find` for how they work together."""
