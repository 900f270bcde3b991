"""What clients read: for each noun its fields, and how rows become them, whole pages at a time."""
