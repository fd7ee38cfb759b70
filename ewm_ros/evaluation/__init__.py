"""What came of a run and what it cost: metrics, bags, reports, benchmarks."""
