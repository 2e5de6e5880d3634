"""What can be swapped: databases, brokers, embedded servers, secrets, telemetry."""
