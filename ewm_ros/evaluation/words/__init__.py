"""What only words decide: rules kept, dilemmas, and who answers them in tests."""
