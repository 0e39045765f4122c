"""Fine-tuning and distillation of the 5 B world model."""
