"""Real servers brought by Python packages: what `falconpay[embedded]` starts on one machine."""
