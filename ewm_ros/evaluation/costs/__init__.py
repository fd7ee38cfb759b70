"""What `ewm bench` measures."""
