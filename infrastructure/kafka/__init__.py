"""Kafka as transport of the events: records with a MAC, the topic, who writes and who reads it."""
