"""Train the two networks: samples, augmentation, losses, one loop, and what is known about the result."""
