"""What a policy is: its observation, its prediction, its model card and the decoding of a prediction."""
