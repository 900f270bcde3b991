"""What happens: rules, limits, events and workflows, one noun a file. Functions take the `Context` they work in."""
