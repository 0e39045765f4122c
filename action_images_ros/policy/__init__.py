"""The seam: what a policy is (`protocol`), what it sees and answers, its card, and the registry that loads it."""
