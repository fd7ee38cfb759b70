"""Ways through a map for one size of robot: routes, alternatives to them, places aside."""
