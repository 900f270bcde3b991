"""What runs virtual machines: the contract (`base`), the drivers behind it, and the way to them (`dispatch`)."""
