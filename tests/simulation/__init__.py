"""The write path's own code over a simulated world, each interleaving decided by a seed."""
