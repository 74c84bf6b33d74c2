"""Training in epochs of minibatches."""
