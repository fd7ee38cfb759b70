"""What `ewm doctor` looks at: each check returns findings, and raises nothing."""
