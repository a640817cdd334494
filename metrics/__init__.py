"""What Prometheus is told: figures of the stores at the moment of a scrape, and how long requests took."""
